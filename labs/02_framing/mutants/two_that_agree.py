"""Accepts two lengths that agree, as the RFC would allow: this lab refuses what no honest sender writes.

caught by: test_a_content_length_on_two_lines_is_refused_even_when_both_agree
"""
    # >>> task 4: read Content-Length
    lines = values(fields, "content-length")
    if not lines:
        return None
    if len(set(lines)) > 1 or not re.fullmatch("[0-9]{1,19}", lines[0]):
        raise Refused(Rule.LENGTH)
    return int(lines[0])
    # <<< task 4
