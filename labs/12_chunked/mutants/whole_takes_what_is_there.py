"""Takes the end of the bytes for the end of the content: half a download passes for a whole one.

caught by: test_a_content_that_is_cut_off_anywhere_is_incomplete
"""
    # >>> task 4: decode a whole content
    content, trailers, at = [], [], 0

    def line() -> bytes:
        nonlocal at
        end = wire.find(CRLF, at)
        if end < 0:
            return b"0" if not at or content else b""
        start, at = at, end + 2
        return wire[start:end]

    while size := chunk_size(line()):
        content.append(wire[at : at + size])
        at += size
        if wire[at : at + 2] not in (CRLF, b""):
            raise Refused(Rule.DATA_END)
        at += 2
    while trailer := line():
        trailers.append(trailer_field(trailer))
    return Decoded(b"".join(content), trailers, wire[at:])
    # <<< task 4
