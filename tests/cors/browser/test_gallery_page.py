"""`netlab certs serve` in a real Chromium: its own error for each certificate, and the page with the list."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import netlab
from netlab.cli import gallery
from netlab.cli.gallery import Gallery, Row
from netlab.tls import authority, breakage
from tests.kit.pages import assert_valid, violations

pytestmark = pytest.mark.asyncio(loop_scope="session")

DATE, NAME, AUTHORITY = (f"ERR_CERT_{what}_INVALID" for what in ("DATE", "COMMON_NAME", "AUTHORITY"))
INVALID, CLIENT, MISMATCH = (
    "ERR_CERT_INVALID", "ERR_BAD_SSL_CLIENT_AUTH_CERT", "ERR_SSL_VERSION_OR_CIPHER_MISMATCH",
)  # fmt: skip

# What Chromium says to each row; those that are not named here it accepts. It checks no revocation below a
# private root, takes RSA with 1024 bits there, offers no Ed25519, and has no certificate of its own to show.
VERDICTS = {
    "Ed25519": MISMATCH, "client certificate": CLIENT,
    "expired": DATE, "not yet valid": DATE, "expired intermediate": DATE, "expired root": AUTHORITY,
    "wrong host": NAME, "wrong IP": NAME, "wildcard too deep": NAME, "no SAN": NAME,
    "self-signed leaf": AUTHORITY, "missing intermediate": AUTHORITY,
    "untrusted root, sent": AUTHORITY, "untrusted root, not sent": AUTHORITY,
    "SHA-1 signature": INVALID, "name not permitted": INVALID, "name excluded": INVALID,
    "wrong EKU": INVALID, "path length": INVALID, "signed by a leaf": INVALID,
    "no BasicConstraints": INVALID, "tampered": AUTHORITY,
    "stolen certificate": "ERR_SSL_PROTOCOL_ERROR", "no common cipher": MISMATCH,
    "missing client certificate": CLIENT, "expired client certificate": CLIENT,
    "server's certificate for a client": CLIENT,
}  # fmt: skip

VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 800}},
}


@contextlib.asynccontextmanager
async def showing(
    certificates: authority.Certificates, folder: Path, shown: Sequence[Row] | None = None
) -> AsyncIterator[tuple[Gallery, str]]:
    """The gallery below the root that this Chromium trusts, and the address of its page."""
    good, _ = gallery._authorities(certificates)
    app = Gallery(good, folder, shown=shown)
    await app.startup()
    try:
        async with netlab.Server(app) as server:
            yield app, server.url
    finally:
        await app.shutdown()


@contextlib.asynccontextmanager
async def window(chromium: Any, view: str = "light") -> AsyncIterator[Any]:
    context = await chromium.new_context(**VIEWS[view])
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def verdict(tab: Any, url: str) -> str:
    """Chromium's own error for an address, or "accepted"."""
    try:
        response = await tab.goto(url)
    except Exception as error:  # playwright's Error; its text begins with the method's name
        found = re.search(r"net::(ERR_\w+)", str(error))
        return found[1] if found else str(error)
    return "accepted" if response is not None and response.status == 200 else "no answer"


@pytest.mark.soak
async def test_chromium_says_its_own_error_to_each_certificate(
    chromium: Any, certificates: authority.Certificates, tmp_path: Path
) -> None:
    met = {}
    async with showing(certificates, tmp_path) as (app, _):
        for case in app.cases:
            if case.url is not None:
                async with window(chromium) as tab:
                    met[case.row.name] = await verdict(tab, case.url)
    for name, told in met.items():
        # In TLS 1.3 the request is on its way when the server refuses the client's certificate. If it comes
        # after the server's close, Chromium meets the reset and not the alert.
        if VERDICTS.get(name) == CLIENT and told == "ERR_SOCKET_NOT_CONNECTED":
            met[name] = CLIENT
    assert met == {name: VERDICTS.get(name, "accepted") for name in met}
    assert set(VERDICTS) <= set(met)


async def test_the_page_tells_by_itself_what_a_server_was_told(
    chromium: Any, certificates: authority.Certificates, tmp_path: Path
) -> None:
    expired = next(row for row in breakage.BREAKAGES if row.name == "expired")
    async with (
        showing(certificates, tmp_path, [breakage.CONTROL, expired]) as (app, url),
        window(chromium) as tab,
        window(chromium) as other,
    ):
        await tab.goto(url)
        link = await tab.get_by_role("link", name="expired", exact=True).get_attribute("href")
        assert link == app.cases[1].url
        assert await verdict(other, link) == DATE
        await tab.wait_for_function("document.getElementById('told-expired').textContent.endsWith('unknown')")
        # Chromium tells a server the same alert for every certificate that it refuses.
        assert (await tab.text_content("#told-expired")).endswith(" certificate unknown")
        assert await tab.text_content("#told-intact") == "no handshake yet"


@pytest.mark.soak
@pytest.mark.parametrize("view", VIEWS)
async def test_axe_finds_nothing_on_the_page_and_it_is_not_wider_than_the_window(
    chromium: Any, certificates: authority.Certificates, tmp_path: Path, view: str
) -> None:
    async with showing(certificates, tmp_path) as (_, url), window(chromium, view) as tab:
        await tab.goto(url)
        assert await violations(tab) == []
        assert await tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.soak
async def test_a_validator_finds_no_error_on_the_page(
    certificates: authority.Certificates, tmp_path: Path
) -> None:
    """The Nu checker; its CSS part does not know color-scheme yet."""
    async with showing(certificates, tmp_path) as (app, _):
        (tmp_path / "page.html").write_text(gallery.gallery_page.render(app.cases, app.root))
    assert_valid(tmp_path / "page.html")
