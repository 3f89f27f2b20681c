"""Gives the name as it was sent: who looks for content-length does not find CONTENT-LENGTH.

caught by: test_a_field_line_is_a_name_in_lower_case_and_a_value_without_outer_white_space, test_capitals_and_white_space_never_change_the_decision
"""
    # >>> task 3: read a field line
    name, colon, value = line.partition(b":")
    if not (colon and TOKEN.fullmatch(name) and VALUE.fullmatch(value)):
        raise Refused(Rule.FIELD_LINE)
    return name.decode("latin-1"), value.strip(b" \t").decode("latin-1")
    # <<< task 3
