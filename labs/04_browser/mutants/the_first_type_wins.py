"""Looks at the first Content-Type alone.

caught by: test_what_a_form_can_send_is_415_and_not_taken
"""
        # >>> task 5: refuse what a stranger's form can send
        origins = request.fields.get_all("origin")
        if origins and list(origins) != [self.page]:
            return 403, "orders are taken from our own page alone"
        types = request.fields.get_all("content-type")
        if not types or types[0].partition(";")[0].strip(" \t").lower() != "application/json":
            return 415, "orders are application/json"
        return None
        # <<< task 5
