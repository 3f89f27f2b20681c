"""Allows the key to sign certificates and handshakes, and forgets revocation lists.

caught by: test_the_roots_key_signs_certificates_and_lists_and_nothing_else
"""
    # >>> task 1: a root that signs itself
    key = new_key()
    own_name = name(common_name)
    certificate = (
        draft(own_name, own_name, key, now, ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(key_usage("key_cert_sign", "digital_signature"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)
    # <<< task 1
