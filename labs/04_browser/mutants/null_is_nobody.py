"""Takes null for no origin at all: every sandboxed frame is welcome.

caught by: test_an_order_of_a_strangers_page_is_403_and_not_taken
"""
        # >>> task 5: refuse what a stranger's form can send
        origins = request.fields.get_all("origin")
        if origins and list(origins) not in ([self.page], ["null"]):
            return 403, "orders are taken from our own page alone"
        types = request.fields.get_all("content-type")
        if len(types) != 1 or types[0].partition(";")[0].strip(" \t").lower() != "application/json":
            return 415, "orders are application/json"
        return None
        # <<< task 5
