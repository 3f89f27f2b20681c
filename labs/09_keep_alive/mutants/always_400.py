"""Every mistake of a client is a bad request.

caught by: test_a_refusal_names_the_rule_and_says_close
"""
        # >>> task 5: refuse, and read nothing after it
        self.closing = True
        self.waiting = b""
        nobody = Request("GET", "*", 1, ())
        return render(nobody, Response(400, f"{refused.rule}\n".encode()), False)
        # <<< task 5
