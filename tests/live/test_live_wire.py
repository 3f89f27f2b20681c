"""The board of the wire: its lanes and figures are what the server and the kernel say."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

import netlab
from netlab.live.board import Refused
from netlab.live.boards import wire
from netlab.live.watched import watched
from tests.kit.waiting import until

from .opened import opened_board

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_requests_on_the_page_are_those_that_the_server_has_counted(opened: Callable[..., Any]) -> None:
    async with opened("wire") as board:
        await board.start(server="netlab", clients=3, requests=4, pause=0)
        feed = board.lane.feed.values
        await until(lambda: feed.get("clients") is not None and feed["figures"]["requests"] == 12)
        assert feed["clients"] == {"connected": 3, "answered": 12, "failed": 0}
        async with (
            netlab.Session() as session,
            session.get(f"http://{feed['tap']['server']}/stats") as answer,
        ):
            counted = await answer.json()
        assert counted["requests"] == 12 + 1, "the question itself is the thirteenth"
        await board.tab.locator(".figures div", has_text="Requests").filter(has_text="12").first.wait_for()
        lanes = [feed[f"lane/{number}"] for number in (1, 2, 3)]
        assert [lane["note"] for lane in lanes] == ["the client closed (FIN) while idle"] * 3
        kinds = {kind for lane in lanes for _, _, kind, _ in lane["spans"]}
        assert kinds == {"syn", "connect", "request", "response", "idle", "close"}
        pid = feed["tap"]["pid"]
        await board.tab.locator("#stop").click()
        await board.ended("stopped")
        assert not os.path.exists(f"/proc/{pid}")


@pytest.mark.soak
async def test_a_lane_that_is_chosen_shows_the_servers_descriptor(opened: Callable[..., Any]) -> None:
    async with opened("wire") as board:
        await board.start(server="netlab-tls", clients=1, requests=2, pause=5)
        await board.tab.locator(".lane").first.focus()
        await board.tab.keyboard.press("Enter")
        feed = board.lane.feed.values
        await until(lambda: "detail" in feed and feed["detail"]["held"].get("fd") is not None)
        held = feed["detail"]["held"]
        assert held["state"] == "ESTABLISHED"
        assert os.readlink(f"/proc/{held['pid']}/fd/{held['fd']}").startswith("socket:")
        assert feed["detail"]["agreed"]["Version"] == "TLS 1.3"
        shown = board.tab.locator(".figures div", has_text="Descriptor in the server")
        await shown.filter(has_text=f"{held['fd']} of process {held['pid']}").wait_for()
        await board.tab.locator(".rung summary").first.click()
        await board.tab.locator(".f[aria-label^='random']").wait_for()


@pytest.mark.soak
async def test_any_command_that_listens_can_be_watched(
    chromium: Any, site_of: Callable[..., Any], tmp_path: Any
) -> None:
    (tmp_path / "page.txt").write_text("hello")
    command = (
        sys.executable,
        "-m",
        "http.server",
        "--bind",
        "127.0.0.1",
        "--directory",
        str(tmp_path),
        "{port}",
    )
    async with (
        site_of(wire.board(command)) as (site, address, _),
        opened_board(chromium, site, address, "wire") as board,
    ):
        await board.start(clients=2, requests=1, pause=0)
        feed = board.lane.feed.values
        await until(lambda: all("closed" in feed.get(f"lane/{n}", {"note": ""})["note"] for n in (1, 2)))
        note = feed["lane/1"]["note"]
        assert note.endswith("closed (FIN) while idle"), "it speaks HTTP/1.0: both sides close at once"


async def test_a_command_that_ends_is_refused_with_its_last_words() -> None:
    with pytest.raises(Refused, match="ended before it listened: no such thing"):
        async with watched([sys.executable, "-c", "raise SystemExit('no such thing')"]):
            pass
    await asyncio.sleep(0)


async def test_a_command_that_cannot_start_is_refused() -> None:
    with pytest.raises(Refused, match="cannot start /no/such/server"):
        async with watched(["/no/such/server"]):
            pass
