"""Ignores empty elements, which lists in general allow: an empty Transfer-Encoding is then none at all here,
and some coding to somebody else.

caught by: test_what_is_no_list_of_codings_is_refused
"""
    # >>> task 5: read Transfer-Encoding
    lines = values(fields, "transfer-encoding")
    if not lines:
        return []
    codings = [element.strip(" \t").lower() for element in ",".join(lines).split(",") if element.strip(" \t")]
    if not all(map(CODING.fullmatch, codings)) or codings.count("chunked") > 1:
        raise Refused(Rule.CODINGS)
    return codings
    # <<< task 5
