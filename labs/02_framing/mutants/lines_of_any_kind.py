"""Makes every CRLF an LF first, to have one kind of line end: a bare LF now ends lines, and the content
is no longer what was sent.

caught by: test_a_bare_lf_or_cr_is_refused_as_soon_as_it_is_seen, test_the_head_ends_at_its_first_empty_line_and_the_rest_is_untouched
"""
    # >>> task 1: find the end of the head
    start = 2 if wire.startswith(CRLF) else 0
    text = wire[start:].replace(CRLF, b"\n")
    head, end, rest = text.partition(b"\n\n")
    if len(head) + 4 > limit:
        raise Refused(Rule.HEAD_LIMIT)
    if head.startswith(b"\n"):
        raise Refused(Rule.REQUEST_LINE)
    if not end:
        return None
    return head.split(b"\n"), rest
    # <<< task 1
