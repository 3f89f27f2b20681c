"""Believes the fields of a 304, which tell of the content that a 200 would have had.

caught by: test_some_responses_have_no_content_whatever_their_fields_say
"""
    # >>> task 4: know how long the content is
    if "transfer-encoding" in fields:
        raise BadResponse("a transfer coding")
    value = fields.get("content-length")
    if value is None:
        raise BadResponse("no content-length")
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise BadResponse("not a number of octets")
    return int(value)
    # <<< task 4
