"""Compares sets: order and number are lost.

caught by: test_every_line_of_a_named_field_counts
"""
    # >>> task 6: reuse a stored answer
    names = [name.strip(" \t") for value in vary for name in value.split(",")]
    return "*" not in names and all(set(first.get_all(name)) == set(second.get_all(name)) for name in names if name)
    # <<< task 6
