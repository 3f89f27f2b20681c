"""Writes the key and then closes it to others. Between the two lines anybody can open it, and keep it open.

caught by: test_nobody_else_may_read_the_key_from_the_moment_it_exists
"""
    # >>> task 4: the two files that a server needs
    sent = [leaf.certificate, *(issuer for issuer in issuers if issuer.issuer != issuer.subject)]
    chain_file.write_bytes(b"".join(certificate.public_bytes(PEM) for certificate in sent))
    key = leaf.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(key)
    os.chmod(key_file, 0o600)
    # <<< task 4
