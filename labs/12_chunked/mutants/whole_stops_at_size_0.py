"""Stops at size 0: the trailer section and the empty line stay behind, at the head of the next message.

caught by: test_whatever_follows_the_empty_line_is_the_next_message
"""
    # >>> task 4: decode a whole content
    content, trailers, at = [], [], 0

    def line() -> bytes:
        nonlocal at
        end = wire.find(CRLF, at)
        if end < 0:
            raise Refused(Rule.INCOMPLETE)
        start, at = at, end + 2
        return wire[start:end]

    while size := chunk_size(line()):
        content.append(wire[at : at + size])
        at += size
        if len(wire) < at + 2:
            raise Refused(Rule.INCOMPLETE)
        if wire[at : at + 2] != CRLF:
            raise Refused(Rule.DATA_END)
        at += 2
    return Decoded(b"".join(content), trailers, wire[at:])
    # <<< task 4
