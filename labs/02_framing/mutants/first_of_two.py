"""Takes the first of two lengths. The proxy in front may take the last.

caught by: test_a_content_length_on_two_lines_is_refused_even_when_both_agree
"""
    # >>> task 4: read Content-Length
    lines = values(fields, "content-length")
    if not lines:
        return None
    if not re.fullmatch("[0-9]{1,19}", lines[0]):
        raise Refused(Rule.LENGTH)
    return int(lines[0])
    # <<< task 4
