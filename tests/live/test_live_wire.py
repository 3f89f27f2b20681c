"""The board of the wire: its lanes and figures are what the server and the kernel say."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import netlab
from netlab.live.board import Refused
from netlab.live.boards import wire
from netlab.live.watched import silent, watched
from netlab.tls.tracing.keyring import Keyring
from tests.kit.waiting import until

from .opened import opened_board
from .running import experiment_of

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


def tap_of(open_ones: int, closed: int) -> Any:
    """A tap with so many lanes, the open ones first."""
    unused: Any = None
    relay: Any = SimpleNamespace(clock=SimpleNamespace(time=lambda: 0.0))
    tap = wire.Tap(unused, unused, relay, Keyring(), unused)
    lanes: Any = {
        n: SimpleNamespace(closed="" if n <= open_ones else "closed")
        for n in range(1, open_ones + closed + 1)
    }
    tap.lanes = lanes
    return tap


@pytest.mark.parametrize(
    ("open_ones", "closed", "first_kept"), [(0, 21, 1), (0, 40, 1), (0, 41, 2), (5, 40, 11), (40, 2, None)]
)
async def test_a_closed_lane_is_forgotten_only_when_there_are_too_many(
    open_ones: int, closed: int, first_kept: int | None
) -> None:
    tap = tap_of(open_ones, closed)
    tap.forget()
    assert len(tap.lanes) == min(wire.LANES, open_ones + closed)
    kept = [number for number, lane in tap.lanes.items() if lane.closed]
    assert (kept[0] if kept else None) == first_kept


@pytest.mark.soak
async def test_each_of_30_closed_lanes_can_be_chosen(opened: Callable[..., Any]) -> None:
    async with opened("wire") as board:
        await board.start(server="netlab", clients=30, requests=1, pause=0)
        feed = board.lane.feed.values
        await until(lambda: feed.get("figures", {}).get("requests") == 30)
        for number in (1, 15, 30):
            await board.tab.get_by_role("button", name=re.compile(rf"^{number}: port")).click()
            await board.tab.get_by_role("heading", name=f"Connection {number}", exact=True).wait_for()


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


async def test_a_lane_can_be_chosen_when_the_experiment_has_been_stopped(opened: Callable[..., Any]) -> None:
    """An open lane and a closed one: the ladder, the bytes, and the figures of the last moment."""
    async with opened("wire") as board:
        await board.start(server="netlab", clients=2, requests=1, pause=5)
        feed = board.lane.feed.values
        await until(lambda: feed.get("figures", {}).get("requests") == 2)
        await board.tab.locator("#stop").click()
        await board.ended("stopped")
        assert "detail" not in feed, "none was chosen before"
        await board.tab.locator(".lane").nth(1).click()
        section = board.tab.get_by_role("region", name="The chosen connection")
        await section.get_by_role("heading", name="Connection 2").wait_for()
        assert feed["detail"]["held"]["state"] == "ESTABLISHED"
        held = f"{feed['detail']['held']['fd']} of process {feed['tap']['pid']}"
        assert (await board.figures())["Descriptor in the server"] == held
        assert await section.get_by_text("It was open when the experiment ended.").count() == 1
        await section.locator(".rung summary").first.click()
        await section.locator(".unfolded").first.wait_for()
        await board.tab.locator(".lane").first.press("Enter")
        await section.get_by_role("heading", name="Connection 1").wait_for()
        assert await board.tab.locator("#status").inner_text() == "Stopped."


@pytest.mark.soak
async def test_the_next_experiment_forgets_the_lanes_of_the_last_one(opened: Callable[..., Any]) -> None:
    async with opened("wire") as board:
        await board.start(server="netlab", clients=1, requests=1, pause=0)
        feed = board.lane.feed.values
        await until(lambda: "lane/1" in feed)
        await board.tab.locator("#stop").click()
        await board.ended("stopped")
        before = board.lane.run
        await board.start(clients=0)
        await until(lambda: "tap" in feed)
        assert board.lane.run is not before and "lane/1" not in feed
        board.lane.run.press("pick", "1")  # a page that still shows it
        await board.tab.locator("#stop").click()
        await board.ended("stopped")
        assert "detail" not in feed


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
        await until(lambda: "clients" in feed)
        assert feed["clients"] == {"connected": 2, "answered": 2, "failed": 0}


ENDED = {
    "echo 'no such thing' >&2; exit 1": "with status 1: no such thing",
    "exit 3": "with status 3: it printed nothing",
    "kill -KILL $$": "by SIGKILL: it printed nothing",
    "printf '\\033[31mred\\033[0m\\a\\n'; exit 1": "with status 1: red",
    "true": "with status 0: it printed nothing. If it goes on in the background, start it in the foreground "
    "(nginx -g 'daemon off;')",
}
"""Programs of a shell that listen nowhere, and what is said of their end."""


@pytest.mark.parametrize("program", ENDED)
async def test_a_command_that_ends_is_refused_with_its_status_and_its_last_words(program: str) -> None:
    with pytest.raises(Refused) as refused:
        async with watched(["sh", "-c", program]):
            pass
    assert str(refused.value) == f"the command ended before it listened, {ENDED[program]}"


async def test_a_command_that_listens_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netlab.live.watched.PATIENCE", 0.1)
    with pytest.raises(Refused, match=r"listens on no TCP port after 0.1 s \(it printed nothing\)"):
        async with watched(["sleep", "99"]):
            pass


async def test_of_a_command_that_listens_nowhere_the_last_line_is_told() -> None:
    assert silent(["one", "two"]) == (
        "the command listens on no TCP port after 20 s (it printed last: two); {port} in it is a free port"
    )


LISTENING = """
import os, signal, socket, sys, time
def listen(host):
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(kind)
    one.bind((host, 0))
    one.listen()
    return one
