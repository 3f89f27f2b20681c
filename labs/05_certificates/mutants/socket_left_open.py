"""Leaves the secured socket to the garbage collector. wrap_socket took the socket over: `with` closes nothing.

caught by: test_no_socket_stays_open
"""
    # >>> task 5: ask a client for its exact verdict
    with socket.create_connection(address, timeout=10) as plain:
        try:
            context.wrap_socket(plain, server_hostname=host)
            return Verdict(0, "accepted")
        except ssl.SSLCertVerificationError as refusal:
            return Verdict(refusal.verify_code, refusal.verify_message)
    # <<< task 5
