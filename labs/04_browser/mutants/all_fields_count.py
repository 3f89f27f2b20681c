"""Compares all fields, whatever Vary says.

caught by: test_requests_that_agree_in_what_vary_names_get_the_same_answer
"""
    # >>> task 6: reuse a stored answer
    names = [name.strip(" \t") for value in vary for name in value.split(",")]
    return "*" not in names and all(first.get_all(name) == second.get_all(name) for name in (*first, *second))
    # <<< task 6
