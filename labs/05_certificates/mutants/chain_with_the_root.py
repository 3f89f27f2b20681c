"""Sends the root along with the rest, to be on the safe side: 500 bytes in every handshake, for nothing.

caught by: test_the_root_is_not_sent
"""
    # >>> task 4: the two files that a server needs
    sent = [leaf.certificate, *(issuer for issuer in issuers)]
    chain_file.write_bytes(b"".join(certificate.public_bytes(PEM) for certificate in sent))
    key = leaf.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(key)
    # <<< task 4
