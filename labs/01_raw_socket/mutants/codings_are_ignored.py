"""Reads the length that it knows and ignores the coding that overrides it.

caught by: test_a_transfer_coding_goes_before_the_length
"""
    # >>> task 4: know how long the content is
    if status < 200 or status in (204, 304):
        return 0
    value = fields.get("content-length")
    if value is None:
        raise BadResponse("no content-length")
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise BadResponse("not a number of octets")
    return int(value)
    # <<< task 4
