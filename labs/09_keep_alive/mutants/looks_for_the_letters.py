"""`in` on text finds close in closed, and keep-alive in keep-alive-not.

caught by: test_an_option_is_a_whole_word
"""
    # >>> task 1: may the connection persist?
    lines = values(fields, "connection")
    options = ",".join(lines).lower()
    if "close" in options:
        return False
    return minor >= 1 or "keep-alive" in options
    # <<< task 1
