"""Skips the two octets after the data without a look: a size that is a lie goes unnoticed.

caught by: test_whole_chunk_data_that_is_not_followed_by_crlf_is_refused
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
        at += 2
    while trailer := line():
        trailers.append(trailer_field(trailer))
    return Decoded(b"".join(content), trailers, wire[at:])
    # <<< task 4
