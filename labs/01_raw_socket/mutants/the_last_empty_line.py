"""Searches from the right: a pipelined response behind this one has an empty line too.

caught by: test_a_head_goes_up_to_its_empty_line_and_the_rest_stays_waiting
"""
        # >>> task 3: read a whole head
        while (end := self.waiting.rfind(END_OF_HEAD)) < 0:
            if len(self.waiting) >= LARGEST_HEAD:
                raise BadResponse(f"no end of the head within {LARGEST_HEAD} octets")
            piece = self.stream.recv(READ)
            if not piece:
                raise EndedEarly("the connection ended")
            self.waiting += piece
        end += len(END_OF_HEAD)
        head, self.waiting = self.waiting[:end], self.waiting[end:]
        return head
        # <<< task 3
