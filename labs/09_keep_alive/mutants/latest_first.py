"""Answers are put in front of each other.

caught by: test_pipelined_requests_are_answered_in_the_order_they_came
"""
        # >>> task 3: answer what has come, in order
        self.waiting += data
        answers = []
        try:
            while not self.closing and (found := self.read(self.waiting)) is not None:
                request, self.waiting = found
                answers.insert(0, self.exchange(request))
        except Refused as refused:
            answers.append(self.refuse(refused))
        return b"".join(answers)
        # <<< task 3
