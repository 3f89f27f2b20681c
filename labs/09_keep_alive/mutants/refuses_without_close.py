"""A 400 like any other response.

caught by: test_a_refusal_names_the_rule_and_says_close
"""
        # >>> task 5: refuse, and read nothing after it
        self.closing = True
        self.waiting = b""
        nobody = Request("GET", "*", 1, ())
        return render(nobody, Response(refused.status, f"{refused.rule}\n".encode()), True)
        # <<< task 5
