"""Looks for the empty line in what came last, which may hold only half of it.

caught by: test_a_head_that_arrives_in_pieces_is_read_whole
"""
        # >>> task 3: read a whole head
        piece = self.waiting
        while END_OF_HEAD not in piece:
            if len(self.waiting) >= LARGEST_HEAD:
                raise BadResponse("no end of the head")
            piece = self.stream.recv(READ)
            if not piece:
                raise EndedEarly("the connection ended")
            self.waiting += piece
        head, _, self.waiting = self.waiting.partition(END_OF_HEAD)
        return head + END_OF_HEAD
        # <<< task 3
