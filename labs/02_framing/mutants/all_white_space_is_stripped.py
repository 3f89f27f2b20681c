"""Strips text: str.strip() also takes the no-break space and other octets beyond ASCII.

caught by: test_a_field_line_is_a_name_in_lower_case_and_a_value_without_outer_white_space
"""
    # >>> task 3: read a field line
    name, colon, value = line.partition(b":")
    if not (colon and TOKEN.fullmatch(name) and VALUE.fullmatch(value)):
        raise Refused(Rule.FIELD_LINE)
    return name.decode("latin-1").lower(), value.decode("latin-1").strip()
    # <<< task 3
