"""Every way to break a chain of certificates, as tables for lab 05, `netlab certs serve` and the tests.

A row says what is wrong, which rule that breaks, and what happens: the verify code of Python's default client
and of ours, the words that go with it, and the alert that the server gets. How a row's chain is made is in
`recipes`; each is the good one with one thing changed, so that a verifier has one reason to refuse it.
Verify codes are those of OpenSSL 3 (`X509_V_ERR_…` in x509_vfy.h); 0 means: accepted. Alerts: RFC 8446 §6.2.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from netlab.tls.issue import KeyKind
from netlab.tls.recipes import (
    Hierarchy,
    Recipe,
    Served,
    another_key,
    asking_client,
    expired_root,
    for_a_client,
    hierarchy,
    intact,
    intermediate_with,
    keys_of,
    leaf_with,
    list_expired,
    list_of_another,
    named,
    path_too_long,
    reaching,
    reversed_issuers,
    revoked,
    self_signed,
    sha1_signature,
    shifted,
    signed_by_a_leaf,
    silent_on_its_key,
    stolen_chain,
    suites_for_another_key,
    tampered,
    uncritical,
    unknown_root,
    weak_authority,
    weak_leaf,
    without,
    without_intermediate,
)

__all__ = [
    "ACCEPTED", "BREAKAGES", "CONTROL", "FAILURES", "FORMALITIES", "WEAK_SERVER",
    "Breakage", "Failure", "Hierarchy", "Recipe", "Served", "hierarchy", "intact",
]  # fmt: skip

# A server needs this cipher string to serve some of these chains: at its usual security level OpenSSL
# refuses to load a weak certificate, and no client would get the chance to refuse it.
WEAK_SERVER = "DEFAULT:@SECLEVEL=0"

# Python's default client reads RFC 5280 strictly from 3.13 on (VERIFY_X509_STRICT).
_STRICT_BY_DEFAULT = sys.version_info >= (3, 13)


@dataclass(frozen=True, slots=True)
class Breakage:
    """One chain, and what verifiers say to it.

    Attributes:
        name: short and unique.
        wrong: what is wrong, in one clause.
        rule: the section that a verifier applies.
        lenient: verify code of `ssl.create_default_context(cafile=root)` up to Python 3.12.
        hardened: verify code of `netlab.tls.client_context(root, crls=…)`, with the CRL if there is one.
        message: the words that go with `hardened`.
        alert: what that client tells the server.
        make: from the good authorities and the time to what the server sends.
        host: the name or address that the client asks for.
        strict: as `lenient`, from Python 3.13 on; None: the same.
    """

    name: str
    wrong: str
    rule: str
    lenient: int
    hardened: int
    message: str
    alert: str
    make: Recipe
    host: str = "localhost"
    strict: int | None = None

    @property
    def default(self) -> int:
        """Verify code of this Python's default client."""
        return self.lenient if self.strict is None or not _STRICT_BY_DEFAULT else self.strict


@dataclass(frozen=True, slots=True)
class Failure:
    """A handshake that fails although the server's chain is good, or that never begins.

    Attributes:
        name, wrong, rule, make, host: as in `Breakage`.
        client: OpenSSL's reason on the client's side; empty: no client is ever answered.
        server: OpenSSL's reason on the server's side.
        code: the server's verify code for the client's certificate; 0: it judged none.
    """

    name: str
    wrong: str
    rule: str
    client: str
    server: str
    make: Recipe
    code: int = 0
    host: str = "localhost"


_MISMATCH = "Hostname mismatch, certificate is not valid for {!r}."
_DEEP = "a.b.netlab.localhost"

# fmt: off
CONTROL = Breakage("intact", "nothing", "RFC 5280 §6.1", 0, 0, "", "", intact)

