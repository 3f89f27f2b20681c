"""Writes first and looks later whether anybody is there.

caught by: test_who_sends_to_a_client_that_has_left_is_told
"""
        # >>> task 3: wait when the transport is full
        self.room.clear()
        # <<< task 3
        # >>> task 3: wait when the transport is full
        self.room.set()
        # <<< task 3
        # >>> task 3: wait when the transport is full
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
