"""Copies path_length=1 from the root, so the intermediate may found one more authority.

caught by: test_the_intermediate_is_a_ca_with_no_ca_below_it
"""
    # >>> task 2: an intermediate that may sign servers only
    key = new_key()
    certificate = (
        draft(name(common_name), root.certificate.subject, key, now, INTERMEDIATE_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False
        )
        .sign(root.key, hashes.SHA256())
    )
    return Identity(certificate, key)
    # <<< task 2
