"""Looks for bare line ends in all that has come: content may hold any octet.

caught by: test_the_head_ends_at_its_first_empty_line_and_the_rest_is_untouched
"""
    # >>> task 1: find the end of the head
    start = 2 if wire.startswith(CRLF) else 0
    end = wire.find(b"\r\n\r\n", start)
    head = wire[start : end + 4] if end >= 0 else wire[start:]
    if re.search(rb"(?<!\r)\n|\r(?!\n|\Z)", wire):
        raise Refused(Rule.LINE_END)
    if len(head) > limit:
        raise Refused(Rule.HEAD_LIMIT)
    if head.startswith(CRLF):
        raise Refused(Rule.REQUEST_LINE)
    if end < 0:
        return None
    return head[:-4].split(CRLF), wire[end + 4 :]
    # <<< task 1
