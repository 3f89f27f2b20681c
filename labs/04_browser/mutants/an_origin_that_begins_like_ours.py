"""startswith: port 11110 is a stranger's.

caught by: test_an_order_of_a_strangers_page_is_403_and_not_taken
"""
        # >>> task 5: refuse what a stranger's form can send
        origins = request.fields.get_all("origin")
        if origins and not (len(origins) == 1 and origins[0].startswith(self.page)):
            return 403, "orders are taken from our own page alone"
        types = request.fields.get_all("content-type")
        if len(types) != 1 or types[0].partition(";")[0].strip(" \t").lower() != "application/json":
            return 415, "orders are application/json"
        return None
        # <<< task 5
