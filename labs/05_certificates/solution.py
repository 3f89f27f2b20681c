"""Certificates: make a root, an intermediate and a leaf, and hear what a client says to them. RFC 5280.

A certificate is a signed statement: "this key belongs to this name, from this day to that day, for this use".
A client that trusts the signer trusts the statement. So it needs only a few keys that it trusts without a
signature, the roots. Each root signs intermediates, and these sign the servers' certificates:

    root          signed by itself, kept off line; clients have it already
      intermediate    signed by the root; the server sends it along
        leaf              signed by the intermediate; says whose key the server holds

You write the three certificates, the files that a server needs, the client that asks for a verdict, and
the list by which an issuer takes a certificate back. The measurement then breaks your chain in 25 ways.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT_LIFE = timedelta(days=3650)
INTERMEDIATE_LIFE = timedelta(days=365)
LEAF_LIFE = timedelta(days=30)
LIST_LIFE = timedelta(days=7)
BACKDATED = timedelta(hours=1)  # clocks differ: good from a little before it is made

PEM = serialization.Encoding.PEM


# -- given: the tools --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identity:
    """A certificate, which is public, and its private key, which never leaves its owner."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Verdict:
    """What a client says to a server's certificate: OpenSSL's verify code (0: accepted) and its words."""

    code: int
    message: str


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new key pair on the curve P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def name(common_name: str) -> x509.Name:
    """A subject's or issuer's name, as certificates write it."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    """A certificate for the public half of `key`, with its dates and a random serial number.

    Still to come: its extensions, `.add_extension(…, critical=…)`, and its signature,
    `.sign(the issuer's private key, hashes.SHA256())`, which returns the certificate.
    """
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
    )


def key_usage(*allowed: str) -> x509.KeyUsage:
    """What a key may be used for (RFC 5280 §4.2.1.3): some of the names below."""
    uses = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    if strange := set(allowed) - set(uses):
        raise ValueError(f"no such key usage: {', '.join(sorted(strange))}")
    return x509.KeyUsage(**{use: use in allowed for use in uses})


@dataclass
class Server:
    """A server at work: where it listens, and how each handshake ended for it, in order."""

    address: tuple[str, int]
    told: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serving(chain: Path, key: Path) -> Iterator[Server]:
    """Shake hands with every client until the block ends. `told` says "accepted", or the client's alert."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Level 0: this server shows anything at all, weak keys and SHA-1 too. It must stand before the chain.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(chain, key)
    finished = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname())

        def work() -> None:
            while True:
                connection, _ = listener.accept()
                with connection:
                    if finished.is_set():
                        return
                    connection.settimeout(10)
                    _greet(context, connection, server.told)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            finished.set()
            socket.create_connection(server.address).close()  # wakes accept()
            thread.join()


def _greet(context: ssl.SSLContext, connection: socket.socket, told: list[str]) -> None:
    try:
        secured = context.wrap_socket(connection, server_side=True)
    except OSError as error:  # ssl.SSLError is an OSError
        # "SSLV3_ALERT_BAD_CERTIFICATE" is RFC 8446's bad_certificate (§6.2).
        reason = getattr(error, "reason", None) or type(error).__name__
        told.append(reason.rpartition("ALERT_")[2].lower())
        return
    told.append("accepted")
    with secured, contextlib.suppress(OSError):
        if secured.recv(65536):
            secured.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


# -- tasks 1 to 3: three certificates ----------------------------------------------------------------


