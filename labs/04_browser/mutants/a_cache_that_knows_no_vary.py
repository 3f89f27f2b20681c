"""Hands the same answer to all.

caught by: test_requests_that_differ_in_what_vary_names_do_not
"""
    # >>> task 6: reuse a stored answer
    return "*" not in ",".join(vary)
    # <<< task 6
