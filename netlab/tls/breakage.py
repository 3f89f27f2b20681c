"""Every way to break a chain of certificates, as a table: lab 05 and the tests run down it.

A row says what is wrong, which rule that breaks, and what the verifier must answer: to Python's default
client, and to ours. Most recipes are the good profile with one thing changed. What no library would sign
(a SHA-1 signature, a changed date) is cut into the DER by hand, at the end of this file.
The verify codes are those of OpenSSL 3 (`X509_V_ERR_…` in x509_vfy.h); 0 means: accepted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from netlab.tls.issue import (
    Issued,
    Key,
    Profile,
    intermediate_profile,
    issue,
    leaf_profile,
    revoke,
    root_profile,
)

# A server needs this cipher string to serve some of these chains: at its usual security level OpenSSL
# refuses to load a weak certificate, and nobody would see what a client says to it.
WEAK_SERVER = "DEFAULT:@SECLEVEL=0"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The good authorities, on P-256, that a breakage starts from. A client trusts this root and no other."""

    root: Issued
    intermediate: Issued


@dataclass(frozen=True, slots=True)
class Served:
    """What a server sends, the key that goes with it, and the list that its issuer published, if any."""

    chain: tuple[x509.Certificate, ...]
    key: Key
    crl: x509.CertificateRevocationList | None = None


Recipe = Callable[[Hierarchy, datetime], Served]


@dataclass(frozen=True, slots=True)
class Breakage:
    """One way to break a chain.

    Attributes:
        name: short and unique.
        wrong: what is wrong, in one clause.
        rule: the section that a verifier applies.
        default: verify code of `ssl.create_default_context(cafile=root)`.
        hardened: verify code of `netlab.tls.client_context(root, crls=…)`, with the CRL if there is one.
        make: from the good authorities and the time to what the server sends.
        host: the name or address that the client asks for.
    """

    name: str
    wrong: str
    rule: str
    default: int
    hardened: int
    make: Recipe
    host: str = "localhost"


def hierarchy(now: datetime) -> Hierarchy:
    """A good root and a good intermediate, in memory only."""
    root = issue(root_profile(now))
    return Hierarchy(root, issue(intermediate_profile(now), root))


def intact(good: Hierarchy, now: datetime) -> Served:
    """The control: nothing is wrong with this one."""
    return _serve(issue(leaf_profile(now), good.intermediate), good.intermediate)


# -- the recipes, in the order of the table ---------------------------------------------------------


def _serve(leaf: Issued, *issuers: Issued) -> Served:
    return Served((leaf.certificate, *(issuer.certificate for issuer in issuers)), leaf.key)


def _leaf(change: Callable[[Profile], Profile]) -> Recipe:
    """The good leaf with one thing changed, signed by the good intermediate."""

    def make(good: Hierarchy, now: datetime) -> Served:
        return _serve(issue(change(leaf_profile(now)), good.intermediate), good.intermediate)

    return make


def _shifted(leaf: Profile, days: int) -> Profile:
    shift = timedelta(days=days)
    return replace(leaf, begin=leaf.begin + shift, end=leaf.end + shift)


def _self_signed(good: Hierarchy, now: datetime) -> Served:
    return _serve(issue(leaf_profile(now)))


def _without_intermediate(good: Hierarchy, now: datetime) -> Served:
    return _serve(issue(leaf_profile(now), good.intermediate))


def _other_root(good: Hierarchy, now: datetime) -> Served:
    root = issue(replace(root_profile(now), subject="a root that nobody trusts"))
    intermediate = issue(intermediate_profile(now), root)
    return _serve(issue(leaf_profile(now), intermediate), intermediate, root)


def _revoked(good: Hierarchy, now: datetime) -> Served:
    served = intact(good, now)
    return replace(served, crl=revoke(good.intermediate, [served.chain[0]], now))


def _weak_key(good: Hierarchy, now: datetime) -> Served:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return _serve(issue(leaf_profile(now), good.intermediate, key), good.intermediate)


def _sha1(good: Hierarchy, now: datetime) -> Served:
    served = intact(good, now)
    leaf, intermediate = served.chain
    return replace(served, chain=(signed_with_sha1(leaf, good.intermediate.key), intermediate))


def _out_of_reach(good: Hierarchy, now: datetime) -> Served:
    reach = x509.NameConstraints([x509.DNSName("example.localhost")], None)
    intermediate = issue(replace(intermediate_profile(now), reach=reach), good.root)
    return _serve(issue(leaf_profile(now), intermediate), intermediate)


def _path_too_long(good: Hierarchy, now: datetime) -> Served:
    surplus = issue(replace(intermediate_profile(now), subject="one authority too many"), good.intermediate)
    return _serve(issue(leaf_profile(now), surplus), surplus, good.intermediate)


def _signed_by_a_server(good: Hierarchy, now: datetime) -> Served:
    server = issue(replace(leaf_profile(now), subject="a server, no authority"), good.intermediate)
    return _serve(issue(leaf_profile(now), server), server, good.intermediate)


def _tampered(good: Hierarchy, now: datetime) -> Served:
    served = intact(good, now)
    leaf, intermediate = served.chain
    return replace(served, chain=(extended_by_hand(leaf), intermediate))


