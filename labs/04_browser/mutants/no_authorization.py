"""A star among the headers leaves out Authorization.

caught by: test_our_page_reads_all_that_it_needs
"""
    # >>> task 2: say who may read what
    table = {
        "/items": Policy(
            origins=[page],
            methods=["PUT"],
            request_headers=["*"],
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
