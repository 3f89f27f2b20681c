"""netlab.tls.context: what the two contexts allow, and how each mistake is told."""

from __future__ import annotations

import builtins
import shutil
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from netlab.tls import breakage, issue
from netlab.tls.authority import Certificates
from netlab.tls.context import ConfigurationError, Verify, client_context, server_context
from tests.tls.tls_loopback import connect, serving

# -- what is spoken ---------------------------------------------------------------------------------


def test_the_two_contexts_speak_tls_1_3_and_http_1_1(certificates: Certificates) -> None:
    with serving(server_context(certificates.chain, certificates.leaf_key)) as server:
        seen = connect(server.port, client_context(certificates.root))
    assert (seen.version, seen.alpn, server.seen) == ("TLSv1.3", "http/1.1", ["http/1.1"])


def test_tls_1_2_has_forward_secrecy_and_an_aead(certificates: Certificates) -> None:
    """RFC 9325 §4.2."""
    context = server_context(certificates.chain, certificates.leaf_key, maximum=ssl.TLSVersion.TLSv1_2)
    names = {cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"}
    assert names
    for name in names:
        assert name.startswith("ECDHE-") and ("GCM" in name or "POLY1305" in name), name
    with serving(context) as server:
        seen = connect(server.port, client_context(certificates.root))
    assert seen.version == "TLSv1.2" and seen.cipher in names


def test_both_sides_refuse_what_is_older_than_tls_1_2(certificates: Certificates) -> None:
    for context in (
        server_context(certificates.chain, certificates.leaf_key),
        client_context(certificates.root),
    ):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.security_level == 2
        assert context.options & ssl.OP_NO_COMPRESSION


def test_the_server_decides_and_never_renegotiates(certificates: Certificates) -> None:
    options = server_context(certificates.chain, certificates.leaf_key).options
    assert options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert options & ssl.OP_NO_RENEGOTIATION
    assert options & ssl.OP_IGNORE_UNEXPECTED_EOF  # a bare FIN ends a request, and is no failure


def test_the_client_checks_chain_and_name_to_the_letter(certificates: Certificates) -> None:
    context = client_context(certificates.root)
    assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname
    assert context.verify_flags & ssl.VERIFY_X509_STRICT
    assert not context.hostname_checks_common_name


def test_a_client_without_a_ca_trusts_the_system_and_so_not_us(certificates: Certificates) -> None:
    with serving(server_context(certificates.chain, certificates.leaf_key)) as server:
        assert connect(server.port, client_context()).code == 20
    assert server.seen == ["TLSV1_ALERT_UNKNOWN_CA"]


def test_verify_nothing_accepts_anyone(certificates: Certificates) -> None:
    with serving(server_context(certificates.chain, certificates.leaf_key)) as server:
        assert connect(server.port, client_context(verify=Verify.NOTHING), "example.com").code == 0


def test_other_protocols_may_be_offered_or_none(certificates: Certificates) -> None:
    chain, key = certificates.chain, certificates.leaf_key
    with serving(server_context(chain, key, alpn=("acme-tls/1", "http/1.1"))) as server:
        assert connect(server.port, client_context(certificates.root)).alpn == "http/1.1"
    with serving(server_context(chain, key, alpn=())) as server:
        assert connect(server.port, client_context(certificates.root)).alpn is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("tickets", [0, 1, 2])
def test_tickets_may_be_turned_off(certificates: Certificates, version: ssl.TLSVersion, tickets: int) -> None:
    context = server_context(certificates.chain, certificates.leaf_key, tickets=tickets, maximum=version)
    with serving(context) as server:
        assert connect(server.port, client_context(certificates.root)).ticket is (tickets > 0)


# -- the key log ------------------------------------------------------------------------------------


def test_a_key_log_is_for_its_owner_alone(certificates: Certificates, tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    context = server_context(certificates.chain, certificates.leaf_key, keylog=log)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    with serving(context) as server:
        connect(server.port, client_context(certificates.root))
    labels = {line.split()[0] for line in log.read_text().splitlines() if not line.startswith("#")}
    assert {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"} <= labels


def test_a_key_log_is_appended_to(certificates: Certificates, tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    log.write_text("# kept\n")
    client_context(certificates.root, keylog=log)
    assert log.read_text().startswith("# kept\n")


# -- mistakes ---------------------------------------------------------------------------------------


def mistakes_of(*arguments: object, **settings: object) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        server_context(*arguments, **settings)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value), "a mistake is one line"
    assert all(mistake.repair for mistake in caught.value.mistakes)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_all_mistakes_are_told_at_once(certificates: Certificates, tmp_path: Path) -> None:
    told = mistakes_of(
        tmp_path / "none.pem",
        certificates.root,
        minimum=ssl.TLSVersion.TLSv1_1,
        alpn="http/1.1",
        ciphers="ROT13",
        tickets=-1,
        keylog=tmp_path / "no" / "such" / "folder",
    )
    expected = [
        "no such certificate file",
        "swapped",
        "RFC 8996",
        "not a list",
        "ROT13",
        "key log",
        "tickets=-1",
    ]
    assert len(told) == len(expected)
    for text in expected:
        assert any(text in line for line in told), (text, told)


def test_no_version_left_is_a_mistake(certificates: Certificates) -> None:
    settings = {"minimum": ssl.TLSVersion.TLSv1_3, "maximum": ssl.TLSVersion.TLSv1_2}
    (told,) = mistakes_of(certificates.chain, certificates.leaf_key, **settings)
    assert "maximum=TLSv1_2: older than the minimum, TLSv1_3" in told


@pytest.mark.parametrize("name", ["", "x" * 256, "h²"])
def test_an_alpn_name_has_1_to_255_octets(certificates: Certificates, name: str) -> None:
    (told,) = mistakes_of(certificates.chain, certificates.leaf_key, alpn=[name])
    assert "RFC 7301" in told


def test_a_key_of_another_certificate_is_told(certificates: Certificates) -> None:
    (told,) = mistakes_of(certificates.chain, certificates.root_key)
    assert told.startswith(f"{certificates.root_key}: this key does not belong to the first certificate of ")
    assert "minted together" in told


def test_a_key_of_another_kind_is_told(certificates: Certificates, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    other = tmp_path / "rsa.key"
    other.write_bytes(issue.key_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    (told,) = mistakes_of(certificates.chain, other)
    assert told.startswith(f"{other}: this key does not belong")


def test_the_root_first_in_the_chain_is_told(certificates: Certificates, tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(certificates.intermediate.read_bytes() + certificates.leaf.read_bytes())
    (told,) = mistakes_of(chain, certificates.leaf_key)
    assert "the server's own certificate comes first" in told


@pytest.mark.parametrize("style", ["PKCS8", "TraditionalOpenSSL"])
def test_an_encrypted_key_is_told_and_no_passphrase_is_asked_for(
    certificates: Certificates, tmp_path: Path, style: str
) -> None:
    key = serialization.load_pem_private_key(certificates.leaf_key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            getattr(serialization.PrivateFormat, style),
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    (told,) = mistakes_of(certificates.chain, locked)
    assert "encrypted" in told and f"openssl pkey -in {locked}" in told


def test_a_folder_garbage_and_half_a_file_are_told(certificates: Certificates, tmp_path: Path) -> None:
    (told,) = mistakes_of(tmp_path, certificates.leaf_key)
    assert told.startswith(f"{tmp_path}: a folder")
    garbage = tmp_path / "garbage.pem"
    garbage.write_bytes(bytes(range(256)))
    (told,) = mistakes_of(garbage, certificates.leaf_key)
    assert "holds no PEM block, not a certificate" in told
    half = tmp_path / "half.pem"
    half.write_bytes(certificates.chain.read_bytes()[:200])
    (told,) = mistakes_of(half, certificates.leaf_key)
    assert str(half) in told and "OpenSSL cannot load" in told


def test_a_file_that_may_not_be_read_is_told(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(path: Path, *arguments: object, **settings: object) -> object:
        if path == certificates.leaf_key:
            raise PermissionError(13, "Permission denied")
        return builtins.open(path, *arguments, **settings)  # type: ignore[call-overload]

    # Tests may run as root, to whom nothing is forbidden: so the refusal is played.
    monkeypatch.setattr("netlab.tls.context.open", deny, raising=False)
    (told,) = mistakes_of(certificates.chain, certificates.leaf_key)
    assert "you may not read this private key" in told and "ls -l" in told


@pytest.mark.parametrize(
    ("name", "reason"),
    [("weak key", "key is too weak"), ("SHA-1 signature", "broken hash")],
)
def test_a_weak_chain_is_refused_before_any_client_sees_it(laid_out, name: str, reason: str) -> None:
    row = next(row for row in breakage.BREAKAGES if row.name == name)
    _, files = laid_out(row.make)
    (told,) = mistakes_of(files.chain, files.key)
    assert told.startswith(f"{files.chain}: ") and reason in told


def test_a_client_is_told_about_its_files_too(certificates: Certificates, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client_context(certificates.leaf_key, crls=[tmp_path / "none.crl", certificates.root])
    told = [str(mistake) for mistake in caught.value.mistakes]
    assert "holds a private key, not a certificate" in told[0]
    assert "no such revocation list file" in told[1]
    assert "holds a certificate, not a revocation list" in told[2]
    half = tmp_path / "half.pem"
    half.write_bytes(certificates.root.read_bytes()[:200])
    with pytest.raises(ConfigurationError, match="OpenSSL cannot load this certificate"):
        client_context(half)


def test_a_crl_of_another_issuer_does_not_do(certificates: Certificates, laid_out) -> None:
    """Asked to look for revocations, a client refuses when it cannot (code 3: no CRL of this issuer)."""
    _, foreign = laid_out(next(row.make for row in breakage.BREAKAGES if row.name == "revoked"))
    with serving(server_context(certificates.chain, certificates.leaf_key)) as server:
        assert connect(server.port, client_context(certificates.root, crls=foreign.crls)).code == 3


def test_a_context_costs_no_cryptography() -> None:
    """A server must not pay the memory of what only minting needs."""
    program = (
        "import sys, netlab.tls; netlab.tls.server_context; netlab.tls.ConfigurationError; "
        "sys.exit(any(name.split('.')[0] in ('cryptography', 'psutil') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode == 0


def test_the_package_knows_its_public_names() -> None:
    import netlab.tls

    for name in netlab.tls.__all__:
        assert getattr(netlab.tls, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'padlock'"):
        netlab.tls.padlock  # noqa: B018


def test_paths_may_be_text(certificates: Certificates, tmp_path: Path) -> None:
    copy = shutil.copy(certificates.chain, tmp_path)
    server_context(str(copy), str(certificates.leaf_key))
    client_context(str(certificates.root))
