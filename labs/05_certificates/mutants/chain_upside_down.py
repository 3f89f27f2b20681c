"""Writes the chain from the top down. OpenSSL takes the first certificate for the server's own.

caught by: test_the_leaf_comes_first_then_its_issuer
"""
    # >>> task 4: the two files that a server needs
    sent = [leaf.certificate, *(issuer for issuer in issuers if issuer.issuer != issuer.subject)]
    chain_file.write_bytes(b"".join(certificate.public_bytes(PEM) for certificate in reversed(sent)))
    key = leaf.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(key)
    # <<< task 4
