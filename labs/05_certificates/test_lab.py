"""The checks of lab 05: what RFC 5280 asks of each certificate, and what a client then says to the chain.

What a task needs from others (an issuer, a broken chain) comes from netlab: a task fails for itself alone.
"""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import ssl
import stat
import warnings
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from certificate_checks import (
    assert_authority,
    assert_life,
    assert_own_key,
    assert_points_at,
    assert_signs_certificates_and_lists,
    extension,
    signed_by,
)
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from netlab.tls import breakage, issue

HOSTS = ["localhost", "127.0.0.1", "::1"]
SECOND = timedelta(seconds=1)


@pytest.fixture
def now():
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def good(exercise, now):
    """netlab's own authorities: the root and the intermediate that a task signs with."""
    made = breakage.hierarchy(now)
    return {
        "root": exercise.Identity(made.root.certificate, made.root.key),
        "intermediate": exercise.Identity(made.intermediate.certificate, made.intermediate.key),
        "hierarchy": made,
    }


def on_disk(folder, served, root):
    """Write what a server sends and what a client trusts: chain.pem, leaf.key, root.pem."""
    folder.mkdir(exist_ok=True)
    files = [folder / "chain.pem", folder / "leaf.key", folder / "root.pem"]
    contents = [issue.pem(*served.chain), issue.key_pem(served.key), issue.pem(root.certificate)]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    return files


# -- task 1: a root that signs itself ----------------------------------------------------------------


@pytest.mark.task(1, rule="RFC 5280 §3.2")
def test_the_root_is_its_own_issuer_and_its_signature_holds_under_its_own_key(exercise, now):
    root = exercise.make_root("my root", now).certificate
    assert root.subject == exercise.name("my root"), "the subject must be the name that was asked for"
    assert root.issuer == root.subject, "a root has no issuer but itself: issuer and subject are one"
    assert signed_by(root, root), "the root's signature must hold under the key that the root shows"


@pytest.mark.task(1, rule="RFC 5280 §4.2.1.9")
def test_the_root_is_a_ca_with_one_ca_below_it_at_most(exercise, now):
    assert_authority(exercise.make_root("my root", now), "the root", path_length=1)


@pytest.mark.task(1, rule="RFC 5280 §4.2.1.3")
def test_the_roots_key_signs_certificates_and_lists_and_nothing_else(exercise, now):
    assert_signs_certificates_and_lists(exercise.make_root("my root", now), "the root")


@pytest.mark.task(1, rule="RFC 5280 §4.2.1.2")
def test_the_root_returns_and_identifies_its_own_key(exercise, now):
    assert_own_key(exercise.make_root("my root", now), "the root")


@pytest.mark.task(1, rule="RFC 5280 §4.1.2.5")
def test_the_root_lives_for_its_ten_years(exercise, now):
    assert_life(exercise.make_root("my root", now).certificate, now, exercise.ROOT_LIFE, "the root")


# -- task 2: an intermediate that may sign servers only ----------------------------------------------


@pytest.mark.task(2, rule="RFC 5280 §6.1.3 (a)(1)")
def test_the_intermediate_is_signed_by_the_root(exercise, good, now):
    made = exercise.make_intermediate("my intermediate", good["root"], now).certificate
    assert made.issuer == good["root"].certificate.subject, "its issuer is the root's subject"
    assert signed_by(made, good["root"].certificate), "its signature must hold under the root's key"
    assert_life(made, now, exercise.INTERMEDIATE_LIFE, "the intermediate")


@pytest.mark.task(2, rule="RFC 5280 §4.2.1.9")
def test_the_intermediate_is_a_ca_with_no_ca_below_it(exercise, good, now):
    made = exercise.make_intermediate("my intermediate", good["root"], now)
    assert_authority(made, "the intermediate", path_length=0)


@pytest.mark.task(2, rule="RFC 5280 §4.2.1.3")
def test_the_intermediates_key_signs_certificates_and_lists_and_nothing_else(exercise, good, now):
    made = exercise.make_intermediate("my intermediate", good["root"], now)
    assert_signs_certificates_and_lists(made, "the intermediate")


@pytest.mark.task(2, rule="RFC 5280 §4.2.1.2")
def test_the_intermediate_has_a_key_of_its_own(exercise, good, now):
    made = exercise.make_intermediate("my intermediate", good["root"], now)
    assert_own_key(made, "the intermediate")
    assert made.certificate.public_key() != good["root"].certificate.public_key(), (
        "the intermediate needs a key of its own, so that the root's may stay off line"
    )


