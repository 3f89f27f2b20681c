"""Compares field names as they are capitalised; they are case-insensitive (RFC 9110 §5.1).

caught by: test_a_field_that_frames_routes_or_authenticates_is_not_sent_as_a_trailer
"""
    # >>> task 2: write the last-chunk and the trailer section
    lines = []
    for name, value in trailers:
        if name in FORBIDDEN_TRAILERS:
            raise Refused(Rule.FORBIDDEN)
        wire_name, wire_value = name.encode("latin-1"), value.encode("latin-1")
        # Each alone: in the joined line, a name such as "a: b" would look like a name and a value.
        if not (TOKEN.fullmatch(wire_name) and VALUE.fullmatch(wire_value)):
            raise Refused(Rule.TRAILER)
        lines.append(wire_name + b": " + wire_value + CRLF)
    return b"0\r\n" + b"".join(lines) + CRLF
    # <<< task 2
