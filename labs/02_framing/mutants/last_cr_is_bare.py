"""Refuses a CR that no LF follows yet: a head that is cut there was honest all the same.

caught by: test_a_head_that_is_cut_off_anywhere_is_not_complete
"""
    # >>> task 1: find the end of the head
    start = 2 if wire.startswith(CRLF) else 0
    end = wire.find(b"\r\n\r\n", start)
    head = wire[start : end + 4] if end >= 0 else wire[start:]
    if re.search(rb"(?<!\r)\n|\r(?!\n)", head):
        raise Refused(Rule.LINE_END)
    if len(head) > limit:
        raise Refused(Rule.HEAD_LIMIT)
    if head.startswith(CRLF):
        raise Refused(Rule.REQUEST_LINE)
    if end < 0:
        return None
    return head[:-4].split(CRLF), wire[end + 4 :]
    # <<< task 1
