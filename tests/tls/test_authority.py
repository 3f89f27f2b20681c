"""netlab.tls.authority: what is minted, when it is renewed, and how it is kept."""

from __future__ import annotations

import ipaddress
import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from netlab.tls import authority, issue
from netlab.tls.authority import Certificates
from netlab.tls.context import client_context, server_context
from tests.tls.tls_loopback import connect, serving

DAY = timedelta(days=1)
NOW = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)
STAGES = ("root", "intermediate", "leaf")


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def extension(certificate: x509.Certificate, kind: type[Any]) -> tuple[Any, bool]:
    found = certificate.extensions.get_extension_for_class(kind)
    return found.value, found.critical


def contents(made: Certificates) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in made.root.parent.iterdir()}


# -- what stands in the certificates (RFC 5280 §4) --------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "is_authority", "path_length"),
    [("root", True, 1), ("intermediate", True, 0), ("leaf", False, None)],
)
def test_only_the_authorities_may_sign_and_only_so_deep(
    certificates: Certificates, stage: str, is_authority: bool, path_length: int | None
) -> None:
    """RFC 5280 §4.2.1.9 and §4.2.1.3: both extensions critical, and in agreement."""
    certificate = load(getattr(certificates, stage))
    constraints, critical = extension(certificate, x509.BasicConstraints)
    assert critical and (constraints.ca, constraints.path_length) == (is_authority, path_length)
    usage, critical = extension(certificate, x509.KeyUsage)
    assert critical and usage.key_cert_sign is usage.crl_sign is is_authority
    assert usage.digital_signature is not is_authority
    assert not usage.key_encipherment, "no client enciphers a pre-master secret any more"


@pytest.mark.parametrize(
    ("stage", "issuer"), [("root", "root"), ("intermediate", "root"), ("leaf", "intermediate")]
)
def test_each_one_names_its_own_key_and_its_issuers(
    certificates: Certificates, stage: str, issuer: str
) -> None:
    """RFC 5280 §4.2.1.1 and §4.2.1.2."""
    certificate, signer = load(getattr(certificates, stage)), load(getattr(certificates, issuer))
    certificate.verify_directly_issued_by(signer)
    own, _ = extension(certificate, x509.SubjectKeyIdentifier)
    assert own == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    mark, _ = extension(certificate, x509.AuthorityKeyIdentifier)
    assert mark.key_identifier == extension(signer, x509.SubjectKeyIdentifier)[0].digest


def test_the_leaf_is_a_server_on_this_machine(certificates: Certificates) -> None:
    leaf = load(certificates.leaf)
    names, _ = extension(leaf, x509.SubjectAlternativeName)
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    assert names.get_values_for_type(x509.IPAddress) == addresses
    purposes, _ = extension(leaf, x509.ExtendedKeyUsage)
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize("stage", STAGES)
def test_keys_are_on_p_256_signatures_over_sha_256_and_serials_random(
    certificates: Certificates, stage: str
) -> None:
    certificate = load(getattr(certificates, stage))
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    assert 64 <= certificate.serial_number.bit_length() <= 159  # RFC 5280 §4.1.2.2: 20 octets, positive


def test_the_chain_is_the_leaf_then_the_intermediate(certificates: Certificates) -> None:
    assert (
        certificates.chain.read_bytes()
        == certificates.leaf.read_bytes() + certificates.intermediate.read_bytes()
    )


def test_lives_are_such_that_no_certificate_outlives_its_issuer() -> None:
    left = authority.DUE_WHEN_LEFT
    assert issue.ROOT_LIFE * left > issue.INTERMEDIATE_LIFE
    assert issue.INTERMEDIATE_LIFE * left > issue.LEAF_LIFE


