"""Says CA:TRUE as a mere remark. Who does not understand it may pass over it.

caught by: test_the_root_is_a_ca_with_one_ca_below_it_at_most
"""
    # >>> task 1: a root that signs itself
    key = new_key()
    own_name = name(common_name)
    certificate = (
        draft(own_name, own_name, key, now, ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=False)
        .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)
    # <<< task 1