# fmt: off
BREAKAGES = (
    Breakage("expired", "the leaf was good until yesterday", "RFC 5280 §6.1.3 (a)(2)",
             10, 10, _leaf(lambda leaf: _shifted(leaf, days=-31))),
    Breakage("not yet valid", "the leaf is good from tomorrow on", "RFC 5280 §6.1.3 (a)(2)",
             9, 9, _leaf(lambda leaf: _shifted(leaf, days=1))),
    Breakage("wrong host", "a leaf for other.localhost, asked for as localhost", "RFC 9525 §6.3",
             62, 62, _leaf(lambda leaf: replace(leaf, names=("other.localhost",), addresses=()))),
    Breakage("wrong IP", "a leaf for 127.0.0.2, asked for as 127.0.0.1", "RFC 9525 §6.4",
             64, 64, _leaf(lambda leaf: replace(leaf, addresses=("127.0.0.2",))), host="127.0.0.1"),
    Breakage("self-signed leaf", "the leaf vouches for itself", "RFC 5280 §6.1 (b)",
             18, 18, _self_signed),
    Breakage("missing intermediate", "the server sends its leaf alone", "RFC 8446 §4.4.2",
             20, 20, _without_intermediate),
    Breakage("untrusted root", "a complete chain, from a root that the client does not have",
             "RFC 5280 §6.1 (b)", 19, 19, _other_root),
    Breakage("revoked", "its issuer took it back, in a signed list", "RFC 5280 §6.1.3 (a)(3)",
             0, 23, _revoked),
    Breakage("weak key", "the leaf's key is RSA with 1024 bits", "RFC 9325 §4.5",
             66, 66, _weak_key),
    Breakage("SHA-1 signature", "the leaf is signed over its SHA-1 hash", "RFC 8446 §4.4.2.4",
             68, 68, _sha1),
    Breakage("no SAN", "the name stands in the subject's common name only", "RFC 9525 §2",
             0, 62, _leaf(lambda leaf: replace(leaf, names=(), addresses=()))),
    Breakage("name constraint", "its issuer may sign for example.localhost only", "RFC 5280 §4.2.1.10",
             47, 47, _out_of_reach),
    Breakage("wrong EKU", "a certificate for a client, shown by a server", "RFC 5280 §4.2.1.12",
             26, 26, _leaf(lambda leaf: replace(leaf, purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,)))),
    Breakage("path length", "one authority more below the intermediate than it may have",
             "RFC 5280 §4.2.1.9", 25, 25, _path_too_long),
    Breakage("signed by a leaf", "another server's certificate, which is no authority, signed it",
             "RFC 5280 §6.1.4 (k)", 79, 79, _signed_by_a_server),
    Breakage("tampered", "after signing, its holder gave it four years more", "RFC 5280 §6.1.3 (a)(1)",
             7, 7, _tampered),
)

# A matter of form: nobody is deceived, but the strict reading refuses. Python reads strictly from 3.13 on.
FORMALITIES = (
    Breakage("no key identifiers", "it does not say which of its issuer's keys signed it",
             "RFC 5280 §4.2.1.1", 85 if sys.version_info >= (3, 13) else 0, 85,
             _leaf(lambda leaf: replace(leaf, identified=False))),
)
# fmt: on


# -- surgery on the DER -----------------------------------------------------------------------------

_SEQUENCE, _BIT_STRING = 0x30, 0x03
# AlgorithmIdentifier ::= SEQUENCE { OBJECT IDENTIFIER }                       RFC 5758 §3.2, RFC 3279 §2.2.3
_ECDSA_WITH_SHA256 = bytes.fromhex("300a 0608 2a8648ce3d040302")
_ECDSA_WITH_SHA1 = bytes.fromhex("3009 0607 2a8648ce3d0401")


def signed_with_sha1(certificate: x509.Certificate, issuer_key: Key) -> x509.Certificate:
    """The same certificate, signed again as cryptography's builder refuses to: ECDSA over SHA-1.

    Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING }, and the
    algorithm is named twice: outside, and inside what is signed (RFC 5280 §4.1.1.2).
    """
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise ValueError("the issuer's key is not on an elliptic curve: ecdsa-with-SHA1 needs one")
    inside = _content(certificate.tbs_certificate_bytes).replace(_ECDSA_WITH_SHA256, _ECDSA_WITH_SHA1, 1)
    tbs = _der(_SEQUENCE, inside)
    signature = issuer_key.sign(tbs, ec.ECDSA(hashes.SHA1()))
    # A BIT STRING begins with the number of bits unused in its last octet: none.
    whole = tbs + _ECDSA_WITH_SHA1 + _der(_BIT_STRING, b"\x00" + signature)
    return x509.load_der_x509_certificate(_der(_SEQUENCE, whole))


def extended_by_hand(certificate: x509.Certificate) -> x509.Certificate:
    """The same certificate with notAfter four years later (so that 29 February stays a date)."""
    end = certificate.not_valid_after_utc
    # UTCTime has two digits for the year (RFC 5280 §4.1.2.5.1): the length of nothing changes.
    written = f"{end:%y%m%d%H%M%S}Z".encode()
    later = f"{(end.year + 4) % 100:02}{end:%m%d%H%M%S}Z".encode()
    der = certificate.public_bytes(serialization.Encoding.DER)
    return x509.load_der_x509_certificate(der.replace(written, later, 1))


def _der(tag: int, content: bytes) -> bytes:
    """Tag, length, content: a length of 128 or more is led by the number of its own octets (X.690 §8.1.3)."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def _content(der: bytes) -> bytes:
    """What is left of one DER value without its tag and length."""
    long_form = der[1] & 0x80
    return der[2 + (der[1] & 0x7F if long_form else 0) :]
