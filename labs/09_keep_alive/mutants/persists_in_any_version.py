"""HTTP/1.0 as if it were HTTP/1.1: the client waits for an end that does not come.

caught by: test_http_1_0_ends_unless_it_says_keep_alive
"""
    # >>> task 1: may the connection persist?
    lines = values(fields, "connection")
    options = {option.strip(" \t").lower() for line in lines for option in line.split(",")}
    if "close" in options:
        return False
    return True
    # <<< task 1
