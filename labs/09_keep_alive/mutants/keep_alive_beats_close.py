"""Looks for keep-alive first.

caught by: test_close_beats_keep_alive
"""
    # >>> task 1: may the connection persist?
    lines = values(fields, "connection")
    options = {option.strip(" \t").lower() for line in lines for option in line.split(",")}
    if "keep-alive" in options:
        return True
    return minor >= 1 and "close" not in options
    # <<< task 1