# -- what it is good for ----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_python_accepts_it_by_every_name(certificates: Certificates, host: str) -> None:
    with serving(server_context(certificates.chain, certificates.leaf_key)) as server:
        assert connect(server.port, client_context(certificates.root), host).code == 0


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_openssl_verifies_the_files_strictly(certificates: Certificates, tool, host: str) -> None:
    check = "-verify_hostname" if host == "localhost" else "-verify_ip"
    done = tool(
        "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-auth_level", 2, check, host,
        "-CAfile", certificates.root, "-untrusted", certificates.intermediate, certificates.leaf,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{certificates.leaf}: OK\n"), done.stderr


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_s_client_verifies_the_server(certificates: Certificates, tool, version: str) -> None:
    with serving(server_context(certificates.chain, certificates.leaf_key)) as server:
        done = tool(
            "openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", version, "-x509_strict",
            "-CAfile", certificates.root, "-verify_hostname", "localhost", "-verify_return_error",
            "-alpn", "http/1.1",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Verify return code: 0 (ok)" in done.stdout and "ALPN protocol: http/1.1" in done.stdout


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_curl_fetches_with_the_root(certificates: Certificates, tool, host: str) -> None:
    with serving(server_context(certificates.chain, certificates.leaf_key)) as server:
        url = f"https://{host}:{server.port}/"
        fetched = tool(
            "curl", "--silent", "--show-error", "--ipv4", "--noproxy", "*", "--cacert", certificates.root, url
        )
        assert (fetched.returncode, fetched.stdout) == (0, "hello"), fetched.stderr
        refused = tool("curl", "--silent", "--ipv4", "--noproxy", "*", url)
        assert refused.returncode == 60, "without the root, curl must refuse (CURLE_PEER_FAILED_VERIFICATION)"


def test_the_root_cannot_speak_for_a_bank(tmp_path: Path) -> None:
    """RFC 5280 §4.2.1.10: a thief of these keys can forge this machine and no other (verify code 47)."""
    made = authority.mint(tmp_path / "certs")
    key = serialization.load_pem_private_key(made.intermediate_key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    thief = issue.Issued(load(made.intermediate), key)
    profile = replace(issue.leaf_profile(datetime.now(UTC)), subject="bank.example", names=("bank.example",))
    forged = issue.issue(profile, thief)
    (tmp_path / "forged.pem").write_bytes(issue.pem(forged.certificate, thief.certificate))
    (tmp_path / "forged.key").write_bytes(issue.key_pem(forged.key))
    with serving(server_context(tmp_path / "forged.pem", tmp_path / "forged.key")) as server:
        assert connect(server.port, client_context(made.root), "bank.example").code == 47


# -- renewal, by an injected clock ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "renewed"),
    [
        (timedelta(0), ()),
        (19 * DAY, ()),
        (21 * DAY, ("leaf",)),
        (240 * DAY, ("leaf",)),
        (245 * DAY, ("intermediate", "leaf")),
        (2430 * DAY, ("intermediate", "leaf")),
        (2435 * DAY, STAGES),
        (-2 * DAY, ()),  # the clock is behind: the root is good for every machine whose clock is right
        (-4000 * DAY, ()),
    ],
)
def test_only_what_is_due_is_renewed(tmp_path: Path, later: timedelta, renewed: tuple[str, ...]) -> None:
    before = contents(made := authority.mint(tmp_path, now=NOW))
    again = authority.ensure(tmp_path, now=NOW + later)
    assert again.minted == renewed
    after = contents(made)
    for stage in STAGES:
        for name in (f"{stage}.pem", f"{stage}.key"):
            assert (before[name] != after[name]) is (stage in renewed), name
    assert after["chain.pem"] == after["leaf.pem"] + after["intermediate.pem"]


@pytest.mark.soak
def test_at_every_moment_of_twelve_years_the_chain_is_good(tmp_path: Path) -> None:
    made = authority.mint(tmp_path, now=NOW)
    roots = {made.root.read_bytes()}
    for week in range(12 * 52):
        moment = NOW + week * timedelta(weeks=1)
        if authority.ensure(tmp_path, now=moment).minted == ():
            continue
        roots.add(made.root.read_bytes())
        root, intermediate, leaf = (load(tmp_path / f"{stage}.pem") for stage in STAGES)
        for issuer, holder in ((root, root), (root, intermediate), (intermediate, leaf)):
            holder.verify_directly_issued_by(issuer)
            assert holder.not_valid_before_utc <= moment < holder.not_valid_after_utc
            assert holder.not_valid_after_utc <= issuer.not_valid_after_utc
    assert len(roots) == 2, "in twelve years the root changes once"


def test_mint_makes_all_anew(tmp_path: Path) -> None:
    before = contents(authority.mint(tmp_path, now=NOW))
    made = authority.mint(tmp_path, now=NOW)
    assert made.minted == STAGES
    assert all(content != before[name] for name, content in contents(made).items())


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        authority.ensure(tmp_path, now=datetime(2030, 1, 1))


def test_a_time_of_another_zone_is_understood(tmp_path: Path) -> None:
    from datetime import timezone

    made = authority.mint(tmp_path, now=NOW.astimezone(timezone(timedelta(hours=9))))
    assert load(made.leaf).not_valid_after_utc == NOW + issue.LEAF_LIFE


# -- damage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "renewed"),
    [
        ("root.key", ()),
        ("intermediate.pem", STAGES[1:]),
        ("intermediate.key", STAGES[1:]),
        ("leaf.pem", STAGES[2:]),
        ("leaf.key", STAGES[2:]),
        ("chain.pem", ()),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "garbage", "empty", "another's"])
def test_what_is_damaged_is_mended(tmp_path: Path, name: str, renewed: tuple[str, ...], damage: str) -> None:
    made = authority.mint(tmp_path / "certs", now=NOW)
    path = made.root.parent / name
    if damage == "missing":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(b"\xff not PEM \x00")
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        other = authority.mint(tmp_path / "other", now=NOW)
        path.write_bytes((other.root.parent / name).read_bytes())
    assert authority.ensure(made.root.parent, now=NOW).minted == renewed
    assert made.chain.read_bytes() == made.leaf.read_bytes() + made.intermediate.read_bytes()
    assert authority.ensure(made.root.parent, now=NOW).minted == ()


def test_a_write_that_is_cut_off_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(made := authority.mint(tmp_path, now=NOW))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(authority.os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            authority.ensure(tmp_path, now=NOW + 21 * DAY)
    assert contents(made) == before


def test_many_processes_at_once_agree(tmp_path: Path) -> None:
    program = (
        "import sys; from netlab.tls import authority; "
        "print(len(authority.ensure(sys.argv[1]).minted), flush=True)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "certs")]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    minted = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    assert sorted(minted) == ["0", "0", "3"], "one mints, the others find all well"


# -- keys -------------------------------------------------------------------------------------------


def test_keys_are_never_readable_by_others_not_for_an_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the most careless umask: looked at when the content is written, and again in the end."""
    seen: list[int] = []

    def look(descriptor: int) -> None:
        assert os.fstat(descriptor).st_size > 0
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))

    monkeypatch.setattr(authority.os, "fsync", look)
    mask = os.umask(0)
    try:
        made = authority.mint(tmp_path, now=NOW)
    finally:
        os.umask(mask)
    assert seen == [0o600] * 7
    for path in made.root.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if path.suffix == ".key" else 0o644), path.name


def test_a_key_that_was_loosened_is_tightened(tmp_path: Path) -> None:
    made = authority.mint(tmp_path, now=NOW)
    made.leaf_key.chmod(0o644)
    assert authority.ensure(tmp_path, now=NOW).minted == ()
    assert stat.S_IMODE(made.leaf_key.stat().st_mode) == 0o600


def test_a_good_folder_is_not_written_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.mint(tmp_path, now=NOW)
    monkeypatch.setattr(authority.tempfile, "mkstemp", lambda **_: pytest.fail("nothing is due"))
    authority.ensure(tmp_path, now=NOW)
