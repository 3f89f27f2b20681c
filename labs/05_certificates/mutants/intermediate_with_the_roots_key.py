"""Uses the root's key once more: one key, two certificates, and nothing can rest off line.

caught by: test_the_intermediate_has_a_key_of_its_own
"""
    # >>> task 2: an intermediate that may sign servers only
    key = root.key
    certificate = (
        draft(name(common_name), root.certificate.subject, key, now, INTERMEDIATE_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False
        )
        .sign(root.key, hashes.SHA256())
    )
    return Identity(certificate, key)
    # <<< task 2
