"""Asks once for the whole length and takes what comes.

caught by: test_content_that_arrives_in_pieces_is_read_whole
"""
        # >>> task 5: read exactly the content
        if len(self.waiting) < length:
            piece = self.stream.recv(length - len(self.waiting))
            if not piece:
                raise EndedEarly("the connection ended")
            self.waiting += piece
        content, self.waiting = self.waiting[:length], self.waiting[length:]
        return content
        # <<< task 5
