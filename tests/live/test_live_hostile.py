"""A hostile page in Chromium, on another origin, learns nothing and starts nothing, even with the token.

Its name is another, or one of its own that leads to loopback, as after DNS rebinding (*.localhost does).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import netlab
from netlab.tls.authority import Certificates
from netlab.tls.context import server_context

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<!doctype html><title>A hostile page</title><h1>Win a prize</h1>"

TRIES = """async address => {
  const told = {};
  const json = {"content-type": "application/json"};
  for (const [name, init] of Object.entries({
    read: {}, "read without cors": {mode: "no-cors"},
    start: {method: "POST", body: "{}", headers: json},
    "start without cors": {method: "POST", body: "{}", mode: "no-cors"},
  })) {
    try {
      const answer = await fetch(address + (init.method ? "/start" : ""), init);
      told[name] = answer.type === "opaque"
        ? "opaque" : `${answer.status} ${(await answer.text()).slice(0, 40)}`;
    } catch (error) { told[name] = "failed"; }
  }
  told.events = await new Promise(done => {
    const source = new EventSource(address.replace(/[^/]+$/, "events/$&"));
    source.onmessage = event => { source.close(); done(event.data); };
    source.onerror = () => { source.close(); done("failed"); };
  });
  return told;
}"""

FORM = """address => {
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action: address + "/start", enctype: "text/plain"});
  document.body.append(form);
  form.submit();
}"""


@contextlib.asynccontextmanager
async def hostile_page(chromium: Any, minted: Certificates) -> AsyncIterator[Any]:
    """A page of https://localhost:ANOTHER_PORT; certificate errors are passed over, for other names."""

    async def page(request: netlab.Request) -> netlab.Response:
        return netlab.Response(200, HOSTILE, {"content-type": "text/html"})

    async with netlab.Server(page, tls=server_context(minted.chain, minted.leaf_key)) as server:
        context = await chromium.new_context(ignore_https_errors=True)
        try:
            tab = await context.new_page()
            await tab.goto(f"https://localhost:{server.port}/")
            yield tab
        finally:
            await context.close()


@pytest.mark.soak
@pytest.mark.parametrize("knows_token", [True, False])
async def test_a_page_of_another_origin_reads_nothing_and_starts_nothing(
    knows_token: bool, chromium: Any, site_of: Callable[..., Any], minted: Certificates
) -> None:
    async with site_of() as (site, address, _), hostile_page(chromium, minted) as tab:
        target = address + "river"
        if not knows_token:
            target = target.replace(site.token, "a" * 22)
        told = await tab.evaluate(TRIES, target)
        assert told == {
            "read": "failed",
            "read without cors": "failed",  # cross-origin-resource-policy keeps even the opaque response
            "start": "failed",
            "start without cors": "failed",
            "events": "failed",
        }
        await tab.evaluate(FORM, target)
        await tab.wait_for_url("**/river/start")
        assert "the request's origin is" in await tab.locator("body").inner_text()
        lane = site.lanes["river"]
        assert lane.run is None and not lane.running and not lane.feed.pages


@pytest.mark.soak
async def test_a_name_that_was_rebound_to_loopback_is_misdirected(
    chromium: Any, site_of: Callable[..., Any], minted: Certificates
) -> None:
    """The page's own origin: scripts may read it all, so the Host field must stop it."""
    async with site_of() as (site, address, _), hostile_page(chromium, minted) as tab:
        rebound = address.replace("127.0.0.1", "evil.localhost")
        response = await tab.goto(rebound + "river")
        assert response.status == 421 and "DNS rebinding" in await tab.locator("body").inner_text()
        told = await tab.evaluate(TRIES, rebound + "river")
        assert told["read"].startswith("421") and told["start"].startswith("421")
        assert told["events"] == "failed"
        assert site.lanes["river"].run is None


@pytest.mark.soak
async def test_a_board_cannot_be_framed_by_a_page_of_another_origin(
    chromium: Any, site_of: Callable[..., Any], minted: Certificates
) -> None:
    async with site_of() as (_, address, _), hostile_page(chromium, minted) as tab:
        refused: list[str] = []
        tab.on("console", lambda message: refused.append(message.text))
        await tab.evaluate(
            "address => { const f = document.createElement('iframe'); f.src = address;"
            " document.body.append(f); return new Promise(done => {"
            " f.onload = done; setTimeout(done, 3000); }); }",
            address,
        )
        assert any("frame-ancestors" in text for text in refused), refused
