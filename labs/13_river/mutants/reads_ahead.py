"""Has the next piece ready before it is asked for: twice the memory for every reader, stalled ones too.

caught by: test_a_piece_is_read_when_it_is_asked_for_and_not_before
"""
        # >>> task 1: read a file piece by piece
        if not hasattr(self, "ready"):
            self.file.seek(self.position)
            self.ready = self.file.read(min(self.size, self.left))
        piece = self.ready
        if not piece and self.left:
            raise Shrunk(f"{self.left} bytes are missing")
        if not piece:
            raise StopAsyncIteration
        self.position += len(piece)
        self.left -= len(piece)
        self.file.seek(self.position)
        self.ready = self.file.read(min(self.size, self.left))
        return piece
        # <<< task 1
