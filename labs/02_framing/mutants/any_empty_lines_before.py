"""Strips all that looks like line ends before the request line, and reads for ever what has no beginning.

caught by: test_one_empty_line_before_the_request_line_is_skipped_and_no_second, test_a_bare_lf_or_cr_is_refused_as_soon_as_it_is_seen
"""
    # >>> task 1: find the end of the head
    start = len(wire) - len(wire.lstrip(CRLF))
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
