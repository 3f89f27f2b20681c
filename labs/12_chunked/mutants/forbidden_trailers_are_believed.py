"""Reads a trailer like any field line: a Content-Length at the end is as good as one at the beginning.

caught by: test_a_forbidden_trailer_is_refused_whoever_sent_it
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
    return name.decode("latin-1"), value.strip(b" \t").decode("latin-1")
    # <<< task 3
