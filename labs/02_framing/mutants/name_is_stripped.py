"""Strips the name, to be kind: "Content-Length :" counts here and not at the proxy in front, and a folded line is a field.

caught by: test_a_field_line_of_another_shape_is_refused
"""
    # >>> task 3: read a field line
    name, colon, value = line.partition(b":")
    name = name.strip()
    if not (colon and TOKEN.fullmatch(name) and VALUE.fullmatch(value)):
        raise Refused(Rule.FIELD_LINE)
    return name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")
    # <<< task 3
