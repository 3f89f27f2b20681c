"""Moves on by what it asked for, not by what it got: bytes are left out.

caught by: test_a_short_read_is_a_piece_like_any_other
"""
        # >>> task 1: read a file piece by piece
        if not self.left:
            raise StopAsyncIteration
        self.file.seek(self.position)
        piece = self.file.read(min(self.size, self.left))
        if not piece:
            raise Shrunk(f"{self.left} bytes are missing")
        self.position += min(self.size, self.left)
        self.left -= len(piece)
        return piece
        # <<< task 1
