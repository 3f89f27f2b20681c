"""Reads one Vary line.

caught by: test_requests_that_differ_in_what_vary_names_do_not
"""
    # >>> task 6: reuse a stored answer
    names = [name.strip(" \t") for value in vary[:1] for name in value.split(",")]
    return "*" not in names and all(first.get_all(name) == second.get_all(name) for name in names if name)
    # <<< task 6
