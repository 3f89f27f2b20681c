"""Reads on from wherever the file happens to stand: a part begins at its start.

caught by: test_a_part_comes_in_pieces_and_the_last_is_what_remains
"""
        # >>> task 1: read a file piece by piece
        if not self.left:
            raise StopAsyncIteration
        piece = self.file.read(min(self.size, self.left))
        if not piece:
            raise Shrunk(f"{self.left} bytes are missing")
        self.position += len(piece)
        self.left -= len(piece)
        return piece
        # <<< task 1
