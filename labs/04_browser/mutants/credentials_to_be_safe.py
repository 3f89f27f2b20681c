"""Credentials on the orders, to be on the safe side. That is the other side.

caught by: test_cookies_go_with_me_and_nothing_else
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
        "/feedback": Policy(origins=[page]),
        "/orders": Policy(origins=[page], credentials=True, request_headers=["Content-Type"]),
    }
    return Routes(table)
    # <<< task 2
