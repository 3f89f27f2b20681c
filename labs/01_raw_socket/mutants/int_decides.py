"""Leaves it to int, which takes signs, spaces, underscores and the digits of every script.

caught by: test_a_length_that_is_not_digits_is_refused
"""
    # >>> task 4: know how long the content is
    if status < 200 or status in (204, 304):
        return 0
    if "transfer-encoding" in fields:
        raise BadResponse("a transfer coding")
    value = fields.get("content-length")
    if value is None:
        raise BadResponse("no content-length")
    try:
        return int(value)
    except ValueError:
        raise BadResponse("not a number of octets") from None
    # <<< task 4
