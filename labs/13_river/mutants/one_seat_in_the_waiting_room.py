"""Keeps one future for whoever waits: the second one overwrites the first, who sleeps for ever.

caught by: test_everyone_who_waits_for_room_is_woken
"""
        # >>> task 3: wait when the transport is full
        self.room.clear()
        # <<< task 3
        # >>> task 3: wait when the transport is full
        self.room.set()
        waiter, self.waiter = getattr(self, "waiter", None), None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
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
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        if self.lost:
            raise ConnectionResetError("the client has left")
        # <<< task 3
