"""How each certificate chain of `breakage` is made: the good profile with one thing changed.

A recipe takes the good authorities and the time, and returns what a server shows. It opens no socket and
writes no file. What each recipe is an example of, and what a verifier must answer, is in `breakage`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from netlab.tls.issue import (
    Extension,
    Issued,
    Key,
    KeyKind,
    Profile,
    client_profile,
    intermediate_profile,
    issue,
    key_pem,
    leaf_profile,
    new_key,
    revoke,
    root_profile,
)
from netlab.tls.surgery import extended_by_hand, key_that_claims_to_be, signed_with_sha1


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The good authorities, on P-256, that a breakage starts from. A client trusts this root and no other."""

    root: Issued
    intermediate: Issued


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client shows: its chain, its own certificate first, and its private key."""

    chain: tuple[x509.Certificate, ...]
    key: Key


@dataclass(frozen=True, slots=True)
class Served:
    """What a server shows, and what belongs to the case on the client's side.

    Attributes:
        chain: what the server sends, its own certificate first.
        key: the private key that the server signs with.
        crl: the revocation list that a client is given, if any.
        root: the root that a client trusts, where it is not the good one.
        key_file: the PEM of the private key, where it is not the plain form of `key`.
        ciphers: TLS 1.2 with these suites alone (an OpenSSL cipher string); None: the usual ones.
        asks_client: the root of the client certificates that the server asks for; None: it asks for none.
        client: what the client shows in return; None: nothing.
    """

    chain: tuple[x509.Certificate, ...]
    key: Key
    crl: x509.CertificateRevocationList | None = None
    root: x509.Certificate | None = None
    key_file: bytes | None = None
    ciphers: str | None = None
    asks_client: x509.Certificate | None = None
    client: Shown | None = None

    def key_pem(self) -> bytes:
        """The private key as the server's file holds it."""
        return self.key_file or key_pem(self.key)


Recipe = Callable[[Hierarchy, datetime], Served]
Change = Callable[[Profile], Profile]


def hierarchy(now: datetime) -> Hierarchy:
    """A good root and a good intermediate, in memory only."""
    root = issue(root_profile(now))
    return Hierarchy(root, issue(intermediate_profile(now), root))


def intact(good: Hierarchy, now: datetime) -> Served:
    """The control: nothing is wrong with this one."""
    return serve(issue(leaf_profile(now), good.intermediate), good.intermediate)


def serve(leaf: Issued, *issuers: Issued) -> Served:
    """A server with this leaf that sends these issuers' certificates behind it."""
    return Served((leaf.certificate, *(issuer.certificate for issuer in issuers)), leaf.key)


# -- one thing changed in the leaf or in the intermediate --------------------------------------------


def leaf_with(change: Change) -> Recipe:
    """The good leaf with one thing changed, signed by the good intermediate."""

    def make(good: Hierarchy, now: datetime) -> Served:
        return serve(issue(change(leaf_profile(now)), good.intermediate), good.intermediate)

    return make


def intermediate_with(change: Change) -> Recipe:
    """The good intermediate with one thing changed, and a good leaf below it."""

    def make(good: Hierarchy, now: datetime) -> Served:
        intermediate = issue(change(intermediate_profile(now)), good.root)
        return serve(issue(leaf_profile(now), intermediate), intermediate)

    return make


def keys_of(kind: KeyKind) -> Recipe:
    """An intermediate and a leaf on keys of one kind below the good root: good, if the kind is."""

    def make(good: Hierarchy, now: datetime) -> Served:
        intermediate = issue(intermediate_profile(now), good.root, new_key(kind))
        return serve(issue(leaf_profile(now), intermediate, new_key(kind)), intermediate)

    return make


def shifted(days: int) -> Change:
    """The same life, some days later."""
    shift = timedelta(days=days)
    return lambda profile: replace(profile, begin=profile.begin + shift, end=profile.end + shift)


def named(*names: str, addresses: tuple[str, ...] = ()) -> Change:
    """Other names and addresses than the usual ones."""
    return lambda profile: replace(profile, names=names, addresses=addresses)


def reaching(permitted: tuple[str, ...] | None, excluded: tuple[str, ...] | None = None) -> Change:
    """An authority that may sign for some host names alone, or for all but some."""
    permits, excludes = (
        [x509.DNSName(name) for name in names] if names is not None else None
        for names in (permitted, excluded)
    )
    return lambda profile: replace(profile, reach=x509.NameConstraints(permits, excludes))


def for_a_client(profile: Profile) -> Profile:
    """A certificate whose purpose is to be shown by a client."""
    return replace(profile, purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))


def without(*extensions: Extension) -> Change:
    """Without these extensions."""
    return lambda profile: replace(profile, without=extensions)


def silent_on_its_key(profile: Profile) -> Profile:
    """Without KeyUsage, and without the path length, which may not stand there without it."""
    return replace(profile, without=(x509.KeyUsage,), path_length=None)


def uncritical(*extensions: Extension) -> Change:
    """With these extensions, not marked critical."""
    return lambda profile: replace(profile, uncritical=extensions)


# -- trust -------------------------------------------------------------------------------------------


