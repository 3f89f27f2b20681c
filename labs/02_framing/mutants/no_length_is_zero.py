"""Returns 0 without a Content-Length: then nobody can tell "none" from "0" any more.

caught by: test_a_content_length_is_its_number
"""
    # >>> task 4: read Content-Length
    lines = values(fields, "content-length")
    if not lines:
        return 0
    if len(lines) > 1 or not re.fullmatch("[0-9]{1,19}", lines[0]):
        raise Refused(Rule.LENGTH)
    return int(lines[0])
    # <<< task 4
