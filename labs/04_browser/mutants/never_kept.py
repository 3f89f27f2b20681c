"""No max_age on /me: asks again after five seconds.

caught by: test_a_browser_keeps_the_answer_to_a_preflight_as_long_as_the_table_says
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
        "/me": Policy(origins=[page], methods=["PUT"], credentials=True),
        "/status": Policy(origins=["*"]),
        "/feedback": Policy(origins=[page]),
        "/orders": Policy(origins=[page], request_headers=["Content-Type"]),
    }
    return Routes(table)
    # <<< task 2
