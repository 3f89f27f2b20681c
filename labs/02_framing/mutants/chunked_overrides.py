"""Lets Transfer-Encoding win over Content-Length, which RFC 9112 §6.3 permits if one then closes the connection.
Whoever stood in front and read the length has sent on something else.

caught by: test_a_request_whose_end_is_in_doubt_is_refused_by_the_first_rule_it_breaks
"""
    # >>> task 6: decide the length of the content
    if not values(fields, "transfer-encoding"):
        return Framing(Kind.LENGTH, content_length(fields) or 0)
    if minor == 0:
        raise Refused(Rule.OLD_VERSION)
    codings = transfer_codings(fields)
    if codings[-1] != "chunked":
        raise Refused(Rule.NOT_LAST if "chunked" in codings else Rule.UNKNOWN_CODING)
    if len(codings) > 1:
        raise Refused(Rule.UNKNOWN_CODING)
    return Framing(Kind.CHUNKED)
    # <<< task 6
