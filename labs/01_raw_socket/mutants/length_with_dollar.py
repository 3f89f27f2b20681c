"""Ends its pattern with a dollar sign, which matches before a last line end too.

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
    if not re.match(r"[0-9]{1,18}$", value):
        raise BadResponse("not a number of octets")
    return int(value)
    # <<< task 4
