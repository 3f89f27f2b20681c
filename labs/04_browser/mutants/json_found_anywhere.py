"""Finds the type anywhere in the value, as the old trick wants it.

caught by: test_what_a_form_can_send_is_415_and_not_taken
"""
        # >>> task 5: refuse what a stranger's form can send
        origins = request.fields.get_all("origin")
        if origins and list(origins) != [self.page]:
            return 403, "orders are taken from our own page alone"
        types = request.fields.get_all("content-type")
        if len(types) != 1 or "application/json" not in types[0].lower():
            return 415, "orders are application/json"
        return None
        # <<< task 5
