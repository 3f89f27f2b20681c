"""The page of `trace --html` in a real Chromium: every byte is there, lights up and explains itself."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from netlab.capture import Endpoint
from netlab.cli.tracing.page import HtmlTeller
from netlab.cli.tracing.streams import Stream
from netlab.tls.keylog import KeyLog
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Side
from tests.kit.pages import assert_valid, violations
from tests.tls.conversing import Wire, contexts, converse

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1200, "height": 900}},
    "dark": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 800}},
    "printed": {"viewport": {"width": 1200, "height": 900}},
}


def told(teller: HtmlTeller, number: int, wire: Wire) -> None:
    """Tell one conversation."""
    ends = Endpoint("127.0.0.1", 40_000 + number), Endpoint("127.0.0.1", 443)
    stream = Stream(number, *ends, Keyring(KeyLog(wire.log)), teller)
    stream.mark(Side.CLIENT, 0.5, "SYN")
    for n, (side, data) in enumerate(wire.sent):
        stream.feed(side, data, 1 + n / 1000)
    stream.mark(Side.CLIENT, 9.0, "FIN")
    stream.end()


@pytest.fixture(scope="module")
def wires() -> list[Wire]:
    """A connection of TLS 1.3, one that resumes it, one of TLS 1.2, and one whose keys are not known."""
    client, server = contexts()
    first = converse(client, server)
    old = converse(*contexts(ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-SHA256"))
    sealed = converse(*contexts())
    sealed.log = b""
    return [first, converse(client, server, first.session), old, sealed]


@pytest.fixture(scope="module")
def page(wires: list[Wire], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about them, as a file."""
    teller, path = HtmlTeller(), tmp_path_factory.mktemp("page") / "trace.html"
    for number, wire in enumerate(wires):
        told(teller, number, wire)
    teller.write(path)
    return path


@asynccontextmanager
async def opened(chromium: Any, path: Path, view: str) -> AsyncIterator[Any]:
    """The page in a window; a script that fails, or anything that is fetched, fails the test."""
    context = await chromium.new_context(**VIEWS[view])
    try:
        tab = await context.new_page()
        wrong: list[str] = []
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on(
            "request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None
        )
        await tab.goto(path.as_uri())
        if view == "printed":
            await tab.emulate_media(media="print")
        yield tab
        assert not wrong
    finally:
        await context.close()


async def test_every_byte_of_every_record_is_on_the_page(
    chromium: Any, page: Path, wires: list[Wire]
) -> None:
    """The buttons under "On the wire", read one after the other, are what each side sent."""
    async with opened(chromium, page, "light") as tab:
        shown = await tab.eval_on_selector_all(
            ".ladder > li",
            """all => all.filter(li => li.querySelector(".pane")).map(li => [li.className,
               [...li.querySelector(".pane").querySelectorAll(".f")].map(f => f.textContent).join(" ")])""",
        )
    for side in Side:
        sent = b"".join(data for wire in wires for whose, data in wire.sent if whose is side)
        assert bytes.fromhex("".join(text for kind, text in shown if kind == side.value)) == sent


async def test_pointing_at_a_field_says_what_it_means(chromium: Any, page: Path) -> None:
    async with opened(chromium, page, "light") as tab:
        await tab.locator("summary.rung").first.click()
        await tab.locator(".f[aria-label^='random']").first.hover()
        panel = await tab.locator("#panel").inner_text()
        assert "random: 32 bytes" in panel and "every connection gets other keys" in panel
        assert "bytes 11 to 42: 32 bytes" in panel
        assert await tab.locator(".on").count() == 2, "the field and its line are lit"


async def test_the_keyboard_reaches_every_field(chromium: Any, page: Path) -> None:
    async with opened(chromium, page, "light") as tab:
        await tab.locator("summary.rung").first.focus()
        await tab.keyboard.press("Enter")
        await tab.keyboard.press("Tab")  # the box of bytes
        await tab.keyboard.press("Tab")
        assert (await tab.locator("#panel").inner_text()).startswith("type: 0x16 handshake")
        await tab.keyboard.press("ArrowRight")
        assert (await tab.locator("#panel").inner_text()).startswith("legacy_record_version")
        await tab.keyboard.press("Tab")
        assert (await tab.locator("#panel").inner_text()).startswith("length")
        await tab.keyboard.press("End")
        focused = await tab.evaluate("document.activeElement.nextElementSibling")
        assert focused is None
        await tab.keyboard.press("Escape")
        assert await tab.locator(".on").count() == 0


async def test_a_screen_reader_hears_name_value_and_meaning(chromium: Any, page: Path) -> None:
    async with opened(chromium, page, "light") as tab:
        await tab.locator("summary.rung").first.click()
        field = tab.locator(".f[aria-label^='legacy_version']").first
        described = await field.get_attribute("aria-describedby")
        assert await field.get_attribute("aria-label") == "legacy_version: 0x0303 TLS 1.2"
        assert "Frozen at TLS 1.2" in await tab.locator(f"#{described}").text_content()


@pytest.mark.soak
@pytest.mark.parametrize("view", VIEWS)
async def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(
    chromium: Any, page: Path, view: str
) -> None:
    async with opened(chromium, page, view) as tab:
        await tab.locator("summary.rung").nth(2).click()
        await tab.locator("summary.rung").nth(4).click()
        assert await violations(tab) == []
        wide = await tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0


async def test_printing_unfolds_every_record(chromium: Any, page: Path) -> None:
    async with opened(chromium, page, "printed") as tab:
        await tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert await tab.locator("details:not([open])").count() == 0
        assert not await tab.locator("#panel").is_visible()


async def test_the_key_schedule_has_the_values_of_the_connection(
    chromium: Any, page: Path, wires: list[Wire]
) -> None:
    secrets = [line.split()[2] for line in KeyLog(wires[0].log).lines()]
    async with opened(chromium, page, "light") as tab:
        cards = await tab.locator("section").first.locator(".schedule").inner_text()
    shown = re.sub(r"\s", "", cards)
    assert sum(secret in shown for secret in secrets) >= 4
    assert "HandshakeSecret" in shown and "Onlyclientandserverknowit" in shown


async def test_what_is_not_decrypted_says_why(chromium: Any, page: Path) -> None:
    async with opened(chromium, page, "light") as tab:
        section = tab.locator("section").nth(3)
        assert "the key log has no" in await section.locator(".problem").first.text_content()


async def test_hostile_text_is_no_markup(tmp_path: Path, chromium: Any) -> None:
    """A server name, an ALPN name and a header with tags in them."""
    client, server = contexts()
    client.set_alpn_protocols(["<img src=x onerror=1>"])
    wire = converse(client, server)
    teller = HtmlTeller()
    told(teller, 0, wire)
    path = tmp_path / "hostile.html"
    teller.write(path)
    assert "<img" not in path.read_text()
    async with opened(chromium, path, "light") as tab:
        assert await tab.locator("img").count() == 0


@pytest.mark.soak
async def test_a_validator_finds_no_error(page: Path) -> None:
    """The Nu checker; its CSS part does not know color-scheme yet."""
    assert_valid(page)
