"""Counts the bytes of one call alone: pieces of 64 KiB never make a turn.

caught by: test_a_reader_that_takes_everything_at_once_leaves_the_others_their_turns
"""
        # >>> task 3: wait when the transport is full
        self.room.clear()
        # <<< task 3
        # >>> task 3: wait when the transport is full
        self.room.set()
        # <<< task 3
        # >>> task 3: wait when the transport is full
        self.unyielded = 0
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
