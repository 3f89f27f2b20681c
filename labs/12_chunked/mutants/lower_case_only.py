"""Knows only lower-case digits; HEXDIG is case-insensitive in ABNF (RFC 5234 §2.3).

caught by: test_a_chunk_size_is_hexadecimal_and_extensions_are_ignored
"""
    # >>> task 3: read a chunk-size line and a trailer line
    digits, semicolon, extensions = line.partition(b";")
    if not re.fullmatch(rb"[0-9a-f]+", digits):
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
    return name.decode("latin-1"), value.strip(b" \t").decode("latin-1")
    # <<< task 3