@pytest.mark.task(2, rule="RFC 5280 §4.2.1.1")
def test_the_intermediate_identifies_the_roots_key_as_its_issuers(exercise, good, now):
    made = exercise.make_intermediate("my intermediate", good["root"], now).certificate
    assert_points_at(made, good["root"].certificate, "the intermediate")


# -- task 3: a leaf for the server's names and addresses ---------------------------------------------


@pytest.mark.task(3, rule="RFC 5280 §6.1.3 (a)(1)")
def test_the_leaf_is_signed_by_the_intermediate(exercise, good, now):
    leaf = exercise.make_leaf(HOSTS, good["intermediate"], now)
    assert signed_by(leaf.certificate, good["intermediate"].certificate), (
        "issuer and signature must be those of the intermediate"
    )
    assert_own_key(leaf, "the leaf")
    assert_points_at(leaf.certificate, good["intermediate"].certificate, "the leaf")
    assert_life(leaf.certificate, now, exercise.LEAF_LIFE, "the leaf")


@pytest.mark.task(3, rule="RFC 5280 §6.1.4 (k)")
def test_the_leaf_signs_handshakes_and_can_sign_no_certificate(exercise, good, now):
    leaf = exercise.make_leaf(HOSTS, good["intermediate"], now).certificate
    constraints, critical = extension(leaf, x509.BasicConstraints, "the leaf")
    assert critical and not constraints.ca, (
        "a leaf that is a CA can sign for any name: BasicConstraints(ca=False, path_length=None), critical"
    )
    usage, critical = extension(leaf, x509.KeyUsage, "the leaf")
    assert critical and usage.digital_signature, "a server signs the handshake: digital_signature, critical"
    assert not usage.key_cert_sign, "a leaf signs no certificates"
    assert not usage.key_encipherment, "no client enciphers a pre-master secret under an elliptic curve key"


@pytest.mark.task(3, rule="RFC 5280 §4.2.1.6")
def test_names_are_dns_entries_and_addresses_are_ip_entries(exercise, good, now):
    leaf = exercise.make_leaf(["api.localhost", *HOSTS], good["intermediate"], now).certificate
    names, _ = extension(leaf, x509.SubjectAlternativeName, "the leaf")
    assert names.get_values_for_type(x509.DNSName) == ["api.localhost", "localhost"], (
        "each host name stands as a DNSName, and nothing else does: an address is compared as octets"
    )
    expected = [ip_address("127.0.0.1"), ip_address("::1")]
    assert names.get_values_for_type(x509.IPAddress) == expected, "each address stands as an IPAddress"
    assert leaf.subject == exercise.name("api.localhost"), "the common name is hosts[0]"


@pytest.mark.task(3, rule="RFC 5280 §4.2.1.12")
def test_the_leaf_is_for_a_server(exercise, good, now):
    leaf = exercise.make_leaf(HOSTS, good["intermediate"], now).certificate
    purposes, _ = extension(leaf, x509.ExtendedKeyUsage, "the leaf")
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH], "its purpose is SERVER_AUTH, and only that"


@pytest.mark.task(3, rule="RFC 5280 §6.1")
def test_a_strict_client_accepts_the_leaf_by_each_of_its_names(exercise, good, now, tmp_path, steps):
    leaf = exercise.make_leaf(HOSTS, good["intermediate"], now)
    served = breakage.Served((leaf.certificate, good["intermediate"].certificate), leaf.key)
    chain, key, root = on_disk(tmp_path, served, good["root"])
    context = ssl.create_default_context(cafile=root)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.hostname_checks_common_name = False
    with exercise.serving(chain, key) as server:
        for host in HOSTS:
            steps.note(f"a client asks for {host}")
            with socket.create_connection(server.address, timeout=10) as plain:
                try:
                    context.wrap_socket(plain, server_hostname=host).close()
                except ssl.SSLCertVerificationError as refusal:
                    pytest.fail(f"refused as {host}: {refusal.verify_code} {refusal.verify_message}")


# -- task 4: the two files that a server needs -------------------------------------------------------


def certificates_in(file):
    return x509.load_pem_x509_certificates(file.read_bytes())


def chain_of(exercise, good, now):
    made = issue.issue(issue.leaf_profile(now), good["hierarchy"].intermediate)
    leaf = exercise.Identity(made.certificate, made.key)
    return leaf, [good["intermediate"].certificate, good["root"].certificate]