def make_root(common_name: str, now: datetime) -> Identity:
    """A root, for ROOT_LIFE: subject and issuer are one, and the key inside signs it. With extensions:

    - BasicConstraints, critical: it is a CA, with one CA below it at most (path_length 1)   §4.2.1.9
    - KeyUsage, critical: to sign certificates and revocation lists, and nothing else        §4.2.1.3
    - SubjectKeyIdentifier, not critical: a short name for its own key                       §4.2.1.2
    """
    # >>> task 1: a root that signs itself
    key = new_key()
    own_name = name(common_name)
    certificate = (
        draft(own_name, own_name, key, now, ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)
    # <<< task 1


def make_intermediate(common_name: str, root: Identity, now: datetime) -> Identity:
    """An intermediate, for INTERMEDIATE_LIFE: a key of its own, signed by the root. With extensions:

    - BasicConstraints, critical: a CA with no CA below it (path_length 0)
    - KeyUsage, critical: as the root
    - SubjectKeyIdentifier: its own key's
    - AuthorityKeyIdentifier: its issuer's key's. Python 3.13 refuses a certificate without   §4.2.1.1
    """
    # >>> task 2: an intermediate that may sign servers only
    key = new_key()
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


def make_leaf(hosts: Sequence[str], issuer: Identity, now: datetime) -> Identity:
    """A server's certificate, for LEAF_LIFE, its common name hosts[0]. With extensions:

    - BasicConstraints, critical: no CA
    - KeyUsage, critical: to sign, which is how a server proves in the handshake that it holds the key
    - ExtendedKeyUsage: a server (SERVER_AUTH)                                                §4.2.1.12
    - SubjectAlternativeName: every host; "localhost" as a DNSName, "127.0.0.1" and "::1" as   §4.2.1.6
      IPAddress. These are the names that count: the common name is for people.               RFC 9525 §2
    - SubjectKeyIdentifier and AuthorityKeyIdentifier, as the intermediate
    """
    # >>> task 3: a leaf for the server's names and addresses
    names: list[x509.GeneralName] = []
    for host in hosts:
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


# -- task 4: on the server's disk --------------------------------------------------------------------


def save(folder: Path, leaf: Identity, issuers: Sequence[x509.Certificate]) -> tuple[Path, Path]:
    """Write what a server loads, and return where: (folder / "chain.pem", folder / "leaf.key").

    chain.pem: the leaf first, then each one's issuer; a root (issuer and subject are one) is left out,
    since a client that needed it sent would have no reason to believe it.                RFC 8446 §4.4.2
    leaf.key: PKCS #8 in PEM, not encrypted. Only its owner may read it (mode 0600), from the moment it
    exists: os.open takes a mode, and a chmod afterwards comes too late. The folder is empty before.
    """
    chain_file, key_file = folder / "chain.pem", folder / "leaf.key"
    # >>> task 4: the two files that a server needs
    sent = [leaf.certificate, *(issuer for issuer in issuers if issuer.issuer != issuer.subject)]
    chain_file.write_bytes(b"".join(certificate.public_bytes(PEM) for certificate in sent))
    key = leaf.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(key)
    # <<< task 4
    return chain_file, key_file


# -- task 5: the client ------------------------------------------------------------------------------


def ask(address: tuple[str, int], host: str, context: ssl.SSLContext) -> Verdict:
    """Shake hands with the server at `address`, as a client that wants to speak with `host`.

    Verdict(0, "accepted") when the certificate is accepted, else the code and message of the verifier
    (ssl.SSLCertVerificationError has them). Any other failure is no verdict on the certificate, and is
    raised as it is. Either way no socket stays open.
    """
    # >>> task 5: ask a client for its exact verdict
    with socket.create_connection(address, timeout=10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=host):
                return Verdict(0, "accepted")
        except ssl.SSLCertVerificationError as refusal:
            return Verdict(refusal.verify_code, refusal.verify_message)
    # <<< task 5


# -- task 6: revocation ------------------------------------------------------------------------------


def revoke(
    revoked: Sequence[x509.Certificate], issuer: Identity, now: datetime
) -> x509.CertificateRevocationList:
    """The issuer's revocation list (RFC 5280 §5): these serial numbers are no longer good.

    From BACKDATED before now until LIST_LIFE after it, with the extensions CRLNumber(1) and
    AuthorityKeyIdentifier, signed by the issuer over SHA-256. Each entry's revocation date: now.
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
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256())
    # <<< task 6


def client_that_asks(root: Path, revocations: Path) -> ssl.SSLContext:
    """Python's default client, trusting `root`, that also looks the leaf up in a revocation list (PEM file).

    Loading the list is not enough: OpenSSL looks only if a verify flag says so.
    """
    context = ssl.create_default_context(cafile=root)
    # >>> task 6: take a certificate back
    context.load_verify_locations(cafile=revocations)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    # <<< task 6
    return context
