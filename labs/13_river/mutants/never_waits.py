"""Writes and goes on: the transport keeps what the kernel does not take, 5 GB if need be.

caught by: test_a_full_transport_makes_send_wait_until_all_has_gone
"""
        # >>> task 3: wait when the transport is full
        self.room.clear()
        # <<< task 3
        # >>> task 3: wait when the transport is full
        self.room.set()
        # <<< task 3
        # >>> task 3: wait when the transport is full
        if not self.lost:
            for part in parts:
                self.transport.write(part)
                self.unyielded += len(part)
        if self.unyielded >= TURN:
            self.unyielded = 0
            await asyncio.sleep(0)
        if self.lost:
            raise ConnectionResetError("the client has left")
        # <<< task 3
