"""Compares a field only if both requests have it.

caught by: test_requests_that_differ_in_what_vary_names_do_not
"""
    # >>> task 6: reuse a stored answer
    names = [name.strip(" \t") for value in vary for name in value.split(",")]
    names = [name for name in names if name == "*" or (name in first and name in second)]
    return "*" not in names and all(first.get_all(name) == second.get_all(name) for name in names if name)
    # <<< task 6
