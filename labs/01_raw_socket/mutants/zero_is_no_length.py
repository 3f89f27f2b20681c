"""Tests the number for truth, so that a length of 0 counts as missing.

caught by: test_the_length_is_the_value_of_content_length
"""
    # >>> task 4: know how long the content is
    if status < 200 or status in (204, 304):
        return 0
    if "transfer-encoding" in fields:
        raise BadResponse("a transfer coding")
    value = fields.get("content-length")
    if value is None:
        raise BadResponse("no content-length")
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise BadResponse("not a number of octets")
    if not int(value):
        raise BadResponse("no content-length")
    return int(value)
    # <<< task 4
