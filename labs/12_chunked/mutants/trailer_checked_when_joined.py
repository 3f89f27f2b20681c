"""Checks the finished line instead of its parts: the name "x: 1, y" passes as the name x and a longer value.

caught by: test_a_trailer_from_the_application_cannot_write_a_line_of_its_own
"""
    # >>> task 2: write the last-chunk and the trailer section
    lines = []
    for name, value in trailers:
        if name.lower() in FORBIDDEN_TRAILERS:
            raise Refused(Rule.FORBIDDEN)
        wire_name, wire_value = name.encode("latin-1"), value.encode("latin-1")
        # Each alone: in the joined line, a name such as "a: b" would look like a name and a value.
        if not re.fullmatch(TOKEN.pattern + rb": " + VALUE.pattern, wire_name + b": " + wire_value):
            raise Refused(Rule.TRAILER)
        lines.append(wire_name + b": " + wire_value + CRLF)
    return b"0\r\n" + b"".join(lines) + CRLF
    # <<< task 2
