"""Ignores whatever stands after the semicolon, line feeds included, since extensions are ignored anyway.

caught by: test_a_malformed_extension_is_refused
"""
    # >>> task 3: read a chunk-size line and a trailer line
    digits, semicolon, extensions = line.partition(b";")
    if not re.fullmatch(rb"[0-9A-Fa-f]+", digits):
        raise Refused(Rule.SIZE)
    if len(digits) > 16:
        raise Refused(Rule.OVERFLOW)
    return int(digits, 16)
    # <<< task 3
    # >>> task 3: read a chunk-size line and a trailer line
    name, colon, value = line.partition(b":")
    if not (colon and TOKEN.fullmatch(name) and VALUE.fullmatch(value)):
        raise Refused(Rule.TRAILER)
    if name.decode("latin-1").lower() in FORBIDDEN_TRAILERS:
        raise Refused(Rule.FORBIDDEN)
    return name.decode("latin-1"), value.strip(b" \t").decode("latin-1")
    # <<< task 3
