"""Turns the method into capitals: "get" is a method nobody knows, not GET.

caught by: test_a_request_line_is_method_target_and_minor_version
"""
    # >>> task 2: read the request line
    parts = line.split(b" ")
    if len(parts) != 3 or not TOKEN.fullmatch(parts[0]) or not TARGET.fullmatch(parts[1]):
        raise Refused(Rule.REQUEST_LINE)
    version = re.fullmatch(rb"HTTP/([0-9])\.([0-9])", parts[2])
    if version is None:
        raise Refused(Rule.REQUEST_LINE)
    if version[1] != b"1":
        raise Refused(Rule.VERSION)
    return parts[0].decode("ascii").upper(), parts[1].decode("ascii"), 0 if version[2] == b"0" else 1
    # <<< task 2
