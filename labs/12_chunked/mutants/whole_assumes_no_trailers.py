"""Skips to the next empty line without reading what it skips: the trailers are lost.

caught by: test_a_whole_content_is_decoded_with_its_trailers
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
    if line():
        at = wire.find(CRLF * 2, at) + 4
    return Decoded(b"".join(content), trailers, wire[at:])
    # <<< task 4
