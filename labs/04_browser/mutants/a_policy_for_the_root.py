"""A default for all other paths: the closed one is the default.

caught by: test_every_other_path_is_closed
"""
    # >>> task 2: say who may read what
    table = {
        "/": Policy(origins=[page]),
        "/items": Policy(
            origins=[page],
            methods=["PUT"],
            request_headers=["Content-Type", "Authorization"],
            expose_headers=["X-Total"],
            max_age=600,
        ),
        "/me": Policy(origins=[page], methods=["PUT"], credentials=True, max_age=600),
        "/status": Policy(origins=["*"]),
        "/feedback": Policy(origins=[page]),
        "/orders": Policy(origins=[page], request_headers=["Content-Type"]),
    }
    return Routes(table)
    # <<< task 2
