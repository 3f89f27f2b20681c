"""Looks once and believes it: by its turn, another may have taken the room.

caught by: test_whoever_is_woken_looks_again_whether_there_is_room
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
        if not self.room.is_set():
            await self.room.wait()
        if self.lost:
            raise ConnectionResetError("the client has left")
        # <<< task 3
