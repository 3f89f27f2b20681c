"""Seeks before the first piece alone: whoever shares the file moves its position.

caught by: test_two_readers_of_one_file_do_not_disturb_each_other
"""
        # >>> task 1: read a file piece by piece
        if not self.left:
            raise StopAsyncIteration
        if not hasattr(self, "begun"):
            self.begun = self.file.seek(self.position)
        piece = self.file.read(min(self.size, self.left))
        if not piece:
            raise Shrunk(f"{self.left} bytes are missing")
        self.position += len(piece)
        self.left -= len(piece)
        return piece
        # <<< task 1
