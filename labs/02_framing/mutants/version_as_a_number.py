"""Reads the version as a decimal number: +1.1, 1.10 and 1 are numbers, too.

caught by: test_a_request_line_of_another_shape_is_refused
"""
    # >>> task 2: read the request line
    parts = line.split(b" ")
    if len(parts) != 3 or not TOKEN.fullmatch(parts[0]) or not TARGET.fullmatch(parts[1]):
        raise Refused(Rule.REQUEST_LINE)
    try:
        version = str(float(parts[2].removeprefix(b"HTTP/"))).encode().partition(b".")
    except ValueError:
        raise Refused(Rule.REQUEST_LINE) from None
    if version[0] != b"1":
        raise Refused(Rule.VERSION)
    return parts[0].decode("ascii"), parts[1].decode("ascii"), 0 if version[2] == b"0" else 1
    # <<< task 2
