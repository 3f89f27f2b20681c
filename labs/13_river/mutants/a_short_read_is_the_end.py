"""Takes a read that gives less for the last one: pipes, sockets and network disks give less at any time.

caught by: test_a_short_read_is_a_piece_like_any_other
"""
        # >>> task 1: read a file piece by piece
        if not self.left:
            raise StopAsyncIteration
        self.file.seek(self.position)
        piece = self.file.read(min(self.size, self.left))
        if not piece:
            raise Shrunk(f"{self.left} bytes are missing")
        self.position += len(piece)
        self.left = self.left - len(piece) if len(piece) == self.size else 0
        return piece
        # <<< task 1