def answer(one):
    while True:
        client = one.accept()[0]
        while client.recv(65536):
            client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
        client.close()
"""

SERVERS = {
    "listens late": "time.sleep(1); answer(listen('127.0.0.1'))",
    "on IPv6 alone": "answer(listen('::1'))",
    "workers that share a socket": "one = listen('127.0.0.1'); os.fork() or os.fork(); answer(one)",
    "a worker that listens itself": "os.fork() and signal.pause(); answer(listen('127.0.0.1'))",
    "a worker in its own session": "os.fork() and signal.pause(); os.setsid(); answer(listen('127.0.0.1'))",
}


@pytest.mark.soak
@pytest.mark.linux("a session's processes in /proc")
@pytest.mark.parametrize("way", SERVERS)
async def test_a_server_is_watched_however_it_listens_and_ends_with_the_experiment(way: str) -> None:
    board = wire.board([sys.executable, "-c", LISTENING + SERVERS[way]])
    async with experiment_of(board, clients=2, requests=2, pause=0) as running:
        counts = await running.until(lambda feed: feed.values.get("clients"))
        listener = running.feed.values["tap"]["server"]
    assert counts == {"connected": 2, "answered": 4, "failed": 0}
    host, _, port = listener.rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))


async def test_a_command_that_ends_while_it_is_watched_ends_the_experiment() -> None:
    program = LISTENING + "listen('127.0.0.1').accept(); sys.exit('a fault of its own')"
    with pytest.raises(Refused, match=r"^the command ended with status 1: a fault of its own$"):
        async with experiment_of(wire.board([sys.executable, "-c", program]), clients=1) as running:
            await running.ended()
    running.run.press("pick", "1")
    assert running.feed.values["detail"]["lane"] == 1, "its lanes can still be chosen"


async def test_a_command_that_cannot_start_is_refused() -> None:
    with pytest.raises(Refused, match="cannot start /no/such/server"):
        async with watched(["/no/such/server"]):
            pass
