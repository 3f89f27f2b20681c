"""Whatever one read brings is one request: the rest of it is lost.

caught by: test_the_answers_do_not_depend_on_where_the_bytes_are_cut
"""
        # >>> task 3: answer what has come, in order
        self.waiting += data
        answers = []
        try:
            while not self.closing and (found := self.read(self.waiting)) is not None:
                request, self.waiting = found
                answers.append(self.exchange(request))
                self.waiting = b"" if b"\r\n\r\n" not in self.waiting else self.waiting
        except Refused as refused:
            answers.append(self.refuse(refused))
        return b"".join(answers)
        # <<< task 3
