"""Puts the first certificate on the list and forgets the rest.

caught by: test_the_list_names_every_serial_number_and_no_other
"""
    # >>> task 6: take a certificate back
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - BACKDATED)
        .next_update(now + LIST_LIFE)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
    )
    for certificate in revoked[:1]:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256())
    # <<< task 6
    # >>> task 6: take a certificate back
    context.load_verify_locations(cafile=revocations)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    # <<< task 6
