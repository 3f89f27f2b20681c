"""Clients write close in lower case, mostly.

caught by: test_close_is_found_wherever_the_list_has_it
"""
    # >>> task 1: may the connection persist?
    lines = values(fields, "connection")
    options = {option.strip(" \t") for line in lines for option in line.split(",")}
    if "close" in options:
        return False
    return minor >= 1 or "keep-alive" in options
    # <<< task 1
