"""Looks for bare line ends once the head is complete: with a bare LF in it, that may be never, or be the
end of the next request.

caught by: test_a_bare_lf_or_cr_is_refused_as_soon_as_it_is_seen
"""
    # >>> task 1: find the end of the head
    start = 2 if wire.startswith(CRLF) else 0
    end = wire.find(b"\r\n\r\n", start)
    head = wire[start : end + 4] if end >= 0 else wire[start:]
    if end >= 0 and re.search(rb"(?<!\r)\n|\r(?!\n|\Z)", head):
        raise Refused(Rule.LINE_END)
    if len(head) > limit:
        raise Refused(Rule.HEAD_LIMIT)
    if head.startswith(CRLF):
        raise Refused(Rule.REQUEST_LINE)
    if end < 0:
        return None
    return head[:-4].split(CRLF), wire[end + 4 :]
    # <<< task 1
