"""What is not a whole request by now is thrown away.

caught by: test_a_request_in_pieces_is_answered_when_it_is_whole_and_not_before
"""
        # >>> task 3: answer what has come, in order
        self.waiting = data
        answers = []
        try:
            while not self.closing and (found := self.read(self.waiting)) is not None:
                request, self.waiting = found
                answers.append(self.exchange(request))
        except Refused as refused:
            answers.append(self.refuse(refused))
        return b"".join(answers)
        # <<< task 3
