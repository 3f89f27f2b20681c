"""A server from before 1997.

caught by: test_one_connection_answers_one_request_after_the_other, test_the_socket_stays_open_from_one_request_to_the_next
"""
        # >>> task 3: answer what has come, in order
        self.waiting += data
        answers = []
        try:
            while not self.closing and (found := self.read(self.waiting)) is not None:
                request, self.waiting = found
                answers.append(self.exchange(request))
                self.closing = True
        except Refused as refused:
            answers.append(self.refuse(refused))
        return b"".join(answers)
        # <<< task 3
