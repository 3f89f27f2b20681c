"""Compares codings as they are capitalised; they are case-insensitive (RFC 9112 §7).

caught by: test_transfer_codings_are_one_list_over_all_lines_in_their_order
"""
    # >>> task 5: read Transfer-Encoding
    lines = values(fields, "transfer-encoding")
    if not lines:
        return []
    codings = [element.strip(" \t") for element in ",".join(lines).split(",")]
    if not all(map(CODING.fullmatch, codings)) or codings.count("chunked") > 1:
        raise Refused(Rule.CODINGS)
    return codings
    # <<< task 5
