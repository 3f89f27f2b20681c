"""Returns the head and forgets what came with it: the first octets of the content.

caught by: test_a_head_goes_up_to_its_empty_line_and_the_rest_stays_waiting
"""
        # >>> task 3: read a whole head
        while (end := self.waiting.find(END_OF_HEAD)) < 0:
            if len(self.waiting) >= LARGEST_HEAD:
                raise BadResponse(f"no end of the head within {LARGEST_HEAD} octets")
            piece = self.stream.recv(READ)
            if not piece:
                raise EndedEarly("the connection ended")
            self.waiting += piece
        end += len(END_OF_HEAD)
        head, self.waiting = self.waiting[:end], b""
        return head
        # <<< task 3
