"""Takes errno, which is 1 for every failure of the handshake, for the verify code.

caught by: test_each_refusal_comes_with_its_exact_code_and_words
"""
    # >>> task 5: ask a client for its exact verdict
    with socket.create_connection(address, timeout=10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=host):
                return Verdict(0, "accepted")
        except ssl.SSLCertVerificationError as refusal:
            return Verdict(refusal.errno, refusal.strerror)
    # <<< task 5
