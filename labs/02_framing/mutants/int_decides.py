"""Lets int() do the checking: it takes signs, underscores, white space and digits of other scripts.

caught by: test_a_content_length_that_is_not_a_run_of_ascii_digits_is_refused
"""
    # >>> task 4: read Content-Length
    lines = values(fields, "content-length")
    if not lines:
        return None
    try:
        if len(lines) > 1 or len(lines[0]) > 19:
            raise ValueError
        return int(lines[0])
    except ValueError:
        raise Refused(Rule.LENGTH) from None
    # <<< task 4
