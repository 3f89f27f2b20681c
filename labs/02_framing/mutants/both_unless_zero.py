"""Asks whether the length is true: 0 is a length, too, and a length that is none deserves the same rule.

caught by: test_a_request_whose_end_is_in_doubt_is_refused_by_the_first_rule_it_breaks
"""
    # >>> task 6: decide the length of the content
    if not values(fields, "transfer-encoding"):
        return Framing(Kind.LENGTH, content_length(fields) or 0)
    if content_length(fields):
        raise Refused(Rule.BOTH)
    if minor == 0:
        raise Refused(Rule.OLD_VERSION)
    codings = transfer_codings(fields)
    if codings[-1] != "chunked":
        raise Refused(Rule.NOT_LAST if "chunked" in codings else Rule.UNKNOWN_CODING)
    if len(codings) > 1:
        raise Refused(Rule.UNKNOWN_CODING)
    return Framing(Kind.CHUNKED)
    # <<< task 6
