"""netlab.tls.breakage: each broken chain is refused for its own reason, by its exact verify code."""

from __future__ import annotations

import re
import ssl
from collections import Counter
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tls_loopback import connect, serving

from netlab.tls import breakage
from netlab.tls.breakage import BREAKAGES, FORMALITIES, WEAK_SERVER, Breakage
from netlab.tls.context import client_context, server_context

EVERY_ROW = pytest.mark.parametrize("row", BREAKAGES + FORMALITIES, ids=lambda row: row.name)


def test_the_table_has_every_way_and_each_name_once() -> None:
    names = [row.name for row in BREAKAGES]
    assert names == [
        "expired", "not yet valid", "wrong host", "wrong IP", "self-signed leaf", "missing intermediate",
        "untrusted root", "revoked", "weak key", "SHA-1 signature", "no SAN", "name constraint", "wrong EKU",
        "path length", "signed by a leaf", "tampered",
    ]  # fmt: skip
    # A name that is wrong and a name that is missing are one reason; every other row has its own.
    assert {code for code, count in Counter(row.hardened for row in BREAKAGES).items() if count > 1} == {62}


def test_the_control_is_accepted_by_both_clients(laid_out) -> None:
    files = laid_out(breakage.intact)
    with serving(server_context(files.chain, files.key)) as server:
        for context in (ssl.create_default_context(cafile=files.root), client_context(files.root)):
            assert connect(server.port, context).code == 0


@EVERY_ROW
def test_each_breakage_has_its_exact_verify_code(row: Breakage, laid_out) -> None:
    files = laid_out(row.make)
    with serving(server_context(files.chain, files.key, ciphers=WEAK_SERVER)) as server:
        default = connect(server.port, ssl.create_default_context(cafile=files.root), row.host)
        hardened = connect(server.port, client_context(files.root, crls=files.crls), row.host)
    assert (default.code, hardened.code) == (row.default, row.hardened), (default, hardened)
    assert hardened.message, "a refusal gives its reason"
    # What the server is told: an alert, unless the client found nothing wrong.
    assert [("ALERT" in str(told)) for told in server.seen] == [row.default != 0, True]


@EVERY_ROW
def test_openssl_verify_agrees(row: Breakage, laid_out, tool) -> None:
    """An independent program reads the same files. It still takes a common name for a name."""
    files = laid_out(row.make)
    host = ["-verify_ip" if row.host[0].isdigit() else "-verify_hostname", row.host]
    crl = [option for path in files.crls for option in ("-crl_check", "-CRLfile", path)]
    done = tool(
        "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-auth_level", 2, *host, *crl,
        "-CAfile", files.root, "-untrusted", files.chain, files.chain,
    )  # fmt: skip
    found = re.search(r"^error (\d+) at", done.stdout + done.stderr, re.MULTILINE)
    assert (int(found[1]) if found else 0) == (0 if row.name == "no SAN" else row.hardened), done.stderr


@EVERY_ROW
def test_only_a_weak_chain_is_refused_by_the_server_itself(row: Breakage, laid_out) -> None:
    files = laid_out(row.make)
    try:
        server_context(files.chain, files.key)
        refused = False
    except ValueError:
        refused = True
    assert refused is (row.name in ("weak key", "SHA-1 signature"))


def test_a_revoked_certificate_is_good_to_whoever_does_not_ask(laid_out) -> None:
    row = next(row for row in BREAKAGES if row.name == "revoked")
    files = laid_out(row.make)
    with serving(server_context(files.chain, files.key)) as server:
        assert connect(server.port, client_context(files.root)).code == 0
        assert connect(server.port, client_context(files.root, crls=files.crls)).code == 23


# -- the surgery ------------------------------------------------------------------------------------


def test_the_sha_1_signature_is_a_true_signature(now: datetime) -> None:
    """It must be refused because it is weak, and not because it is wrong."""
    good = breakage.hierarchy(now)
    leaf = breakage.intact(good, now).chain[0]
    weak = breakage.signed_with_sha1(leaf, good.intermediate.key)
    assert isinstance(weak.signature_hash_algorithm, hashes.SHA1)
    key = good.intermediate.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(weak.signature, weak.tbs_certificate_bytes, ec.ECDSA(hashes.SHA1()))
    assert (weak.serial_number, weak.subject) == (leaf.serial_number, leaf.subject)
    assert list(weak.extensions) == list(leaf.extensions)


def test_the_surgery_needs_an_elliptic_curve(now: datetime) -> None:
    good = breakage.hierarchy(now)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(ValueError, match="elliptic curve"):
        breakage.signed_with_sha1(good.root.certificate, key)


def test_the_tampered_one_differs_in_its_date_alone(now: datetime) -> None:
    good = breakage.hierarchy(now)
    leaf = breakage.intact(good, now).chain[0]
    forged = breakage.extended_by_hand(leaf)
    assert forged.not_valid_after_utc.year == leaf.not_valid_after_utc.year + 4
    assert (forged.signature, forged.serial_number) == (leaf.signature, leaf.serial_number)
    leaf.verify_directly_issued_by(good.intermediate.certificate)
    with pytest.raises(InvalidSignature):
        forged.verify_directly_issued_by(good.intermediate.certificate)


def test_lengths_of_der_values_are_written_as_x_690_says(now: datetime) -> None:
    for size in (0, 127, 128, 255, 256, 65535, 65536):
        value = breakage._der(0x30, b"x" * size)
        assert breakage._content(value) == b"x" * size
    assert breakage._der(0x30, b"x" * 127)[:2] == b"\x30\x7f"
    assert breakage._der(0x30, b"x" * 128)[:3] == b"\x30\x81\x80"
    assert breakage._der(0x30, b"x" * 256)[:4] == b"\x30\x82\x01\x00"
    whole = breakage.hierarchy(now).root.certificate.tbs_certificate_bytes
    assert breakage._der(0x30, breakage._content(whole)) == whole


def test_a_crl_names_what_it_revokes_and_is_signed(now: datetime) -> None:
    good = breakage.hierarchy(now)
    row = next(row for row in BREAKAGES if row.name == "revoked")
    served = row.make(good, now)
    assert served.crl is not None
    assert served.crl.is_signature_valid(good.intermediate.certificate.public_key())  # type: ignore[arg-type]
    entry = served.crl.get_revoked_certificate_by_serial_number(served.chain[0].serial_number)
    assert entry is not None and entry.extensions.get_extension_for_class(x509.CRLReason)
