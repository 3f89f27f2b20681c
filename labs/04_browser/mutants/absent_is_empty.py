"""Takes a field that is not there for an empty one.

caught by: test_requests_that_differ_in_what_vary_names_do_not
"""
    # >>> task 6: reuse a stored answer
    names = [name.strip(" \t") for value in vary for name in value.split(",")]
    return "*" not in names and all((first.get(name) or "") == (second.get(name) or "") for name in names if name)
    # <<< task 6
