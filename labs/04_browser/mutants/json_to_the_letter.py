"""Compares the whole value, parameters and case included.

caught by: test_an_order_of_our_page_or_of_no_page_is_taken
"""
        # >>> task 5: refuse what a stranger's form can send
        origins = request.fields.get_all("origin")
        if origins and list(origins) != [self.page]:
            return 403, "orders are taken from our own page alone"
        types = request.fields.get_all("content-type")
        if len(types) != 1 or types[0] != "application/json":
            return 415, "orders are application/json"
        return None
        # <<< task 5
