"""Reads the codings before it asks which fields are there: of two lengths, the malformed one is blamed.

caught by: test_a_request_whose_end_is_in_doubt_is_refused_by_the_first_rule_it_breaks
"""
    # >>> task 6: decide the length of the content
    codings = transfer_codings(fields)
    if not codings:
        return Framing(Kind.LENGTH, content_length(fields) or 0)
    if values(fields, "content-length"):
        raise Refused(Rule.BOTH)
    if minor == 0:
        raise Refused(Rule.OLD_VERSION)
    if codings[-1] != "chunked":
        raise Refused(Rule.NOT_LAST if "chunked" in codings else Rule.UNKNOWN_CODING)
    if len(codings) > 1:
        raise Refused(Rule.UNKNOWN_CODING)
    return Framing(Kind.CHUNKED)
    # <<< task 6
