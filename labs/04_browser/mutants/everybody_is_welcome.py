"""The first answer of every forum: origins *.

caught by: test_a_strangers_page_reads_the_status_alone
"""
    # >>> task 2: say who may read what
    table = {
        "/items": Policy(
            origins=["*"],
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