BREAKAGES = (
    # dates
    Breakage("expired", "the leaf was good until yesterday", "RFC 5280 §6.1.3 (a)(2)", 10, 10,
             "certificate has expired", "certificate_expired", leaf_with(shifted(-31))),
    Breakage("not yet valid", "the leaf is good from tomorrow on", "RFC 5280 §6.1.3 (a)(2)", 9, 9,
             "certificate is not yet valid", "bad_certificate", leaf_with(shifted(1))),
    Breakage("expired intermediate", "the leaf is in its time, its issuer was good until yesterday",
             "RFC 5280 §6.1.3 (a)(2)", 10, 10,
             "certificate has expired", "certificate_expired", intermediate_with(shifted(-366))),
    Breakage("expired root", "the client still trusts a root whose last day was yesterday",
             "RFC 5280 §6.1 (d)", 10, 10,
             "certificate has expired", "certificate_expired", expired_root),
    # names
    Breakage("wrong host", "a leaf for other.localhost, asked for as localhost", "RFC 9525 §6.3", 62, 62,
             _MISMATCH.format("localhost"), "bad_certificate", leaf_with(named("other.localhost"))),
    Breakage("wrong IP", "a leaf for 127.0.0.2, asked for as 127.0.0.1", "RFC 9525 §6.4", 64, 64,
             "IP address mismatch, certificate is not valid for '127.0.0.1'.", "bad_certificate",
             leaf_with(named("localhost", addresses=("127.0.0.2",))), host="127.0.0.1"),
    Breakage("wildcard too deep", f"a leaf for *.netlab.localhost, asked for as {_DEEP}", "RFC 9525 §6.3",
             62, 62, _MISMATCH.format(_DEEP), "bad_certificate",
             leaf_with(named("*.netlab.localhost")), host=_DEEP),
    Breakage("no SAN", "the name stands in the subject's common name alone", "RFC 9525 §2", 0, 62,
             _MISMATCH.format("localhost"), "bad_certificate", leaf_with(named())),
    # trust
    Breakage("self-signed leaf", "the leaf is its own issuer", "RFC 5280 §6.1 (b)", 18, 18,
             "self-signed certificate", "unknown_ca", self_signed),
    Breakage("missing intermediate", "the server sends its leaf alone", "RFC 8446 §4.4.2", 20, 20,
             "unable to get local issuer certificate", "unknown_ca", without_intermediate),
    Breakage("untrusted root, sent", "a whole chain that ends in a root which the client does not have",
             "RFC 5280 §6.1.1 (d)", 19, 19,
             "self-signed certificate in certificate chain", "unknown_ca", unknown_root(sent=True)),
    Breakage("untrusted root, not sent", "the same, and the server leaves the root out",
             "RFC 5280 §6.1.1 (d)", 20, 20,
             "unable to get local issuer certificate", "unknown_ca", unknown_root(sent=False)),
    # revocation
    Breakage("revoked", "its issuer took the leaf back, in a signed list", "RFC 5280 §6.1.3 (a)(3)", 0, 23,
             "certificate revoked", "certificate_revoked", revoked),
    Breakage("no revocation list", "the client asks, and has no list of the leaf's issuer",
             "RFC 5280 §6.3.3", 0, 3,
             "unable to get certificate CRL", "unknown_ca", list_of_another),
    Breakage("expired revocation list", "the client asks, and the list it has ran out three weeks ago",
             "RFC 5280 §6.3.3", 0, 12, "CRL has expired", "certificate_expired", list_expired),
    # strength
    Breakage("weak key", "the leaf's key is RSA with 1024 bits", "RFC 9325 §4.5", 66, 66,
             "EE certificate key too weak", "bad_certificate", weak_leaf),
    Breakage("weak authority key", "the intermediate's key is RSA with 1024 bits", "RFC 9325 §4.5", 67, 67,
             "CA certificate key too weak", "bad_certificate", weak_authority),
    Breakage("SHA-1 signature", "the leaf is signed over its SHA-1 hash", "RFC 8446 §4.4.2.4", 68, 68,
             "CA signature digest algorithm too weak", "bad_certificate", sha1_signature),
    # what an authority may do
    Breakage("name not permitted", "its issuer may sign for example.localhost alone", "RFC 5280 §4.2.1.10",
             47, 47, "permitted subtree violation", "certificate_unknown",
             intermediate_with(reaching(("example.localhost",)))),
    Breakage("name excluded", "its issuer may sign for all of this machine but localhost",
             "RFC 5280 §4.2.1.10", 48, 48, "excluded subtree violation", "certificate_unknown",
             intermediate_with(reaching(None, ("localhost",)))),
    Breakage("wrong EKU", "a certificate for a client, shown by a server", "RFC 5280 §4.2.1.12", 26, 26,
             "unsuitable certificate purpose", "unsupported_certificate", leaf_with(for_a_client)),
    Breakage("path length", "one authority more below the intermediate than it may have",
             "RFC 5280 §4.2.1.9", 25, 25, "path length constraint exceeded", "unknown_ca", path_too_long),
    Breakage("signed by a leaf", "another server's certificate, which is no authority, signed it",
             "RFC 5280 §6.1.4 (k)", 79, 79, "invalid CA certificate", "unknown_ca", signed_by_a_leaf),
    Breakage("no BasicConstraints", "its issuer does not say that it is an authority", "RFC 5280 §6.1.4 (k)",
             79, 79, "invalid CA certificate", "unknown_ca",
             intermediate_with(without(x509.BasicConstraints))),
    Breakage("tampered", "after signing, its holder gave it four years more", "RFC 5280 §6.1.3 (a)(1)", 7, 7,
             "certificate signature failure", "decrypt_error", tampered),
)

