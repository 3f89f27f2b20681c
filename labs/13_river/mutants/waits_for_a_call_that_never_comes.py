"""Waits for resume_writing after every write: it comes only after pause_writing.

caught by: test_a_transport_with_room_takes_the_parts_in_order_and_makes_nobody_wait
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
        self.room.clear()
        await self.room.wait()
        if self.lost:
            raise ConnectionResetError("the client has left")
        # <<< task 3
