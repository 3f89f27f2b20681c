"""Always reads a whole piece: the last one runs over into what nobody asked for.

caught by: test_a_part_comes_in_pieces_and_the_last_is_what_remains
"""
        # >>> task 1: read a file piece by piece
        if not self.left:
            raise StopAsyncIteration
        self.file.seek(self.position)
        piece = self.file.read(self.size)
        if not piece:
            raise Shrunk(f"{self.left} bytes are missing")
        self.position += len(piece)
        self.left = max(0, self.left - len(piece))
        return piece
        # <<< task 1
