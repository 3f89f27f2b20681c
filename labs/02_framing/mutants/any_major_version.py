"""Reads HTTP/2.0 in this shape as if it were HTTP/1.0.

caught by: test_another_major_version_is_refused_as_such
"""
    # >>> task 2: read the request line
    parts = line.split(b" ")
    if len(parts) != 3 or not TOKEN.fullmatch(parts[0]) or not TARGET.fullmatch(parts[1]):
        raise Refused(Rule.REQUEST_LINE)
    version = re.fullmatch(rb"HTTP/([0-9])\.([0-9])", parts[2])
    if version is None:
        raise Refused(Rule.REQUEST_LINE)
    return parts[0].decode("ascii"), parts[1].decode("ascii"), 0 if version[2] == b"0" else 1
    # <<< task 2
