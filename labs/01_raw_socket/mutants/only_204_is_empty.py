"""Remembers 204 No Content and forgets its two companions.

caught by: test_some_responses_have_no_content_whatever_their_fields_say
"""
    # >>> task 4: know how long the content is
    if status == 204:
        return 0
    if "transfer-encoding" in fields:
        raise BadResponse("a transfer coding")
    value = fields.get("content-length")
    if value is None:
        raise BadResponse("no content-length")
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise BadResponse("not a number of octets")
    return int(value)
    # <<< task 4
