"""Refuses whoever is no browser.

caught by: test_an_order_of_our_page_or_of_no_page_is_taken
"""
        # >>> task 5: refuse what a stranger's form can send
        origins = request.fields.get_all("origin")
        if list(origins) != [self.page]:
            return 403, "orders are taken from our own page alone"
        types = request.fields.get_all("content-type")
        if len(types) != 1 or types[0].partition(";")[0].strip(" \t").lower() != "application/json":
            return 415, "orders are application/json"
        return None
        # <<< task 5