@pytest.mark.task(4, rule="RFC 8446 §4.4.2")
def test_the_leaf_comes_first_then_its_issuer(exercise, good, now, tmp_path):
    leaf, issuers = chain_of(exercise, good, now)
    chain, key = exercise.save(tmp_path, leaf, issuers)
    assert (chain, key) == (tmp_path / "chain.pem", tmp_path / "leaf.key"), "these are the names asked for"
    assert certificates_in(chain)[:2] == [leaf.certificate, issuers[0]], (
        "chain.pem begins with the server's own certificate; the next one is its issuer's"
    )


@pytest.mark.task(4, rule="RFC 8446 §4.4.2")
def test_the_root_is_not_sent(exercise, good, now, tmp_path):
    leaf, issuers = chain_of(exercise, good, now)
    chain, _ = exercise.save(tmp_path, leaf, issuers)
    assert issuers[1] not in certificates_in(chain), (
        "a root that the server sends proves nothing: a client without it has no reason to trust it"
    )


@pytest.mark.task(4, rule="RFC 5280 §9")
def test_the_key_file_is_made_with_mode_0600(exercise, good, now, tmp_path, monkeypatch, steps):
    # As if the power went off just before any chmod: the mode that a file is made with is the mode it has.
    for call in ("chmod", "fchmod"):
        monkeypatch.setattr(os, call, lambda *arguments, **options: steps.note("chmod: too late"))
    leaf, issuers = chain_of(exercise, good, now)
    mask = os.umask(0)
    try:
        _, key = exercise.save(tmp_path, leaf, issuers)
    finally:
        os.umask(mask)
    mode = stat.S_IMODE(key.stat().st_mode)
    made = f"{mode:04o}"
    assert made == "0600", f"leaf.key must be made with mode 0600; this one was made with {made}"


@pytest.mark.task(4, rule="RFC 7468 §10")
def test_a_server_can_load_both_files(exercise, good, now, tmp_path):
    leaf, issuers = chain_of(exercise, good, now)
    chain, key = exercise.save(tmp_path, leaf, issuers)
    assert b"-----BEGIN PRIVATE KEY-----" in key.read_bytes(), "leaf.key is PEM, PKCS #8, not encrypted"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
    except ssl.SSLError as error:
        pytest.fail(f"OpenSSL cannot load them: {error.reason}")


# -- task 5: ask a client for its exact verdict ------------------------------------------------------

OF_ALL_KINDS = (
    "expired", "not yet valid", "wrong host", "wrong IP", "self-signed leaf", "missing intermediate",
    "untrusted root, sent", "path length", "tampered",
)  # fmt: skip


@pytest.mark.task(5, rule="RFC 8446 §4.4.2.4")
def test_a_good_chain_is_accepted(exercise, good, now, tmp_path):
    chain, key, root = on_disk(tmp_path, breakage.intact(good["hierarchy"], now), good["root"])
    with exercise.serving(chain, key) as server:
        said = exercise.ask(server.address, "localhost", ssl.create_default_context(cafile=root))
    assert said == exercise.Verdict(0, "accepted"), f"nothing is wrong with this chain, but: {said}"
    assert server.told == ["accepted"], f"the server was told {server.told}"


@pytest.mark.task(5, rule="RFC 5280 §6.1")
@pytest.mark.parametrize("name", OF_ALL_KINDS)
def test_each_refusal_comes_with_its_exact_code_and_words(exercise, good, now, tmp_path, steps, name):
    row = next(row for row in breakage.BREAKAGES if row.name == name)
    steps.note(f"{row.wrong} ({row.rule})")
    chain, key, root = on_disk(tmp_path, row.make(good["hierarchy"], now), good["root"])
    with exercise.serving(chain, key) as server:
        said = exercise.ask(server.address, row.host, ssl.create_default_context(cafile=root))
    assert said.code == row.default, f"the verify code is {row.default}, not {said.code}"
    assert said.message and "_ssl.c" not in said.message, "the message is verify_message, in plain words"


@pytest.mark.task(5, rule="RFC 9525 §6.1")
def test_the_name_checked_is_the_host_and_not_the_address(exercise, good, now, tmp_path):
    row = next(row for row in breakage.BREAKAGES if row.name == "wrong host")
    chain, key, root = on_disk(tmp_path, row.make(good["hierarchy"], now), good["root"])
    with exercise.serving(chain, key) as server:
        said = exercise.ask(server.address, "other.localhost", ssl.create_default_context(cafile=root))
    assert said.code == 0, f"asked for by its own name, this leaf is good, but: {said}"


