"""Asks str.isdigit, which knows the digits of every script, and superscripts.

caught by: test_a_content_length_that_is_not_a_run_of_ascii_digits_is_refused
"""
    # >>> task 4: read Content-Length
    lines = values(fields, "content-length")
    if not lines:
        return None
    if len(lines) > 1 or not (lines[0].isdigit() and len(lines[0]) < 20):
        raise Refused(Rule.LENGTH)
    return int(lines[0]) if lines[0].isdecimal() else 0
    # <<< task 4
