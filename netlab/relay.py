"""A TCP relay between a client and a server: the wire tap, the distance and the fault injector of the labs.

Here lives what stands between two sockets: `DelayLine` (pure: octets in, octets out later, time
injected), `Relay` and `Conversation` (sockets and tasks). It never looks into the octets;
`netlab.capture` reads what it recorded.

What it cannot do: a relay in user space sees a connection only after the kernel has answered its SYN, so
it cannot delay a SYN. A connect through it costs no round trip, however far away it pretends the server
to be. Whoever measures with it must charge the connect one more round trip, and say so;
`charge_connect=True` does the first: it holds back what the client sends first for as long as the
handshake would have taken.
"""

from __future__ import annotations

import asyncio
import enum
import errno
import math
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol

from netlab.capture import Captured, Chunk, Direction, Endpoint, compose

_READ_SIZE = 256 << 10

# A throttled direction hands on what has piled up this often: smooth enough to look like a slow link.
_SMOOTHNESS = 0.01

# epoll counts whole milliseconds, and asyncio and the selector each round up: 9 ms become 11. So: wake early,
# then yield to the event loop until the moment has come. That costs up to 2 ms of one core for each arrival.
_WAKE_EARLY = 0.002

# Out of descriptors or memory: the client waits in the backlog meanwhile.
_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_SHORTAGE_PAUSE = 0.05

# Sums of floats miss by less than this; two moments so close are one.
_ROUNDING = 1e-9

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds: close() sends RST instead of FIN


class Clock(Protocol):
    """Time, as the relay needs it. Tests bring their own."""

    def time(self) -> float:
        """Seconds on a clock that never goes back."""

    def call_later(self, delay: float, callback: Callable[[], object]) -> Any:
        """Call callback in delay seconds; what is returned has .cancel()."""


class _SystemClock:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.time = time.monotonic
        self.call_later = loop.call_later


class Ending(enum.Enum):
    """How one direction ends."""

    FIN = "FIN"
    RST = "RST"


class DelayLine:
    """Octets on their way: they leave `delay` seconds later, in order, at most `rate` of them a second.

    As on a real line, octets follow each other closely: a delay costs time, not throughput. The ending
    takes the same way, behind the octets. Time is told, never read.
    """

    def __init__(self, delay: float = 0.0, rate: float = math.inf) -> None:
        self.delay, self.rate = delay, rate
        self.held = 0  # octets inside
        self.ending: tuple[float, Ending] | None = None  # when it leaves
        self._free = -math.inf  # when the throttle has passed everything so far: nothing overtakes
        self._pieces: deque[tuple[float, bytes]] = deque()  # when its first octet passes the throttle
        self._taken = 0  # octets of the first piece that have left

    def enter(self, now: float, data: bytes) -> None:
        """Octets enter; nothing may enter behind an ending."""
        if self.ending is None and data:
            start = max(now, self._free)
            self._free = start + len(data) / self.rate
            self._pieces.append((start, data))
            self.held += len(data)

    def end(self, now: float, ending: Ending) -> None:
        """The last thing enters. A second ending changes nothing."""
        if self.ending is None:
            self.ending = max(now, self._free) + self.delay, ending

    def due(self) -> float | None:
        """When something leaves next, an ending too; None when nothing is inside."""
        if not self._pieces:
            return None if self.ending is None else self.ending[0]
        start, data = self._pieces[0]
        portion = min(len(data) - self._taken, max(1.0, self.rate * _SMOOTHNESS))
        return start + (self._taken + portion) / self.rate + self.delay

    def take(self, now: float, most: int = _READ_SIZE) -> bytes:
        """What has arrived by now, up to most octets."""
        arrived: list[bytes] = []
        while self._pieces and most > 0:
            start, data = self._pieces[0]
            part = data[self._taken : min(self._through(start, len(data), now), self._taken + most)]
            if not part:
                break
            arrived.append(part)
            most -= len(part)
            self.held -= len(part)
            self._taken += len(part)
            if self._taken < len(data):
                break
            self._pieces.popleft()
            self._taken = 0
        return b"".join(arrived)

    def _through(self, start: float, size: int, now: float) -> int:
        """How many octets of a piece have arrived by now."""
        travelled = now - self.delay - start + 2 * _ROUNDING
        if travelled < 0:
            return 0
        return size if self.rate == math.inf else min(size, int(travelled * self.rate))