@pytest.mark.task(5, rule="RFC 8446 §6.2")
def test_a_refused_connection_is_raised_and_is_no_verdict(exercise):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # bound, but not listening: the connection is refused
        try:
            said = exercise.ask(deaf.getsockname(), "localhost", ssl.create_default_context())
        except ConnectionRefusedError:
            return
    pytest.fail(f"no server listened, so no certificate was shown; but the verdict was {said}")


@pytest.mark.task(5, rule="RFC 8446 §6.1")
def test_no_socket_stays_open(exercise, good, now, tmp_path):
    chain, key, root = on_disk(tmp_path, breakage.intact(good["hierarchy"], now), good["root"])
    gc.collect()
    with exercise.serving(chain, key) as server, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        exercise.ask(server.address, "localhost", ssl.create_default_context(cafile=root))
        with contextlib.suppress(ssl.SSLError):
            exercise.ask(server.address, "127.0.0.9", ssl.create_default_context(cafile=root))
        gc.collect()
    left = [str(one.message) for one in warned if issubclass(one.category, ResourceWarning)]
    assert not left, f"a socket was left to the garbage collector: {left[0]}"


# -- task 6: take a certificate back -----------------------------------------------------------------


def two_leaves(good, now):
    return [issue.issue(issue.leaf_profile(now), good["hierarchy"].intermediate) for _ in range(2)]


@pytest.mark.task(6, rule="RFC 5280 §5.1")
def test_the_revocation_list_is_signed_by_the_issuer_and_current(exercise, good, now):
    revoked, _ = two_leaves(good, now)
    issuer = good["intermediate"]
    crl = exercise.revoke([revoked.certificate], issuer, now)
    assert crl.issuer == issuer.certificate.subject, "the list's issuer is the certificates' issuer"
    assert crl.is_signature_valid(issuer.certificate.public_key()), "signed with the issuer's key"
    assert crl.last_update_utc <= now < crl.next_update_utc, "good now, until the next one is due"
    assert crl.next_update_utc - now == exercise.LIST_LIFE, f"the next list is due in {exercise.LIST_LIFE}"
    assert_points_at(crl, issuer.certificate, "the list")
    extension(crl, x509.CRLNumber, "the list")


@pytest.mark.task(6, rule="RFC 5280 §5.1.2.6")
def test_the_revocation_list_has_every_serial_number_and_no_other(exercise, good, now):
    first, second = two_leaves(good, now)
    crl = exercise.revoke([first.certificate, second.certificate], good["intermediate"], now)
    listed = {entry.serial_number for entry in crl}
    assert listed == {first.certificate.serial_number, second.certificate.serial_number}, (
        "a certificate is named by its serial number, each revoked one once"
    )


def says(exercise, folder, good, leaf, crl):
    """The verdict of a client that asks, on a leaf and a list."""
    served = breakage.Served((leaf.certificate, good["intermediate"].certificate), leaf.key)
    chain, key, root = on_disk(folder, served, good["root"])
    (folder / "issuer.crl").write_bytes(issue.pem(crl))
    context = exercise.client_that_asks(root, folder / "issuer.crl")
    assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname, "all other checks stay on"
    with (
        exercise.serving(chain, key) as server,
        socket.create_connection(server.address, timeout=10) as plain,
    ):
        try:
            context.wrap_socket(plain, server_hostname="localhost").close()
        except ssl.SSLCertVerificationError as refusal:
            return refusal.verify_code
    return 0


@pytest.mark.task(6, rule="RFC 5280 §6.1.3 (a)(3)")
def test_a_client_that_checks_revocation_refuses_only_the_revoked_leaf(exercise, good, now, tmp_path, steps):
    revoked, other = two_leaves(good, now)
    crl = exercise.revoke([revoked.certificate], good["intermediate"], now)
    steps.note("the revoked leaf is shown")
    code = says(exercise, tmp_path / "revoked", good, revoked, crl)
    assert code == 23, f"a revoked certificate is refused with code 23, not {code}"
    steps.note("the other leaf of the same issuer is shown")
    code = says(exercise, tmp_path / "other", good, other, crl)
    assert code == 0, f"this one was not revoked, but the client refuses it with code {code}"


@pytest.mark.task(6, rule="RFC 5280 §6.3.3")
def test_a_client_that_checks_revocation_without_a_list_refuses(exercise, good, now, tmp_path):
    leaf, _ = two_leaves(good, now)
    foreign = breakage.hierarchy(now)
    elsewhere = issue.revoke(foreign.intermediate, [], now)
    code = says(exercise, tmp_path, good, leaf, elsewhere)
    assert code == 3, f"no list of this issuer: code 3 (unable to get certificate CRL), not {code}"
