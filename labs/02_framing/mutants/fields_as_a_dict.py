"""Puts the fields into a dict, names as they look nicest: nothing is found again, and of two lines one is lost.

caught by: test_the_length_of_the_content_is_decided_by_the_rules, test_a_request_whose_end_is_in_doubt_is_refused_by_the_first_rule_it_breaks, test_capitals_and_white_space_never_change_the_decision
"""
    # >>> task 6: decide the length of the content
    fields = list({name.title(): value for name, value in fields}.items())
    if not values(fields, "transfer-encoding"):
        return Framing(Kind.LENGTH, content_length(fields) or 0)
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
