"""Splits the message into lines, every second of which is data: right until the data holds a CRLF.

caught by: test_a_whole_content_is_decoded_with_its_trailers
"""
    # >>> task 4: decode a whole content
    content, trailers = [], []
    lines = wire.split(CRLF)
    try:
        while chunk_size(lines.pop(0)):
            content.append(lines.pop(0))
        while line := lines.pop(0):
            trailers.append(trailer_field(line))
    except IndexError:
        raise Refused(Rule.INCOMPLETE) from None
    return Decoded(b"".join(content), trailers, CRLF.join(lines))
    # <<< task 4
