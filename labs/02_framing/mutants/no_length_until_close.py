"""Lets a request without a length go on until the connection closes: that is the rule for responses.

caught by: test_the_length_of_the_content_is_decided_by_the_rules
"""
    # >>> task 6: decide the length of the content
    if not values(fields, "transfer-encoding"):
        return Framing(Kind.LENGTH, content_length(fields) or -1)
    if values(fields, "content-length"):
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
