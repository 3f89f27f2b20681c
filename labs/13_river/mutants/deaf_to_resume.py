"""Does not listen when the transport has room again: the stream stops for ever.

caught by: test_a_full_transport_makes_send_wait_until_all_has_gone
"""
        # >>> task 3: wait when the transport is full
        self.room.clear()
        # <<< task 3
        # >>> task 3: wait when the transport is full
        pass
        # <<< task 3
        # >>> task 3: wait when the transport is full
        if not self.lost:
            for part in parts:
                self.transport.write(part)
                self.unyielded += len(part)
        if self.unyielded >= TURN:
            self.unyielded = 0
            await asyncio.sleep(0)
        while not self.room.is_set():
            await self.room.wait()
        if self.lost:
            raise ConnectionResetError("the client has left")
        # <<< task 3
