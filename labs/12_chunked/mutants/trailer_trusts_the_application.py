"""Checks nothing on the way out: a CR LF in a value writes a second line, which the application never meant.

caught by: test_a_trailer_from_the_application_cannot_write_a_line_of_its_own
"""
    # >>> task 2: write the last-chunk and the trailer section
    lines = []
    for name, value in trailers:
        if name.lower() in FORBIDDEN_TRAILERS:
            raise Refused(Rule.FORBIDDEN)
        wire_name, wire_value = name.encode("latin-1"), value.encode("latin-1")
        lines.append(wire_name + b": " + wire_value + CRLF)
    return b"0\r\n" + b"".join(lines) + CRLF
    # <<< task 2
