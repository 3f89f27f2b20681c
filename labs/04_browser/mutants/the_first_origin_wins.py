"""Looks at the first Origin line alone.

caught by: test_the_origin_is_looked_at_first_and_there_is_one
"""
        # >>> task 5: refuse what a stranger's form can send
        origins = request.fields.get_all("origin")
        if origins and origins[0] != self.page:
            return 403, "orders are taken from our own page alone"
        types = request.fields.get_all("content-type")
        if len(types) != 1 or types[0].partition(";")[0].strip(" \t").lower() != "application/json":
            return 415, "orders are application/json"
        return None
        # <<< task 5
