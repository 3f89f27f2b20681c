"""Checks the certificate against the address it connected to, and not against the host that was meant.

caught by: test_the_name_checked_is_the_host_and_not_the_address
"""
    # >>> task 5: ask a client for its exact verdict
    with socket.create_connection(address, timeout=10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=address[0]):
                return Verdict(0, "accepted")
        except ssl.SSLCertVerificationError as refusal:
            return Verdict(refusal.verify_code, refusal.verify_message)
    # <<< task 5
