"""Gives the root the life of a leaf: in a month every client has to be told about a new one.

caught by: test_the_root_lives_for_its_ten_years
"""
    # >>> task 1: a root that signs itself
    key = new_key()
    own_name = name(common_name)
    certificate = (
        draft(own_name, own_name, key, now, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)
    # <<< task 1
