"""Takes any number of digits and keeps the last, as 64 bits do: another reader keeps the first.

caught by: test_a_content_length_that_is_not_a_run_of_ascii_digits_is_refused
"""
    # >>> task 4: read Content-Length
    lines = values(fields, "content-length")
    if not lines:
        return None
    if len(lines) > 1 or not re.fullmatch("[0-9]+", lines[0]):
        raise Refused(Rule.LENGTH)
    return int(lines[0][-19:])
    # <<< task 4
