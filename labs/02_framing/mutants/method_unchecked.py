"""Takes any first word for a method.

caught by: test_a_request_line_of_another_shape_is_refused
"""
    # >>> task 2: read the request line
    parts = line.split(b" ")
    if len(parts) != 3 or not TARGET.fullmatch(parts[1]):
        raise Refused(Rule.REQUEST_LINE)
    version = re.fullmatch(rb"HTTP/([0-9])\.([0-9])", parts[2])
    if version is None:
        raise Refused(Rule.REQUEST_LINE)
    if version[1] != b"1":
        raise Refused(Rule.VERSION)
    return parts[0].decode("ascii"), parts[1].decode("ascii"), 0 if version[2] == b"0" else 1
    # <<< task 2
