"""Appends the trailers to the usual five octets: they stand after the end, in the next message.

caught by: test_the_end_is_the_last_chunk_the_trailers_and_an_empty_line
"""
    # >>> task 2: write the last-chunk and the trailer section
    lines = []
    for name, value in trailers:
        if name.lower() in FORBIDDEN_TRAILERS:
            raise Refused(Rule.FORBIDDEN)
        wire_name, wire_value = name.encode("latin-1"), value.encode("latin-1")
        # Each alone: in the joined line, a name such as "a: b" would look like a name and a value.
        if not (TOKEN.fullmatch(wire_name) and VALUE.fullmatch(wire_value)):
            raise Refused(Rule.TRAILER)
        lines.append(wire_name + b": " + wire_value + CRLF)
    return b"0\r\n\r\n" + b"".join(lines)
    # <<< task 2
