"""HTTP/1.1 as if it were HTTP/1.0: only keep-alive keeps.

caught by: test_http_1_1_persists_unless_it_says_close
"""
    # >>> task 1: may the connection persist?
    lines = values(fields, "connection")
    options = {option.strip(" \t").lower() for line in lines for option in line.split(",")}
    if "close" in options:
        return False
    return "keep-alive" in options
    # <<< task 1
