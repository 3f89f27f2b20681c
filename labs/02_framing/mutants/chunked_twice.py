"""Lets chunked stand twice: one reader takes it off once, the other twice.

caught by: test_chunked_is_not_applied_twice
"""
    # >>> task 5: read Transfer-Encoding
    lines = values(fields, "transfer-encoding")
    if not lines:
        return []
    codings = [element.strip(" \t").lower() for element in ",".join(lines).split(",")]
    if not all(map(CODING.fullmatch, codings)):
        raise Refused(Rule.CODINGS)
    return codings
    # <<< task 5