class _Broken(Exception):
    """The connection was reset: by one side, or on command."""


class _Pump:
    """One direction of a conversation: a reader that fills the delay line and a writer that empties it."""

    def __init__(self, conversation: Conversation, way: Direction, line: DelayLine, buffer: int) -> None:
        self.way, self.line = way, line
        self._conversation, self._buffer = conversation, buffer
        self._changed = asyncio.Event()  # something entered, left, or was resumed
        self._stalled = False

    def stall(self, stalled: bool) -> None:
        self._stalled = stalled
        self._changed.set()

    async def read(self, source: socket.socket, held_back: float) -> None:
        """Fill the line from source until it ends; the first octets wait held_back seconds beforehand."""
        loop, clock = asyncio.get_running_loop(), self._conversation.clock
        while self.line.ending is None:
            while (
                self._stalled or self.line.held >= self._buffer
            ):  # backpressure: the kernel slows the sender
                await self._change()
            ending = Ending.FIN
            try:
                data = await loop.sock_recv(source, _READ_SIZE)
            except OSError:
                data, ending = b"", Ending.RST
            now = clock.time()
            if data:
                self._conversation.record(self.way, now, data)
                self.line.enter(now + held_back, data)
            else:
                self.line.end(now + held_back, ending)
            held_back = 0.0
            self._changed.set()

    async def write(self, sink: socket.socket, way_back: float) -> None:
        """Empty the line into sink. Raises _Broken on a reset; on one of the sink, way_back seconds later."""
        loop, clock = asyncio.get_running_loop(), self._conversation.clock
        while True:
            due = self.line.due()
            if due is None or self._stalled:
                await self._change()
            elif due - clock.time() > _ROUNDING:
                await self._conversation.until(due)
            elif data := self.line.take(clock.time()):
                self._changed.set()  # there is room again
                try:
                    await loop.sock_sendall(sink, data)
                except OSError:
                    await self._conversation.until(clock.time() + way_back)
                    raise _Broken
            elif self.line.ending is not None and not self.line.held:
                if self.line.ending[1] is Ending.RST:
                    raise _Broken
                with suppress(OSError):  # the other side is gone already
                    sink.shutdown(socket.SHUT_WR)
                return

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Conversation:
    """One connection through the relay, and what went over it.

    chunks: what was read from either side and when, in seconds since the client was accepted;
    recorded_all is False once more than the limit went by. octets: how many went each way, always
    counted. error: why the target could not be reached, or None. started_ns: when it began, in
    nanoseconds since 1970.
    """

    def __init__(self, relay: Relay, client: socket.socket) -> None:
        self.clock = relay.clock
        self.started_ns, self._started = time.time_ns(), relay.clock.time()
        self.client = Endpoint(*client.getpeername()[:2])
        self.server = Endpoint(relay.target_host, relay.target_port)
        self.chunks: list[Chunk] = []
        self.octets = dict.fromkeys(Direction, 0)
        self.recorded_all = True
        self.error: str | None = None
        self._relay = relay
        self._sockets = [client]
        self._hard = False
        self._over = asyncio.Event()
        self._pumps = {way: _Pump(self, way, DelayLine(*relay.line(way)), relay.buffer) for way in Direction}
        self._task = asyncio.get_running_loop().create_task(self._run(client))
        self._task.add_done_callback(self._close)

    def __repr__(self) -> str:
        to_server, to_client = self.octets[Direction.TO_SERVER], self.octets[Direction.TO_CLIENT]
        state = "closed" if self.closed else "open"
        return f"<Conversation {self.client} {state}, {to_server} octets to server, {to_client} to client>"

    @property
    def closed(self) -> bool:
        """Both sockets are closed."""
        return self._over.is_set()

    async def wait_closed(self) -> None:
        """Return when it is over."""
        await self._over.wait()

    def content(self, direction: Direction) -> bytes:
        """What was recorded one way."""
        return b"".join(chunk.data for chunk in self.chunks if chunk.direction is direction)

    def composed(self) -> list[Captured]:
        """The recording as packets that tools can open; the octets are real, the packets are made up."""
        return compose(self.client, self.server, self.chunks, self.started_ns)

    def stall(self, direction: Direction | None = None) -> None:
        """Stop reading and delivering, one way or both; what is on the line stays there until `resume`."""
        self._set_stalled(direction, True)

    def resume(self, direction: Direction | None = None) -> None:
        """Let octets flow again."""
        self._set_stalled(direction, False)

    def reset(self) -> None:
        """Send RST to both sides now; what is on the line is lost."""
        self._hard = True
        self._task.cancel()

    def record(self, way: Direction, now: float, data: bytes) -> None:
        """Count octets and keep them, as far as the limit allows."""
        room = self._relay.record - sum(self.octets.values())
        self.octets[way] += len(data)
        if room >= len(data):
            self.chunks.append(Chunk(way, now - self._started, data))
        else:
            self.recorded_all = False

    async def until(self, moment: float) -> None:
        """Return at moment on the clock, not up to two milliseconds later as the event loop would."""
        if (wait := moment - self.clock.time() - self._relay.wake_early) > 0:
            woken = asyncio.Event()
            timer = self.clock.call_later(wait, woken.set)
            try:
                await woken.wait()
            finally:
                timer.cancel()
        while moment - self.clock.time() > _ROUNDING:
            await asyncio.sleep(0)

    def _set_stalled(self, direction: Direction | None, stalled: bool) -> None:
        for way, pump in self._pumps.items():
            if direction in (None, way):
                pump.stall(stalled)

    async def _run(self, client: socket.socket) -> None:
        try:
            server = await self._connect()
        except OSError as error:
            self.error = f"cannot reach {self.server}: {os.strerror(error.errno or 0)}"
            self._hard = True  # as near to "connection refused" as one comes after the accept
            return
        out, back = self._pumps[Direction.TO_SERVER], self._pumps[Direction.TO_CLIENT]
        round_trip = out.line.delay + back.line.delay
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(out.read(client, round_trip if self._relay.charge_connect else 0.0))
                group.create_task(out.write(server, back.line.delay))
                group.create_task(back.read(server, 0.0))
                group.create_task(back.write(client, out.line.delay))
        except* _Broken:
            self._hard = True

    async def _connect(self) -> socket.socket:
        problem = OSError(errno.EADDRNOTAVAIL, "no address")
        for family, address in self._relay.targets:
            server = socket.socket(family, socket.SOCK_STREAM)
            self._sockets.append(server)
            try:
                _prepare(server)
                await asyncio.get_running_loop().sock_connect(server, address)
                return server
            except OSError as error:
                problem = error
        raise problem

    def _close(self, task: asyncio.Task[None]) -> None:
        for each in self._sockets:
            if self._hard:
                with suppress(OSError):  # it never was connected
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            each.close()
        self._over.set()

    async def abandon(self) -> None:
        """Close both sides, whatever is under way."""
        self._task.cancel()
        await self._over.wait()


