"""Gives the minor version as sent: HTTP/1.7 asks to be treated as the highest 1.x we know.

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
    return parts[0].decode("ascii"), parts[1].decode("ascii"), int(version[2])
    # <<< task 2
