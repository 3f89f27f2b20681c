"""Lists hosts[0] and forgets the others.

caught by: test_names_stand_as_names_and_addresses_as_addresses, test_a_strict_client_accepts_the_leaf_by_each_of_its_names
"""
    # >>> task 3: a leaf for the server's names and addresses
    names: list[x509.GeneralName] = []
    for host in hosts[:1]:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    key = new_key()
    certificate = (
        draft(name(hosts[0]), issuer.certificate.subject, key, now, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
        .sign(issuer.key, hashes.SHA256())
    )
    return Identity(certificate, key)
    # <<< task 3
