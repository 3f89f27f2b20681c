"""Encrypts the key file. Then someone has to type the passphrase whenever the server starts.

caught by: test_a_server_can_load_both_files
"""
    # >>> task 4: the two files that a server needs
    sent = [leaf.certificate, *(issuer for issuer in issuers if issuer.issuer != issuer.subject)]
    chain_file.write_bytes(b"".join(certificate.public_bytes(PEM) for certificate in sent))
    key = leaf.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret"))
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(key)
    # <<< task 4
