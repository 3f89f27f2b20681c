"""Forgets server_hostname: the client cannot tell whose certificate it should be.

caught by: test_a_good_chain_is_accepted
"""
    # >>> task 5: ask a client for its exact verdict
    with socket.create_connection(address, timeout=10) as plain:
        try:
            with context.wrap_socket(plain):
                return Verdict(0, "accepted")
        except ssl.SSLCertVerificationError as refusal:
            return Verdict(refusal.verify_code, refusal.verify_message)
    # <<< task 5
