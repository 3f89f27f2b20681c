"""One read, one request: what is pipelined waits for bytes that never come.

caught by: test_pipelined_requests_are_answered_in_the_order_they_came
"""
        # >>> task 3: answer what has come, in order
        self.waiting += data
        answers = []
        try:
            if not self.closing and (found := self.read(self.waiting)) is not None:
                request, self.waiting = found
                answers.append(self.exchange(request))
        except Refused as refused:
            answers.append(self.refuse(refused))
        return b"".join(answers)
        # <<< task 3
