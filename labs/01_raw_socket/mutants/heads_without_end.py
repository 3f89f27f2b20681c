"""Sets no limit: one server with an endless head, and the memory is gone.

caught by: test_a_head_without_an_end_is_given_up
"""
        # >>> task 3: read a whole head
        while (end := self.waiting.find(END_OF_HEAD)) < 0:
            piece = self.stream.recv(READ)
            if not piece:
                raise EndedEarly("the connection ended")
            self.waiting += piece
        end += len(END_OF_HEAD)
        head, self.waiting = self.waiting[:end], self.waiting[end:]
        return head
        # <<< task 3
