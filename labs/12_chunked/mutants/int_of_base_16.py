"""Lets int(…, 16) do the checking: it takes signs, 0x, underscores and white space, which another reader
on the way does not. Several servers were smuggled through with exactly this.

caught by: test_a_size_with_anything_but_hexadecimal_digits_is_refused
"""
    # >>> task 3: read a chunk-size line and a trailer line
    digits, semicolon, extensions = line.partition(b";")
    if len(digits) > 16:
        raise Refused(Rule.OVERFLOW)
    if not EXTENSIONS.fullmatch(semicolon + extensions):
        raise Refused(Rule.EXTENSION)
    try:
        return int(digits, 16)
    except ValueError:
        raise Refused(Rule.SIZE) from None
    # <<< task 3
    # >>> task 3: read a chunk-size line and a trailer line
    name, colon, value = line.partition(b":")
    if not (colon and TOKEN.fullmatch(name) and VALUE.fullmatch(value)):
        raise Refused(Rule.TRAILER)
    if name.decode("latin-1").lower() in FORBIDDEN_TRAILERS:
        raise Refused(Rule.FORBIDDEN)
    return name.decode("latin-1"), value.strip(b" \t").decode("latin-1")
    # <<< task 3
