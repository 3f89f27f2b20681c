"""The bytes behind the refusal stay, for nobody.

caught by: test_what_waits_is_thrown_away_by_a_refusal
"""
        # >>> task 5: refuse, and read nothing after it
        self.closing = True
        nobody = Request("GET", "*", 1, ())
        return render(nobody, Response(refused.status, f"{refused.rule}\n".encode()), False)
        # <<< task 5
