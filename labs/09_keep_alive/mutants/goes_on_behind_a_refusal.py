"""Says close, throws away what waits, and reads on: the smuggled request comes with the next read.

caught by: test_nothing_behind_a_refusal_is_read_as_a_request
"""
        # >>> task 5: refuse, and read nothing after it
        self.waiting = b""
        nobody = Request("GET", "*", 1, ())
        return render(nobody, Response(refused.status, f"{refused.rule}\n".encode()), False)
        # <<< task 5
