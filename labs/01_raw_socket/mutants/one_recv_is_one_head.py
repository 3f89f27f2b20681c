"""Reads once and hopes: on loopback, with a fast server, it nearly always works.

caught by: test_a_head_that_arrives_in_pieces_is_read_whole
"""
        # >>> task 3: read a whole head
        self.waiting += self.stream.recv(READ)
        if END_OF_HEAD not in self.waiting:
            raise EndedEarly("no end of the head")
        head, _, self.waiting = self.waiting.partition(END_OF_HEAD)
        return head + END_OF_HEAD
        # <<< task 3
