"""Refuses leading zeros: 1*DIGIT allows them, and they are not ambiguous.

caught by: test_a_content_length_is_its_number
"""
    # >>> task 4: read Content-Length
    lines = values(fields, "content-length")
    if not lines:
        return None
    if len(lines) > 1 or not re.fullmatch("0|[1-9][0-9]{0,18}", lines[0]):
        raise Refused(Rule.LENGTH)
    return int(lines[0])
    # <<< task 4
