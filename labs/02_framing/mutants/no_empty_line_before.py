"""Takes an empty line before the request line for the end of an empty head.

caught by: test_one_empty_line_before_the_request_line_is_skipped_and_no_second
"""
    # >>> task 1: find the end of the head
    start = 0
    end = wire.find(b"\r\n\r\n", start)
    head = wire[start : end + 4] if end >= 0 else wire[start:]
    if re.search(rb"(?<!\r)\n|\r(?!\n|\Z)", head):
        raise Refused(Rule.LINE_END)
    if len(head) > limit:
        raise Refused(Rule.HEAD_LIMIT)
    if head.startswith(CRLF):
        raise Refused(Rule.REQUEST_LINE)
    if end < 0:
        return None
    return head[:-4].split(CRLF), wire[end + 4 :]
    # <<< task 1
