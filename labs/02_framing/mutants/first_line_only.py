"""Reads the first line alone: a second Transfer-Encoding line adds to the list.

caught by: test_transfer_codings_are_one_list_over_all_lines_in_their_order, test_chunked_is_not_applied_twice
"""
    # >>> task 5: read Transfer-Encoding
    lines = values(fields, "transfer-encoding")
    if not lines:
        return []
    codings = [element.strip(" \t").lower() for element in lines[0].split(",")]
    if not all(map(CODING.fullmatch, codings)) or codings.count("chunked") > 1:
        raise Refused(Rule.CODINGS)
    return codings
    # <<< task 5
