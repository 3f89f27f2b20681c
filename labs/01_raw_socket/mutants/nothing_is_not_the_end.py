"""Reads on when recv gives nothing: a closed connection gives nothing for ever.

caught by: test_an_end_inside_the_head_is_an_error
"""
        # >>> task 3: read a whole head
        while (end := self.waiting.find(END_OF_HEAD)) < 0:
            if len(self.waiting) >= LARGEST_HEAD:
                raise BadResponse(f"no end of the head within {LARGEST_HEAD} octets")
            piece = self.stream.recv(READ)
            self.waiting += piece
        end += len(END_OF_HEAD)
        head, self.waiting = self.waiting[:end], self.waiting[end:]
        return head
        # <<< task 3