class Relay:
    """Listens on `port` of `host`, connects each client to the target, and stands between them.

    delay: seconds one way, or a pair (to the server, to the client). rate: octets a second, likewise.
    buffer: octets that may be on the line each way; more wait in the kernel, so throughput is at most
    buffer / delay. record: octets kept per conversation. charge_connect: see the head of this file.
    Raises ValueError with every mistake at once; OSError when the address is taken or the target's name
    is unknown.

        async with Relay("127.0.0.1", server.port, delay=0.025) as relay:
            ... use relay.port ...
            relay.conversations[0].chunks
    """

    def __init__(
        self,
        target_host: str,
        target_port: int,
        delay: float | tuple[float, float] = 0.0,
        *,
        rate: float | tuple[float, float] | None = None,
        buffer: int = 4 << 20,
        record: int = 16 << 20,
        charge_connect: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self.target_host, self.target_port = target_host, target_port
        self.host, self.port = host, port
        self.buffer, self.record, self.charge_connect = buffer, record, charge_connect
        self.conversations: list[Conversation] = []
        self.targets: list[tuple[int, Any]] = []
        self._delays = _pair(delay)
        self._rates = _pair(math.inf if rate is None else rate)
        self._given_clock = clock
        self._stalled = False
        _validate(self, self._delays, self._rates)

    def line(self, way: Direction) -> tuple[float, float]:
        """Delay (seconds) and rate (octets a second) of one direction."""
        return self._delays[way], self._rates[way]

    @property
    def round_trip(self) -> float:
        """Seconds that the relay adds to a question and its answer."""
        return sum(self._delays.values())

    async def __aenter__(self) -> Relay:
        loop = asyncio.get_running_loop()
        self.clock = self._given_clock or _SystemClock(loop)
        self.wake_early = 0.0 if self._given_clock else _WAKE_EARLY
        self.targets = await _resolve(self.target_host, self.target_port)
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=1024)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._accepting = loop.create_task(self._accept())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._listener.close()
        for conversation in self.conversations:
            await conversation.abandon()

    def stall(self) -> None:
        """Let nothing through, on the open conversations and on those to come."""
        self._stalled = True
        for conversation in self.conversations:
            conversation.stall()

    def resume(self) -> None:
        """End the stall everywhere."""
        self._stalled = False
        for conversation in self.conversations:
            conversation.resume()

    def reset(self) -> None:
        """Reset every open conversation."""
        for conversation in self.conversations:
            if not conversation.closed:
                conversation.reset()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(self._listener)
            except OSError as problem:
                # Anything else is the end of one client, who left while waiting.
                await asyncio.sleep(_SHORTAGE_PAUSE if problem.errno in _SHORTAGES else 0)
                continue
            try:
                _prepare(client)
                conversation = Conversation(self, client)
            except OSError:
                client.close()  # gone between accept and getpeername
                continue
            self.conversations.append(conversation)
            if self._stalled:
                conversation.stall()


