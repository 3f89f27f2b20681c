"""Lab 07 live: `make serve-07` prints the address of a page that connects while you watch.

Press a button: this process makes a TLS connection to netlab, 0.4 s away, and the page shows each record
when it arrives. A record unfolds into its bytes, and pointing at a byte says what it means. The page is the
one that `netlab trace --html` writes, filled as the records come.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from handshakes import Stage, stage  # noqa: E402

import netlab  # noqa: E402
from netlab.capture import Direction, Endpoint  # noqa: E402
from netlab.cli.tracing.page_parts import Numbers, record_body, record_rung  # noqa: E402
from netlab.cli.tracing.page_schedule import schedule  # noqa: E402
from netlab.cli.tracing.page_script import SCRIPT  # noqa: E402
from netlab.cli.tracing.page_style import STYLE  # noqa: E402
from netlab.cli.tracing.streams import Stream  # noqa: E402
from netlab.tls import authority  # noqa: E402
from netlab.tls.tracing.keyring import Keyring  # noqa: E402
from netlab.tls.tracing.values import Record, Side  # noqa: E402

DISTANCE = 0.4  # seconds one way: slow enough to watch, and to count round trips
JSON_LINES = {"content-type": "application/x-ndjson"}
HTML = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}


class _Rungs:
    """Takes records and keeps their HTML until it is sent."""

    def __init__(self, numbers: Numbers) -> None:
        self._rungs: list[str] = []
        self._schedule = ""
        self._numbers = numbers

    def record(self, stream: Stream, record: Record, http: list[str]) -> None:
        """One record, as the page shows it."""
        since = f"{((record.time or 0.0) - (stream.started or 0.0)) * 1000:.0f} ms"
        self._rungs.append(record_rung(since, record, record_body(record, self._numbers, http)))

    def end(self, stream: Stream) -> None:
        """The key schedule of the connection, once all is said."""
        self._schedule = schedule(stream.tracer)

    def line(self, problem: str = "") -> bytes:
        """What is new, as one line of JSON."""
        said = {"rungs": self._rungs, "schedule": self._schedule, "problem": problem}
        self._rungs = []
        return json.dumps(said).encode() + b"\n"


class Live:
    """The server of the page: `/` is the page, `POST /connect/KIND` makes a connection and tells of it."""

    def __init__(self, stages: dict[str, Stage]) -> None:
        self._stages = stages
        self._numbers = Numbers()  # of all connections: no two fields of the page have one number

    async def answer(self, request: netlab.Request) -> netlab.Response:
        """One request of the browser."""
        kind = request.path.removeprefix("/connect/")
        if request.path == "/" and request.method in ("GET", "HEAD"):
            return netlab.Response(200, page(), HTML)
        if request.method == "POST" and kind in self._stages:
            return netlab.Response(200, b"", JSON_LINES, stream=self._connect(kind))
        return netlab.Response(404, "the page is at /\n")

    async def _connect(self, kind: str) -> AsyncIterator[bytes]:
        """Lines of JSON, sent when records arrive."""
        ring, rungs = Keyring(), _Rungs(self._numbers)
        if kind == "resumed" and not self._stages[kind].has_session:
            yield rungs.line("There is no session to resume yet: press “connect: full” first.")
            return
        stream = Stream(0, Endpoint("client", 0), Endpoint("server", 0), ring, rungs)
        try:
            async for chunk, keys in self._stages[kind].arrivals(resume=kind == "resumed"):
                ring.log.feed(keys)
                side = Side.CLIENT if chunk.direction is Direction.TO_SERVER else Side.SERVER
                stream.feed(side, chunk.data, chunk.time)
                yield rungs.line()
        except OSError as error:  # ssl.SSLError is one, too
            yield rungs.line(f"The connection failed: {error}")
            return
        stream.end()
        yield rungs.line()


def page() -> str:
    """The page before the first connection."""
    empty = (HERE / "live.html").read_text("utf-8")
    script = SCRIPT + (HERE / "live.js").read_text("utf-8")
    return empty.replace("/* style */", STYLE).replace("/* script */", script)


async def main(port: int) -> None:
    """Serve until Ctrl-C."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    certs = HERE.parents[1] / "certs"
    authority.ensure(certs)
    async with contextlib.AsyncExitStack() as things:
        usual = await things.enter_async_context(stage(certs, distance=DISTANCE))
        picky = await things.enter_async_context(stage(certs, group="secp384r1", distance=DISTANCE))
        version = ssl.TLSVersion.TLSv1_2
        old = await things.enter_async_context(stage(certs, version=version, distance=DISTANCE))
        live = Live({"full": usual, "resumed": usual, "retried": picky, "old": old})
        server = await things.enter_async_context(netlab.Server(live.answer, port=port))
        print(
            f"the page   http://127.0.0.1:{server.port}/    (open it in a browser; Ctrl-C ends it)",
            flush=True,
        )
        await ended.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    try:
        asyncio.run(main(parser.parse_args().port))
    except OSError as error:
        print(f"handshake: {error.strerror} (another --port? 0 takes a free one)", file=sys.stderr)
        sys.exit(2)
