"""Takes the end of the file for the end of the part: the reader waits for bytes that never come.

caught by: test_a_file_that_has_shrunk_is_an_error_and_no_end
"""
        # >>> task 1: read a file piece by piece
        if not self.left:
            raise StopAsyncIteration
        self.file.seek(self.position)
        piece = self.file.read(min(self.size, self.left))
        if not piece:
            raise StopAsyncIteration
        self.position += len(piece)
        self.left -= len(piece)
        return piece
        # <<< task 1