# A matter of form: no client is deceived, but the strict reading refuses. Python reads strictly from 3.13 on.
FORMALITIES = (
    Breakage("no authority key identifier", "it does not say which of its issuer's keys signed it",
             "RFC 5280 §4.2.1.1", 0, 85, "Missing Authority Key Identifier", "certificate_unknown",
             leaf_with(without(x509.AuthorityKeyIdentifier)), strict=85),
    Breakage("no subject key identifier", "its issuer does not identify its own key", "RFC 5280 §4.2.1.2",
             0, 86, "Missing Subject Key Identifier", "certificate_unknown",
             intermediate_with(without(x509.SubjectKeyIdentifier)), strict=86),
    Breakage("no KeyUsage", "its issuer does not say what its key is for", "RFC 5280 §4.2.1.3", 0, 92,
             "CA cert does not include key usage extension", "certificate_unknown",
             intermediate_with(silent_on_its_key), strict=92),
    Breakage("uncritical BasicConstraints", "a verifier might overlook that its issuer has limits",
             "RFC 5280 §4.2.1.9", 0, 89, "Basic Constraints of CA cert not marked critical",
             "certificate_unknown", intermediate_with(uncritical(x509.BasicConstraints)), strict=89),
)

# It looks odd, and every client here accepts it.
ACCEPTED = (
    CONTROL,
    Breakage("reversed issuers", "the leaf first, then its issuers from the root down", "RFC 8446 §4.4.2",
             0, 0, "", "", reversed_issuers),
    Breakage("wildcard", "a leaf for *.netlab.localhost, asked for as a.netlab.localhost", "RFC 9525 §6.3",
             0, 0, "", "", leaf_with(named("*.netlab.localhost")), host="a.netlab.localhost"),
    Breakage("name permitted", "its issuer may sign for localhost alone, and does", "RFC 5280 §4.2.1.10",
             0, 0, "", "", intermediate_with(reaching(("localhost",)))),
    *(Breakage(kind.value, f"the keys of the leaf and of its issuer are {kind.value}", "RFC 8446 §4.2.3",
               0, 0, "", "", keys_of(kind))
      for kind in KeyKind if kind is not KeyKind.RSA_1024),
    Breakage("client certificate", "the server asks the client for a certificate, and gets a good one",
             "RFC 8446 §4.3.2", 0, 0, "", "", asking_client(lambda profile: profile)),
)

FAILURES = (
    Failure("key mismatch", "the private key does not belong to the certificate", "RFC 8446 §4.4.3",
            "", "KEY_VALUES_MISMATCH", another_key),
    Failure("stolen certificate", "the chain was copied, and its private key was not", "RFC 8446 §4.4.3",
            "BAD_SIGNATURE", "TLSV1_ALERT_DECRYPT_ERROR", stolen_chain),
    Failure("no common cipher", "TLS 1.2, its suite signs with RSA, and the certificate is on P-256",
            "RFC 5246 §7.4.2", "SSLV3_ALERT_HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", suites_for_another_key),
    Failure("missing client certificate", "the server asks for one, and the client has none",
            "RFC 8446 §4.4.2.4", "TLSV13_ALERT_CERTIFICATE_REQUIRED", "PEER_DID_NOT_RETURN_A_CERTIFICATE",
            asking_client(None)),
    Failure("expired client certificate", "the client's certificate was good until yesterday",
            "RFC 5280 §6.1.3 (a)(2)", "SSLV3_ALERT_CERTIFICATE_EXPIRED", "CERTIFICATE_VERIFY_FAILED",
            asking_client(shifted(-31)), code=10),
    Failure("server's certificate for a client", "the client shows a certificate whose purpose is a server",
            "RFC 5280 §4.2.1.12", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "CERTIFICATE_VERIFY_FAILED",
            asking_client(lambda profile: replace(profile, purposes=(ExtendedKeyUsageOID.SERVER_AUTH,))),
            code=26),
)
# fmt: on