def expired_root(good: Hierarchy, now: datetime) -> Served:
    """A root that its client trusts and whose last day was yesterday; all below it is in its time."""
    root = issue(replace(root_profile(now), end=now - timedelta(days=1), begin=now - timedelta(days=3650)))
    intermediate = issue(intermediate_profile(now), root)
    leaf = issue(leaf_profile(now), intermediate)
    return replace(serve(leaf, intermediate), root=root.certificate)


def self_signed(good: Hierarchy, now: datetime) -> Served:
    """A leaf without an issuer."""
    return serve(issue(leaf_profile(now)))


def without_intermediate(good: Hierarchy, now: datetime) -> Served:
    """The good leaf, sent alone."""
    return serve(issue(leaf_profile(now), good.intermediate))


def unknown_root(sent: bool) -> Recipe:
    """A whole chain below a root that no client here trusts; the server sends that root, or does not."""

    def make(good: Hierarchy, now: datetime) -> Served:
        root = issue(replace(root_profile(now), subject="an unknown root"))
        intermediate = issue(replace(intermediate_profile(now), subject="an unknown intermediate"), root)
        leaf = issue(leaf_profile(now), intermediate)
        return serve(leaf, intermediate, root) if sent else serve(leaf, intermediate)

    return make


def reversed_issuers(good: Hierarchy, now: datetime) -> Served:
    """The leaf first, as it must be, then its issuers from the root down."""
    return serve(issue(leaf_profile(now), good.intermediate), good.root, good.intermediate)


# -- revocation --------------------------------------------------------------------------------------


def revoked(good: Hierarchy, now: datetime) -> Served:
    """The issuer's list names the leaf."""
    served = intact(good, now)
    return replace(served, crl=revoke(good.intermediate, [served.chain[0]], now))


def list_of_another(good: Hierarchy, now: datetime) -> Served:
    """The client has a list, and it is the root's: of the leaf's issuer it has none."""
    return replace(intact(good, now), crl=revoke(good.root, [], now))


def list_expired(good: Hierarchy, now: datetime) -> Served:
    """The client has the issuer's list of last month, which names no certificate and has run out."""
    return replace(intact(good, now), crl=revoke(good.intermediate, [], now - timedelta(days=30)))


# -- strength ----------------------------------------------------------------------------------------


def weak_leaf(good: Hierarchy, now: datetime) -> Served:
    """A leaf whose key is RSA with 1024 bits."""
    leaf = issue(leaf_profile(now), good.intermediate, new_key(KeyKind.RSA_1024))
    return serve(leaf, good.intermediate)


def weak_authority(good: Hierarchy, now: datetime) -> Served:
    """An intermediate whose key is RSA with 1024 bits."""
    intermediate = issue(intermediate_profile(now), good.root, new_key(KeyKind.RSA_1024))
    return serve(issue(leaf_profile(now), intermediate), intermediate)


def sha1_signature(good: Hierarchy, now: datetime) -> Served:
    """The good leaf, signed over its SHA-1 hash."""
    served = intact(good, now)
    leaf, intermediate = served.chain
    return replace(served, chain=(signed_with_sha1(leaf, good.intermediate.key), intermediate))


# -- what an authority may do ------------------------------------------------------------------------


def path_too_long(good: Hierarchy, now: datetime) -> Served:
    """The good intermediate, which may sign leaves alone, signed another authority."""
    surplus = issue(replace(intermediate_profile(now), subject="one authority too many"), good.intermediate)
    return serve(issue(leaf_profile(now), surplus), surplus, good.intermediate)


def signed_by_a_leaf(good: Hierarchy, now: datetime) -> Served:
    """Another server's certificate, which is no authority, signed the leaf.

    The root itself signed it, for any purpose: neither the path's length nor the purpose is the reason.
    """
    profile = replace(leaf_profile(now), subject="a server, no authority", purposes=())
    server = issue(profile, good.root)
    return serve(issue(leaf_profile(now), server), server)


def tampered(good: Hierarchy, now: datetime) -> Served:
    """The good leaf with another last day, written over the signed one."""
    served = intact(good, now)
    leaf, intermediate = served.chain
    return replace(served, chain=(extended_by_hand(leaf), intermediate))


# -- the handshake, not the chain --------------------------------------------------------------------


def another_key(good: Hierarchy, now: datetime) -> Served:
    """The good chain beside a private key that does not belong to it."""
    return replace(intact(good, now), key=new_key())


def stolen_chain(good: Hierarchy, now: datetime) -> Served:
    """The same, disguised so that a server loads it: the chain was copied, its private key was not."""
    served = intact(good, now)
    return replace(served, key_file=key_that_claims_to_be(served.chain[0]))


def suites_for_another_key(good: Hierarchy, now: datetime) -> Served:
    """TLS 1.2 with a suite whose signature is RSA, and a certificate on P-256: no suite can be chosen."""
    return replace(intact(good, now), ciphers="ECDHE-RSA-AES128-GCM-SHA256")


def asking_client(change: Change | None) -> Recipe:
    """A server that asks for a client certificate; the client shows one with a change, or none at all."""

    def make(good: Hierarchy, now: datetime) -> Served:
        served = replace(intact(good, now), asks_client=good.root.certificate)
        if change is None:
            return served
        shown = issue(change(client_profile(now)), good.intermediate)
        return replace(served, client=Shown((shown.certificate, good.intermediate.certificate), shown.key))

    return make
