"""Reads the file and hands it out in pieces: flat on the wire, 5 GB in memory.

caught by: test_a_piece_is_read_when_it_is_asked_for_and_not_before
"""
        # >>> task 1: read a file piece by piece
        if not self.left:
            raise StopAsyncIteration
        self.file.seek(self.position)
        content = self.file.read(self.left)
        piece = content[: self.size]
        if not piece:
            raise Shrunk(f"{self.left} bytes are missing")
        self.position += len(piece)
        self.left -= len(piece)
        return piece
        # <<< task 1
