"""Refuses a leading zero; the grammar is 1*DIGIT and allows it.

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
    if not re.fullmatch(r"0|[1-9][0-9]{0,17}", value):
        raise BadResponse("not a number of octets")
    return int(value)
    # <<< task 4
