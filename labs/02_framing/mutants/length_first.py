"""Asks for Content-Length first and is content with it: a reader that asks for Transfer-Encoding first finds the
next request elsewhere (CL.TE).

caught by: test_a_request_whose_end_is_in_doubt_is_refused_by_the_first_rule_it_breaks
"""
    # >>> task 6: decide the length of the content
    length = content_length(fields)
    if length is not None:
        return Framing(Kind.LENGTH, length)
    if not values(fields, "transfer-encoding"):
        return Framing(Kind.LENGTH)
    if minor == 0:
        raise Refused(Rule.OLD_VERSION)
    codings = transfer_codings(fields)
    if codings[-1] != "chunked":
        raise Refused(Rule.NOT_LAST if "chunked" in codings else Rule.UNKNOWN_CODING)
    if len(codings) > 1:
        raise Refused(Rule.UNKNOWN_CODING)
    return Framing(Kind.CHUNKED)
    # <<< task 6
