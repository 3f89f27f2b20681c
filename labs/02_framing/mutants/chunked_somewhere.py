"""Looks for the letters "chunked" anywhere: xchunked is another coding, and a list has more than one element.

caught by: test_transfer_codings_are_one_list_over_all_lines_in_their_order, test_what_is_no_list_of_codings_is_refused, test_chunked_is_not_applied_twice
"""
    # >>> task 5: read Transfer-Encoding
    joined = ",".join(values(fields, "transfer-encoding")).lower()
    return ["chunked"] if "chunked" in joined else []
    # <<< task 5
