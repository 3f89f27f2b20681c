"""The board of the river: gigabytes flow from a server in its own process to a reader here.

Its memory (USS), what the kernel holds for its port, and the window that the reader's kernel offers are read
ten times a second. The server is `netlab.live.riverserver`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
from dataclasses import dataclass, field

from netlab.live.board import Action, Board, Number, Refused
from netlab.live.children import Child, child, python
from netlab.live.liverun import LiveRun
from netlab.live.pictures import pictured
from netlab.live.riverserver import MOST
from netlab.probes.errors import ProbeError
from netlab.probes.reading import look

MIB = 1 << 20
READ = 256 << 10
TICK = 0.1
"""Seconds between two readings of the server."""

RIVER, FIRST, FORGET = "river", "first", "forget"
WORDS = {
    RIVER: "a stream in pieces of 1 MiB",
    FIRST: f"{MOST // MIB} MiB of the file, read into memory first",
    FORGET: f"{MOST // MIB} MiB written without waiting for the transport",
}

_RECEIVE_WINDOW = struct.Struct("=232xI")
_RST_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass
class RiverFlow:
    """What flows, and where. speed: bytes a second that the reader takes at most."""

    total: int
    speed: float
    received: int = 0
    """Of the stream in pieces: bytes, heads included."""
    mode: str = RIVER
    base: int = 0
    """The server's USS before the first stream."""
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    sock: socket.socket | None = None

    @property
    def stalled(self) -> bool:
        """Does the reader stand still?"""
        return not self.flowing.is_set()

    def counts(self) -> dict[str, int | str | bool]:
        """What was counted, by name."""
        return {"received": self.received, "mode": self.mode, "stalled": self.stalled}

    async def read(self, port: int, target: str) -> None:
        """Ask, and read until the server closes, at the reader's speed."""
        loop = asyncio.get_running_loop()
        with socket.socket() as self.sock:
            self.sock.setblocking(False)
            await loop.sock_connect(self.sock, ("127.0.0.1", port))
            head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            await loop.sock_sendall(self.sock, head.encode())
            buffer, due = bytearray(READ), time.monotonic()
            try:
                while True:
                    await self.flowing.wait()
                    size = await loop.sock_recv_into(self.sock, buffer)
                    if not size:
                        return
                    self.received += size if self.mode == RIVER else 0
                    due = max(due, time.monotonic() - 0.05) + size / self.speed
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
            finally:
                # What is left unread is of no use: the server learns it at once, by a reset.
                with contextlib.suppress(OSError):
                    self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)

    def window(self) -> int | None:
        """Bytes that the reader's kernel still offers to take; None where the kernel does not say."""
        try:
            assert self.sock is not None
            info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVE_WINDOW.size)
            return int(_RECEIVE_WINDOW.unpack(info)[0])
        except (OSError, AttributeError, AssertionError, struct.error):
            return None

    def window_words(self) -> str:
        """The same for the page."""
        if self.sock is None or self.sock.fileno() < 0:
            return "no connection"
        window = self.window()
        return "not shown: needs Linux 6.2" if window is None else f"{window / MIB:.2f} MiB"


async def experiment(run: LiveRun) -> None:
    """Let it flow until all is read, or the run is stopped."""
    size = run.number("size")
    flow = RiverFlow(int(size * 1e9), run.number("speed") * MIB)
    flow.flowing.set()
    async with child(python("netlab.live.riverserver", f"{size}")) as server:
        try:
            port, careless = (int(word) for word in (await server.line()).split())
        except ValueError:
            raise Refused("the river's server did not start: the terminal shows why") from None
        flow.base = look(server.pid).server.uss or 0
        told: list[dict[str, float]] = []
        view = RiverView(run, flow, server.pid, port, careless)
        hearing = asyncio.create_task(_hear(server, told))
        try:
            await pictured(view.show, TICK, _drive(run, flow, port, careless, told))
        except OSError as error:
            raise Refused(f"the connection failed: {error}") from None
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)


async def _drive(
    run: LiveRun, flow: RiverFlow, port: int, careless: int, told: list[dict[str, float]]
) -> None:
    """Read one stream after the other, as the buttons say; at the end, or on Stop, tell how much it was."""
    try:
        await _streams(run, flow, port, careless, told)
    finally:
        run.say(f"{flow.received / 1e9:.2f} GB have flowed.")


