"""The loop does not look whether the connection is closing.

caught by: test_nothing_is_answered_after_the_request_that_said_close
"""
        # >>> task 3: answer what has come, in order
        self.waiting += data
        answers = []
        try:
            while (found := self.read(self.waiting)) is not None:
                request, self.waiting = found
                answers.append(self.exchange(request))
        except Refused as refused:
            answers.append(self.refuse(refused))
        return b"".join(answers)
        # <<< task 3
