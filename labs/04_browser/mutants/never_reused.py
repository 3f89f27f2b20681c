"""What varies is never reused: safe, and no cache.

caught by: test_requests_that_agree_in_what_vary_names_get_the_same_answer
"""
    # >>> task 6: reuse a stored answer
    return not any(value.strip() for value in vary)
    # <<< task 6