async def _resolve(host: str, port: int) -> list[tuple[int, Any]]:
    """Families and addresses of a host. Only a name needs the loop's threads; a number is read at once."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        found = [*await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    return [(int(family), address) for family, _, _, _, address in found]


def _prepare(connection: socket.socket) -> None:
    connection.setblocking(False)
    # Two Nagle algorithms in a row would add delays of their own (RFC 9293 §3.7.4).
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _pair(value: float | tuple[float, float]) -> dict[Direction, float]:
    to_server, to_client = value if isinstance(value, tuple) else (value, value)
    return {Direction.TO_SERVER: to_server, Direction.TO_CLIENT: to_client}


def _validate(relay: Relay, delays: dict[Direction, float], rates: dict[Direction, float]) -> None:
    """Every mistake at once, each with its value, the reason and the repair."""
    mistakes = []
    for way in Direction:
        if not 0 <= delays[way] < math.inf:
            mistakes.append(f"delay {delays[way]} {way.value}: not a time in seconds; use 0 for none")
        if not rates[way] > 0:
            mistakes.append(f"rate {rates[way]} {way.value}: nothing would arrive; use None for no limit")
    if relay.buffer < 1:
        mistakes.append(f"buffer {relay.buffer}: octets on the line; at least 1")
    if relay.record < 0:
        mistakes.append(f"record {relay.record}: octets to keep; 0 keeps none")
    for name, port, least in (("target_port", relay.target_port, 1), ("port", relay.port, 0)):
        if not least <= port <= 65535:
            mistakes.append(f"{name} {port}: a TCP port is {least} to 65535")
    if mistakes:
        raise ValueError("\n".join(mistakes))
