"""Takes the end of the connection for the end of the head.

caught by: test_an_end_inside_the_head_is_an_error
"""
        # >>> task 3: read a whole head
        while (end := self.waiting.find(END_OF_HEAD)) < 0:
            if len(self.waiting) >= LARGEST_HEAD:
                raise BadResponse(f"no end of the head within {LARGEST_HEAD} octets")
            piece = self.stream.recv(READ)
            if not piece:
                head, self.waiting = self.waiting, b""
                return head
            self.waiting += piece
        end += len(END_OF_HEAD)
        head, self.waiting = self.waiting[:end], self.waiting[end:]
        return head
        # <<< task 3
