"""netlab.tls.breakage: each broken chain is refused for its own reason, with its exact code, words, alert."""

from __future__ import annotations

import re
import ssl
from collections import Counter
from datetime import datetime

import pytest
from cryptography import x509

from netlab.tls import cases
from netlab.tls.breakage import ACCEPTED, BREAKAGES, FAILURES, FORMALITIES, Breakage, Failure, Hierarchy
from netlab.tls.context import ConfigurationError, server_context
from tests.tls.tls_in_memory import shake_hands

REFUSED = BREAKAGES + FORMALITIES


def named(row: Breakage | Failure) -> str:
    return row.name


EVERY_ROW = pytest.mark.parametrize("row", REFUSED + ACCEPTED, ids=named)
EVERY_REFUSAL = pytest.mark.parametrize("row", REFUSED, ids=named)


def test_each_name_stands_once_and_each_reason_has_the_rows_it_should() -> None:
    names = [row.name for row in (*REFUSED, *ACCEPTED, *FAILURES)]
    assert len(names) == len(set(names))
    several = {code: count for code, count in Counter(row.hardened for row in REFUSED).items() if count > 1}
    # A leaf, an intermediate and a root expire alike. There are three ways to miss a name. An issuer that was
    # not sent looks like one that is unknown. An issuer is no CA if it denies it, and if it is silent.
    assert several == {10: 3, 62: 3, 20: 2, 79: 2}


@EVERY_ROW
def test_each_chain_has_its_exact_code_words_and_alert(row: Breakage, laid_out) -> None:
    served, files = laid_out(row.make)
    server = cases.server_side(served, files)
    client, told = shake_hands(cases.netlab_client(files), server, row.host)
    assert (client.code, client.message, told.alert) == (row.hardened, row.message, row.alert)
    default, told = shake_hands(cases.python_client(files), server, row.host)
    assert default.code == row.default, default
    assert bool(told.alert) is bool(row.default), "a server is told of a refusal, and of nothing else"


@pytest.mark.parametrize("row", [row for row in FAILURES if row.client], ids=named)
def test_each_failed_handshake_has_its_exact_reason_on_both_sides(row: Failure, laid_out) -> None:
    served, files = laid_out(row.make)
    server = cases.server_side(served, files)
    for client in (cases.netlab_client(files), cases.python_client(files)):
        asked, answered = shake_hands(client, server, row.host)
        assert (asked.reason, answered.reason, answered.code) == (row.client, row.server, row.code)


@pytest.mark.parametrize("row", [row for row in FAILURES if not row.client], ids=named)
def test_a_server_does_not_load_a_key_of_another_certificate(row: Failure, laid_out) -> None:
    served, files = laid_out(row.make)
    with pytest.raises(ConfigurationError, match="this key does not belong to the first certificate"):
        cases.server_side(served, files)
    with pytest.raises(ssl.SSLError) as refusal:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.chain, files.key)
    assert refusal.value.reason == row.server


# Where `openssl verify` reads otherwise. It takes a common name for a name. And it says several times that an
# issuer is no authority: 79 invalid CA, 26 unfit as a server's CA, 32 and 82 by its KeyUsage.
OPENSSL = {"no SAN": set(), "signed by a leaf": {79, 26, 32}, "no BasicConstraints": {79, 82}}


@EVERY_ROW
def test_openssl_verify_finds_that_reason_and_no_other(row: Breakage, laid_out, tool) -> None:
    """An independent program reads the same files, and goes on behind an error to look for more."""
    _, files = laid_out(row.make)
    host = ["-verify_ip" if row.host[0].isdigit() else "-verify_hostname", row.host]
    crl = [option for path in files.crls for option in ("-crl_check", "-CRLfile", path)]
    done = tool(
        "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-auth_level", 2, *host, *crl,
        "-CAfile", files.root, "-untrusted", files.chain, files.chain,
    )  # fmt: skip
    found = {int(code) for code in re.findall(r"^error (\d+) at", done.stdout + done.stderr, re.MULTILINE)}
    assert found == OPENSSL.get(row.name, {row.hardened} - {0}), done.stderr


@EVERY_REFUSAL
def test_only_a_weak_chain_is_refused_by_the_server_itself(row: Breakage, laid_out) -> None:
    _, files = laid_out(row.make)
    try:
        server_context(files.chain, files.key)
        refused = False
    except ConfigurationError:
        refused = True
    assert refused is (row.name in ("weak key", "weak authority key", "SHA-1 signature"))


@pytest.mark.parametrize("name", ["revoked", "no revocation list", "expired revocation list"])
def test_a_client_that_does_not_ask_for_revocation_accepts(name: str, laid_out) -> None:
    served, files = laid_out(next(row for row in BREAKAGES if row.name == name).make)
    silent = cases.netlab_client(cases.Files(files.chain, files.key, files.root))
    assert shake_hands(silent, cases.server_side(served, files))[0].reason == ""


def test_tls_1_2_says_within_the_handshake_that_a_client_certificate_is_missing(laid_out) -> None:
    """In TLS 1.3 the client has finished by then, and hears it with its first read (RFC 8446 §4.4.2.4)."""
    served, files = laid_out(next(row for row in FAILURES if row.name == "missing client certificate").make)
    server = cases.server_side(served, files)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client, told = shake_hands(cases.python_client(files), server)
    assert (client.reason, told.reason) == (
        "SSLV3_ALERT_HANDSHAKE_FAILURE", "PEER_DID_NOT_RETURN_A_CERTIFICATE",
    )  # fmt: skip


def test_a_crl_names_what_it_revokes_and_is_signed(good: Hierarchy, now: datetime) -> None:
    row = next(row for row in BREAKAGES if row.name == "revoked")
    served = row.make(good, now)
    assert served.crl is not None
    assert served.crl.is_signature_valid(good.intermediate.certificate.public_key())  # type: ignore[arg-type]
    entry = served.crl.get_revoked_certificate_by_serial_number(served.chain[0].serial_number)
    assert entry is not None and entry.extensions.get_extension_for_class(x509.CRLReason)
