"""Takes a missing length for 0: the content that follows becomes the next response.

caught by: test_content_without_a_length_is_refused
"""
    # >>> task 4: know how long the content is
    if status < 200 or status in (204, 304):
        return 0
    if "transfer-encoding" in fields:
        raise BadResponse("a transfer coding")
    value = fields.get("content-length", "0")
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise BadResponse("not a number of octets")
    return int(value)
    # <<< task 4
