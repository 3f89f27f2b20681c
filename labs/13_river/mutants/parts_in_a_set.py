"""Drops parts that are alike: a chunk may well look like its own size.

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
            for part in sorted(set(parts)):
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
