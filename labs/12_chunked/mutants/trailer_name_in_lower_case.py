"""Gives the name in lower case: handy for look-ups, but what was sent is lost.

caught by: test_a_trailer_line_gives_its_name_and_its_value_without_outer_white_space
"""
    # >>> task 3: read a chunk-size line and a trailer line
    digits, semicolon, extensions = line.partition(b";")
    if not re.fullmatch(rb"[0-9A-Fa-f]+", digits):
        raise Refused(Rule.SIZE)
    if len(digits) > 16:
        raise Refused(Rule.OVERFLOW)
    if not EXTENSIONS.fullmatch(semicolon + extensions):
        raise Refused(Rule.EXTENSION)
    return int(digits, 16)
    # <<< task 3
    # >>> task 3: read a chunk-size line and a trailer line
    name, colon, value = line.partition(b":")
    if not (colon and TOKEN.fullmatch(name) and VALUE.fullmatch(value)):
        raise Refused(Rule.TRAILER)
    if name.decode("latin-1").lower() in FORBIDDEN_TRAILERS:
        raise Refused(Rule.FORBIDDEN)
    return name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")
    # <<< task 3
