"""The site as a client on the wire sees it: which requests are answered, how experiments start and end."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from typing import Any

import psutil
import pytest

import netlab
from netlab.live.board import Board, Number, Refused
from netlab.live.children import child
from netlab.live.liverun import LiveRun
from netlab.live.runs import AT_ONCE
from netlab.tls.authority import Certificates
from netlab.tls.context import client_context
from tests.kit.waiting import until

JSON = {"content-type": "application/json"}


async def counting(run: LiveRun) -> None:
    """Count for ever."""
    for n in range(10**9):
        run.show("n", n)
        await asyncio.sleep(0.001)


async def with_a_child(run: LiveRun) -> None:
    """Hold a process that ignores SIGTERM and has a child of its own."""
    script = "import signal, subprocess; signal.signal(15, signal.SIG_IGN); subprocess.run(['sleep', '99'])"
    async with child([sys.executable, "-c", script]) as held:
        run.show("pid", held.pid)
        await asyncio.Event().wait()


async def failing(run: LiveRun) -> None:
    raise ZeroDivisionError


async def refusing(run: LiveRun) -> None:
    raise Refused("needs nginx (apt-get install nginx)")


def a_board(name: str = "one", experiment: Any = counting, title: str = "One", **options: Any) -> Board:
    return Board(name, title, "Look.", experiment, (Number("n", "Number", 1, 9, 5),), **options)


class Asking:
    """A client that trusts the root and sends what a browser would."""

    def __init__(self, address: str, minted: Certificates) -> None:
        self.address = address
        self.origin = address[: address.index("/", 8)]
        self._tls = client_context(minted.root)

    async def __aenter__(self) -> Asking:
        self.session = netlab.Session(tls=self._tls)
        await self.session.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.session.__aexit__(*error)

    async def get(self, path: str, **fields: str) -> tuple[int, str]:
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        async with self.session.get(self.address + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, content: Any, *, encode: bool = True, **fields: str) -> tuple[int, str]:
        headers = {"origin": self.origin, **JSON, **fields}
        data = (json.dumps(content) if encode else content).encode()
        async with self.session.post(self.address + path, data=data, headers=headers) as answer:
            return answer.status, await answer.text()


async def test_only_the_token_opens_the_site(site_of: Callable[..., Any], minted: Certificates) -> None:
    async with site_of(a_board()) as (site, address, _), Asking(address, minted) as client:
        assert (await client.get(""))[0] == 200
        client.address = address.replace(site.token, "x" * len(site.token))
        status, line = await client.get("")
        assert status == 403 and "the token is missing or wrong" in line
        assert (await client.post("one/start", {}))[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:443", "127.0.0.1", "localhost:1", ""])
async def test_another_host_is_misdirected(
    host: str, site_of: Callable[..., Any], minted: Certificates
) -> None:
    async with site_of(a_board()) as (_, address, _), Asking(address, minted) as client:
        status, line = await client.get("", host=host)
        assert status == 421 and "DNS rebinding" in line


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://localhost:1"])
async def test_another_origin_is_forbidden(
    origin: str, site_of: Callable[..., Any], minted: Certificates
) -> None:
    async with site_of(a_board()) as (site, address, _), Asking(address, minted) as client:
        assert (await client.post("one/start", {}, origin=origin))[0] == 403
        assert (await client.get("events/one", origin=origin))[0] == 403
        assert not site.lanes["one"].running


async def test_orders_that_cannot_be_are_refused(site_of: Callable[..., Any], minted: Certificates) -> None:
    async with site_of(a_board()) as (_, address, _), Asking(address, minted) as client:
        assert await client.post("one/start", {"n": 10}) == (422, "Number: 10 is not between 1 and 9\n")
        assert await client.post("one/start", {"m": 1}) == (422, "there is no control 'm'\n")
        assert (await client.post("one/start", [1]))[0] == 400
        assert (await client.post("two/start", {}))[0] == 404
        assert (await client.post("one/press", {"name": "x"}))[0] == 422
        assert (await client.post("one/start", {}, **{"content-type": "text/plain"}))[0] == 415
        assert (await client.post("one/start", {"n": "9" * (65 << 10)}))[0] == 413
        nested = await client.post("one/start", "[" * 30_000 + "]" * 30_000, encode=False)
        assert nested == (400, "the content is JSON with too many brackets inside one another\n")


async def test_a_page_forbids_inline_script_and_style(
    site_of: Callable[..., Any], minted: Certificates
) -> None:
    async with (
        site_of(a_board()) as (_, address, _),
        Asking(address, minted) as client,
        client.session.get(address + "one") as answer,
    ):
        policy = answer.fields["content-security-policy"]
        assert "script-src 'self'; style-src 'self'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy and answer.fields["referrer-policy"] == "no-referrer"


async def test_events_come_as_the_experiment_goes(site_of: Callable[..., Any], minted: Certificates) -> None:
    async with site_of(a_board()) as (site, address, _), Asking(address, minted) as client:
        assert (await client.post("one/start", {"n": 3}))[0] == 204
        assert site.lanes["one"].run.values == {"n": 3}
        async with client.session.get(address + "events/one") as answer:
            assert answer.fields["content-type"] == "text/event-stream"
            read = b""
            async for part in answer.stream():
                read += part
                if read.count(b"data: ") > 3:
                    break
        messages = [
            json.loads(line[6:])
            for line in read.split(b"\n")
            if line.startswith(b"data: {") and line.endswith(b"}")
        ]
        assert messages[0]["whole"] and messages[0]["show"]["status"]["state"] == "running"
        numbers = [message["show"]["n"] for message in messages if "n" in message["show"]]
        assert numbers == sorted(numbers)
        assert (await client.post("one/stop", {}))[0] == 204
        assert site.lanes["one"].feed.values["status"]["state"] == "stopped"


async def test_an_experiment_ends_when_its_last_page_has_left(
    site_of: Callable[..., Any], minted: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netlab.live.runs.UNWATCHED", 0.02)
    async with site_of(a_board()) as (site, _, _):
        lane = site.lanes["one"]
        first, second = lane.enter(), lane.enter()
        await lane.start({"n": 1})
        lane.leave(first)
        await asyncio.sleep(0.05)
        assert lane.running
        lane.leave(second)
        await until(lambda: not lane.running)


async def test_an_experiment_ends_in_its_time_and_says_so(site_of: Callable[..., Any]) -> None:
    async with site_of(a_board(seconds=0.05)) as (site, _, _):
        lane = site.lanes["one"]
        await lane.start({"n": 1})
        await until(lambda: not lane.running)
        assert lane.feed.values["status"]["text"].startswith("Ended after 0.05 s")


@pytest.mark.parametrize(
    ("experiment", "words"), [(failing, "a mistake of its own"), (refusing, "needs nginx")]
)
async def test_an_experiment_that_fails_says_why(
    experiment: Any, words: str, site_of: Callable[..., Any]
) -> None:
    async with site_of(a_board(experiment=experiment)) as (site, _, _):
        lane = site.lanes["one"]
        await lane.start({"n": 1})
        await until(lambda: not lane.running)
        assert lane.feed.values["status"]["state"] == "failed"
        assert words in lane.feed.values["status"]["text"]


async def test_so_many_experiments_run_at_once_and_no_more(site_of: Callable[..., Any]) -> None:
    names = [f"b{n}" for n in range(AT_ONCE + 1)]
    async with site_of(*(a_board(name, title=f"Board {name}") for name in names)) as (site, _, _):
        for name in names[:-1]:
            await site.lanes[name].start({"n": 1})
        with pytest.raises(Refused, match=r"run already on the boards Board b0 and Board b1: stop one first"):
            await site.lanes[names[-1]].start({"n": 1})
        await site.lanes[names[0]].start({"n": 2})  # its own run is stopped first


async def test_a_stop_in_the_same_turn_as_the_start_is_told(site_of: Callable[..., Any]) -> None:
    """Two tabs: one starts, the other stops before the experiment has taken its first step."""
    async with site_of(a_board()) as (site, _, _):
        lane = site.lanes["one"]
        await asyncio.gather(lane.start({"n": 1}), lane.stop())
        assert not lane.running
        assert lane.feed.values["status"] == {"state": "stopped", "text": "Stopped."}


async def test_children_end_with_the_site(
    site_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that ignores SIGTERM, and its own child; the keeper of all tests counts them."""
    monkeypatch.setattr("netlab.live.children.PATIENCE", 0.1)
    async with site_of(a_board(experiment=with_a_child)) as (site, _, _):
        lane = site.lanes["one"]
        await lane.start({"n": 1})
        await until(lambda: "pid" in lane.feed.values)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
