"""Compares the first line of each field.

caught by: test_every_line_of_a_named_field_counts
"""
    # >>> task 6: reuse a stored answer
    names = [name.strip(" \t") for value in vary for name in value.split(",")]
    return "*" not in names and all(first.get_all(name)[:1] == second.get_all(name)[:1] for name in names if name)
    # <<< task 6
