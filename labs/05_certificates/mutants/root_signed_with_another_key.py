"""Makes a key for the certificate and a second one to sign with: nobody can check that signature.

caught by: test_the_root_is_its_own_issuer_and_its_signature_holds_under_its_own_key
"""
    # >>> task 1: a root that signs itself
    key = new_key()
    own_name = name(common_name)
    certificate = (
        draft(own_name, own_name, key, now, ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(new_key(), hashes.SHA256())
    )
    return Identity(certificate, key)
    # <<< task 1