async def _streams(
    run: LiveRun, flow: RiverFlow, port: int, careless: int, told: list[dict[str, float]]
) -> None:
    while flow.received < flow.total:
        run.say(f"Now flows {WORDS[flow.mode]}.")
        if flow.mode == FORGET:
            stream = flow.read(careless, "/")
        elif flow.mode == FIRST:
            stream = flow.read(port, f"/first?count={MOST}")
        else:
            stream = flow.read(port, f"/river?count={flow.total - flow.received}")
        reading = asyncio.create_task(stream)
        try:
            pressed = await _pressed(run, flow, reading)
        finally:
            reading.cancel()
            ended = await asyncio.gather(reading, return_exceptions=True)
        if isinstance(ended[0], OSError):
            raise ended[0]
        if pressed == "unplug":
            await _unplugged(run, told)
        flow.flowing.set()
        flow.mode = pressed if pressed in (FIRST, FORGET) else RIVER


async def _pressed(run: LiveRun, flow: RiverFlow, reading: asyncio.Task[None]) -> str:
    """The button that ends this stream; "" when it came to its end. Stalls are carried out here."""
    while True:
        action = asyncio.create_task(run.action())
        try:
            await asyncio.wait({reading, action}, return_when=asyncio.FIRST_COMPLETED)
            if not action.done():
                return ""
            if action.result() != "stall":
                return action.result()
        finally:
            action.cancel()
        flow.flowing.set() if flow.stalled else flow.flowing.clear()
        run.say("The reader stands still: the kernel fills up." if flow.stalled else "The reader reads on.")


async def _unplugged(run: LiveRun, told: list[dict[str, float]]) -> None:
    """The reader is gone: how soon did the producer learn it?"""
    gone, already = time.monotonic(), len(told)
    for _ in range(200):
        if len(told) > already:
            taken = max(0.0, told[-1]["closed"] - gone) * 1000
            run.show("unplugged", {"ms": taken, "made": told[-1]["made"]})
            run.say(f"The reader is unplugged: the producer was closed {taken:,.1f} ms later.")
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)


async def _hear(server: Child, told: list[dict[str, float]]) -> None:
    """Lines of the server: a stream was closed."""
    async for line in server.lines():
        if line.startswith("{"):
            told.append(json.loads(line))
            del told[:-10]


@dataclass
class RiverView:
    """What the page sees: the server's memory, the kernel's for its port, and the reader's window."""

    run: LiveRun
    flow: RiverFlow
    pid: int
    port: int
    careless: int
    rate: float = 0.0
    """MiB a second between the last two pictures."""
    _last: float = 0.0
    _before: int = 0

    def show(self) -> None:
        """Read and show it as it is now; nothing when the server is gone: then the run ends."""
        run, flow = self.run, self.flow
        with contextlib.suppress(ProbeError):
            reading = look(self.pid, self.careless if flow.mode == FORGET else self.port)
            now = run.elapsed
            memory = max(0, (reading.server.uss or 0) - flow.base)
            window = flow.window()
            point = [memory / MIB, (reading.kernel or 0) / MIB, (window or 0) / MIB]
            run.add("course", [round(now, 2), *(round(each, 3) for each in point)])
            self._measure(now)
            run.show("counts", flow.counts())
            kernel = "not shown" if reading.kernel is None else f"{point[1]:.2f} MiB"
            run.show("figures", self._figures(f"{point[0]:.1f} MiB", kernel))

    def _measure(self, now: float) -> None:
        """The rate since the picture before; the last picture may come too soon after it to say anything."""
        if now - self._last >= TICK / 2:
            self.rate = (self.flow.received - self._before) / MIB / (now - self._last)
            self._last, self._before = now, self.flow.received

    def _figures(self, memory: str, kernel: str) -> dict[str, str]:
        """The figures of the page, in the words of its reader."""
        flow = self.flow
        return {
            "Flowed": f"{flow.received / 1e9:.2f} GB of {flow.total / 1e9:g}",
            "Rate": f"{self.rate:,.0f} MiB/s",
            "Server's memory above its start": memory,
            "Kernel holds for the server": kernel,
            "Reader's window": flow.window_words(),
            "Now": "the reader stands still" if flow.stalled else WORDS[flow.mode],
        }


BOARD = Board(
    name="river",
    title="The river",
    look_for="Watch the server's memory while gigabytes flow: it stays flat until the file is read first, or "
    "the server forgets to wait.",
    lab="13_river",
    controls=(
        Number("size", "Length of the film", 0.25, 5, 5, 0.25, "GB"),
        Number("speed", "Reader's speed, at most", 50, 1000, 200, 50, "MiB/s"),
    ),
    actions=(
        Action("stall", "Stall the reader, or let it go on"),
        Action("unplug", "Unplug the reader"),
        Action(FIRST, "Read the file first"),
        Action(FORGET, "Forget backpressure"),
    ),
    seconds=180,
    experiment=experiment,
)
