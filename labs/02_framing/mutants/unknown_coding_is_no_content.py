"""Ignores a coding that it does not know: the content becomes the next request.

caught by: test_a_request_whose_end_is_in_doubt_is_refused_by_the_first_rule_it_breaks
"""
    # >>> task 6: decide the length of the content
    if not values(fields, "transfer-encoding"):
        return Framing(Kind.LENGTH, content_length(fields) or 0)
    if values(fields, "content-length"):
        raise Refused(Rule.BOTH)
    if minor == 0:
        raise Refused(Rule.OLD_VERSION)
    codings = transfer_codings(fields)
    if codings[-1] != "chunked":
        return Framing(Kind.LENGTH, content_length(fields) or 0)
    if len(codings) > 1:
        raise Refused(Rule.UNKNOWN_CODING)
    return Framing(Kind.CHUNKED)
    # <<< task 6
