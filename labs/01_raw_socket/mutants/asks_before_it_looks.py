"""Asks the socket first, although the whole head may be waiting already.

caught by: test_a_head_that_waits_already_needs_no_recv
"""
        # >>> task 3: read a whole head
        while True:
            piece = self.stream.recv(READ)
            if not piece:
                raise EndedEarly("the connection ended")
            self.waiting += piece
            if END_OF_HEAD in self.waiting:
                break
            if len(self.waiting) >= LARGEST_HEAD:
                raise BadResponse("no end of the head")
        head, _, self.waiting = self.waiting.partition(END_OF_HEAD)
        return head + END_OF_HEAD
        # <<< task 3
