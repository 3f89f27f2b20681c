"""Catches all that can go wrong: a server that is down then counts as a bad certificate.

caught by: test_what_is_no_verdict_is_raised
"""
    # >>> task 5: ask a client for its exact verdict
    try:
        with (
            socket.create_connection(address, timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return Verdict(0, "accepted")
    except OSError as error:
        return Verdict(getattr(error, "verify_code", 1), getattr(error, "verify_message", str(error)))
    # <<< task 5
