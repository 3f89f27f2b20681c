"""Takes the part's end for a position that is still sent.

caught by: test_a_part_comes_in_pieces_and_the_last_is_what_remains
"""
        # >>> task 1: read a file piece by piece
        if self.left < 0:
            raise StopAsyncIteration
        self.file.seek(self.position)
        piece = self.file.read(min(self.size, self.left + 1))
        if not piece:
            raise Shrunk(f"{self.left} bytes are missing")
        self.position += len(piece)
        self.left -= len(piece)
        return piece
        # <<< task 1
