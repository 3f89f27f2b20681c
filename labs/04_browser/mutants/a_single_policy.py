"""One policy for every path.

caught by: test_every_other_path_is_closed
"""
    # >>> task 2: say who may read what
    return Policy(
        origins=[page],
        methods=["PUT"],
        request_headers=["Content-Type", "Authorization"],
        expose_headers=["X-Total"],
        max_age=600,
    )
    # <<< task 2
