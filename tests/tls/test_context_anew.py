"""A server's context is reloaded or made anew: a new certificate, new ticket keys, the old if it fails."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from netlab import Request, Response, Server
from netlab.tls import ConfigurationError, authority, server_context
from netlab.tls.context import ServerContext


@pytest.fixture(scope="module")
def minted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders, each with a chain and a key."""
    one, other = (tmp_path_factory.mktemp(name) for name in ("one", "other"))
    authority.mint(one)
    authority.mint(other)
    return one, other


@pytest.fixture
def live(minted: tuple[Path, Path], tmp_path: Path) -> Path:
    """A folder to change, filled from the first."""
    _use(minted[0], tmp_path)
    return tmp_path


def _use(source: Path, folder: Path) -> None:
    for name in ("chain.pem", "leaf.key"):
        shutil.copy(source / name, folder / name)


def _context(folder: Path, **options: object) -> ServerContext:
    return server_context(folder / "chain.pem", folder / "leaf.key", **options)  # type: ignore[arg-type]


def _meet(
    server: ssl.SSLContext, client: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[bytes, ssl.SSLSession | None, bool]:
    """A handshake in memory: the certificate, the ticket that the server gave, was it a resumption?"""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname="localhost", session=session)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [here, there]
    for _ in range(9):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert not waiting
    there.write(b"x")
    here.read(1)  # the tickets come before it
    return here.getpeercert(binary_form=True) or b"", here.session, bool(here.session_reused)


def _client() -> ssl.SSLContext:
    return ssl._create_unverified_context()


def test_a_reload_shows_the_new_certificate_and_keeps_the_tickets(
    live: Path, minted: tuple[Path, Path]
) -> None:
    context, client = _context(live), _client()
    old, session, _ = _meet(context, client)
    _use(minted[1], live)
    context.reload()
    new, _, _ = _meet(context, client)
    assert new != old
    assert _meet(context, client, session)[2], "a ticket from before is good"


WRONG = {
    "a key of another certificate": lambda live, other: shutil.copy(other / "leaf.key", live / "leaf.key"),
    "no key": lambda live, other: (live / "leaf.key").unlink(),
    "half a certificate": lambda live, other: (live / "chain.pem").write_text(
        "-----BEGIN CERTIFICATE-----\n"
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_reload_that_fails_leaves_the_context_as_it_was(
    live: Path, minted: tuple[Path, Path], wrong: str
) -> None:
    context, client = _context(live), _client()
    old, session, _ = _meet(context, client)
    WRONG[wrong](live, minted[1])
    with pytest.raises(ConfigurationError):
        context.reload()
    assert _meet(context, client)[0] == old
    assert _meet(context, client, session)[2]


def test_a_key_of_another_kind_needs_a_restart(live: Path) -> None:
    """OpenSSL would keep the old certificate beside it, and show that to some clients."""
    context = _context(live)
    context._kind = "RSA"
    with pytest.raises(ConfigurationError, match=r"another kind .*restart"):
        context.reload()


def test_the_kind_of_a_key_is_read_from_the_certificate(live: Path) -> None:
    key = serialization.load_pem_private_key((live / "leaf.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert _context(live)._kind == "an elliptic curve"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_context_made_anew_has_the_same_settings_and_new_ticket_keys(
    live: Path, version: ssl.TLSVersion
) -> None:
    context, client = _context(live, maximum=version, alpn=("a", "b")), _client()
    _, session, _ = _meet(context, client)
    assert _meet(context, client, session)[2]
    anew = context.remade()
    assert (anew.maximum_version, anew.protocols) == (version, (b"a", b"b"))
    _, session, _ = _meet(context, client)
    assert not _meet(anew, client, session)[2]


async def test_a_server_renews_its_ticket_keys(live: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def app(request: Request) -> Response:
        return Response(200)

    async with Server(app, tls=_context(live)) as server:
        before = server.tls
        server.renew_ticket_keys()
        assert server.tls is not before
        before = server.tls
        (live / "leaf.key").unlink()
        server.renew_ticket_keys()
        assert server.tls is before
        assert "ticket" in caplog.text
    async with Server(app) as server:
        server.renew_ticket_keys()
        server.reload_certificate()
        assert server.tls is None
