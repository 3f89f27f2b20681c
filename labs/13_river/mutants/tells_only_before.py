"""Looks before it writes and not after it has waited: the next piece is made for nobody.

caught by: test_who_waits_for_room_while_the_client_leaves_is_told
"""
        # >>> task 3: wait when the transport is full
        self.room.clear()
        # <<< task 3
        # >>> task 3: wait when the transport is full
        self.room.set()
        # <<< task 3
        # >>> task 3: wait when the transport is full
        if self.lost:
            raise ConnectionResetError("the client has left")
        for part in parts:
            self.transport.write(part)
            self.unyielded += len(part)
        if self.unyielded >= TURN:
            self.unyielded = 0
            await asyncio.sleep(0)
        while not self.room.is_set():
            await self.room.wait()
        # <<< task 3
