"""Takes as many digits as come: Python has no overflow. The proxy in front counts in 64 bits, and sees another size.

caught by: test_a_size_of_more_than_sixteen_digits_is_refused
"""
    # >>> task 3: read a chunk-size line and a trailer line
    digits, semicolon, extensions = line.partition(b";")
    if not re.fullmatch(rb"[0-9A-Fa-f]+", digits):
        raise Refused(Rule.SIZE)
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
