"""Takes the Keep-Alive field for the option keep-alive.

caught by: test_http_1_0_ends_unless_it_says_keep_alive
"""
    # >>> task 1: may the connection persist?
    lines = values(fields, "connection")
    options = {option.strip(" \t").lower() for line in lines for option in line.split(",")}
    if "close" in options:
        return False
    return minor >= 1 or "keep-alive" in options or bool(values(fields, "keep-alive"))
    # <<< task 1
