"""Strips all white space of text: a no-break space before "chunked" disappears here and not elsewhere.

caught by: test_what_is_no_list_of_codings_is_refused
"""
    # >>> task 5: read Transfer-Encoding
    lines = values(fields, "transfer-encoding")
    if not lines:
        return []
    codings = [element.strip().lower() for element in ",".join(lines).split(",")]
    if not all(map(CODING.fullmatch, codings)) or codings.count("chunked") > 1:
        raise Refused(Rule.CODINGS)
    return codings
    # <<< task 5
