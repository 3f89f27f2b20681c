"""The widest policy everywhere.

caught by: test_a_script_may_do_nothing_beyond_the_table
"""
    # >>> task 2: say who may read what
    table = {
        "/items": Policy(
            origins=[page],
            methods=["PUT"],
            request_headers=["Content-Type", "Authorization"],
            expose_headers=["X-Total"],
            max_age=600,
        ),
        "/me": Policy(origins=[page], methods=["PUT"], credentials=True, max_age=600),
        "/status": Policy(origins=["*"]),
        "/feedback": Policy(origins=[page], methods=["PUT"], request_headers=["Content-Type"]),
        "/orders": Policy(origins=[page], request_headers=["Content-Type"]),
    }
    return Routes(table)
    # <<< task 2
