"""Leaves the key's identifier out: everything still works, until there are two roots of one name.

caught by: test_the_root_returns_and_identifies_its_own_key
"""
    # >>> task 1: a root that signs itself
    key = new_key()
    own_name = name(common_name)
    certificate = (
        draft(own_name, own_name, key, now, ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)
    # <<< task 1
