"""Knows the star only where it stands alone.

caught by: test_a_star_is_never_reused
"""
    # >>> task 6: reuse a stored answer
    names = [name.strip(" \t") for value in vary for name in value.split(",")]
    return vary != ["*"] and all(first.get_all(name) == second.get_all(name) for name in names if name)
    # <<< task 6