async def test_a_child_ends_also_when_the_site_is_killed() -> None:
    script = """
import asyncio
from netlab.live.children import child
async def main():
    async with child(["sleep", "99"]) as held:
        print(held.pid, flush=True)
        await asyncio.sleep(99)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as site:
        assert site.stdout is not None
        pid = int(site.stdout.readline())
        site.kill()
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("again", [0, 1, 5])
@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13])
async def test_a_child_leaves_nothing_whenever_its_experiment_is_cancelled(turns: int, again: int) -> None:
    """Cancelled after so many turns of the loop, and again in each next one: the fixture looks for pipes."""

    async def experiment() -> None:
        async with child(["sleep", "99"]):
            await asyncio.sleep(99)

    under_way = asyncio.create_task(experiment())
    for _ in range(turns):
        await asyncio.sleep(0)
    for _ in range(1 + again):
        under_way.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await under_way


def test_a_board_that_contradicts_itself_names_every_mistake() -> None:
    with pytest.raises(ValueError, match=r"default is not allowed.*stands twice.*seconds is 0"):
        Board("x", "X", "Look.", counting, (Number("n", "N", 1, 2, 3), Number("n", "N", 1, 2, 1)), seconds=0)


def test_no_script_writes_markup_or_style_attributes() -> None:
    """The policy forbids the latter: such an attribute would do nothing, in silence."""
    for file in (resources.files("netlab.live") / "static").iterdir():
        if file.name.endswith(".js"):
            text = file.read_text("utf-8")
            found = [word for word in ("innerHTML", "insertAdjacent", "{style:", " style:") if word in text]
            assert not found, f"{file.name}: {found}"
