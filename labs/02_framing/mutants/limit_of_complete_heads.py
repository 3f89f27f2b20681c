"""Measures the head when it is complete: the head that never ends is read for ever.

caught by: test_a_head_is_refused_once_it_is_longer_than_the_limit
"""
    # >>> task 1: find the end of the head
    start = 2 if wire.startswith(CRLF) else 0
    end = wire.find(b"\r\n\r\n", start)
    head = wire[start : end + 4] if end >= 0 else wire[start:]
    if re.search(rb"(?<!\r)\n|\r(?!\n|\Z)", head):
        raise Refused(Rule.LINE_END)
    if end >= 0 and len(head) > limit:
        raise Refused(Rule.HEAD_LIMIT)
    if head.startswith(CRLF):
        raise Refused(Rule.REQUEST_LINE)
    if end < 0:
        return None
    return head[:-4].split(CRLF), wire[end + 4 :]
    # <<< task 1
