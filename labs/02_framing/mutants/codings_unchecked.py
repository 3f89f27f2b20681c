"""Takes whatever stands between commas for a coding.

caught by: test_what_is_no_list_of_codings_is_refused
"""
    # >>> task 5: read Transfer-Encoding
    lines = values(fields, "transfer-encoding")
    if not lines:
        return []
    codings = [element.strip(" \t").lower() for element in ",".join(lines).split(",")]
    if codings.count("chunked") > 1:
        raise Refused(Rule.CODINGS)
    return codings
    # <<< task 5
