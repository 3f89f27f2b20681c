"""A TCP relay between a client and a server: the wire tap, the distance and the fault injector of the labs.

Here lives what stands between two sockets. How long octets are on their way is computed by
`netlab.capture.delayline`; the relay never looks into them: `netlab.capture` reads what it recorded.

What it cannot do: a relay in user space sees a connection only after the kernel has answered its SYN, so
it cannot delay a SYN. A connect through it costs no round trip, however far away it pretends the server
to be. A measurement must charge the connect one more round trip, and say so;
`charge_connect=True` does the first: it holds back what the client sends first for as long as the
handshake would have taken.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from netlab.capture import Captured, Chunk, Direction, Endpoint, compose
from netlab.capture.delayline import ROUNDING, DelayLine, Ending

_READ_SIZE = 256 << 10

# epoll counts whole milliseconds, and asyncio and the selector each round up: 9 ms become 11. So: wake early,
# then yield to the event loop until the moment has come. That costs up to 2 ms of one core for each arrival.
_LATE = 0.002

# Out of descriptors or memory: wait a little; the client waits in the backlog meanwhile.
_SHORTAGES = {errno.EMFILE: 0.05, errno.ENFILE: 0.05, errno.ENOBUFS: 0.05, errno.ENOMEM: 0.05}

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds: close() sends RST instead of FIN


class Clock(NamedTuple):
    """Time, as the relay needs it: seconds that never go back, and a loop's call_later, which may be late."""

    time: Callable[[], float]
    call_later: Callable[[float, Callable[[], object]], Any]
    late: float = 0.0  # seconds; callbacks are ordered this much early


# struct tcp_info of Linux (linux/tcp.h): milliseconds since the last ACK, and the round trip in microseconds.
_TCP_INFO = struct.Struct("=56xI8xI")


class TcpOpening(NamedTuple):
    """A client's handshake, in seconds: from our SYN-ACK to its ACK, and from that to our accept()."""

    round_trip: float
    waited: float


def opening(accepted: socket.socket) -> TcpOpening | None:
    """What the kernel tells of the handshake of a connection that was just accepted (TCP_INFO in tcp(7)).

    None where the system does not tell. A SYN itself has no time: it is what the SYN-ACK answers at once.
    """
    try:
        info = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        waited, round_trip = _TCP_INFO.unpack(info)
    except (OSError, AttributeError, struct.error):
        return None
    return TcpOpening(round_trip / 1e6, waited / 1e3)


class _Broken(Exception):
    """The connection was reset: by one side, or on command."""


class _Pump:
    """One direction of a conversation: a reader that fills the delay line and a writer that empties it."""

    def __init__(self, conversation: Conversation, way: Direction, line: DelayLine, buffer: int) -> None:
        self.way, self.line = way, line
        self._conversation, self._buffer = conversation, buffer
        self._changed = asyncio.Event()  # something entered, left, or was resumed
        self.stalled = False

    def stall(self, stalled: bool) -> None:
        self.stalled = stalled
        self._changed.set()

    async def read(self, source: socket.socket, held_back: float) -> None:
        """Fill the line from source until it ends; the first octets wait held_back seconds beforehand."""
        loop, clock = asyncio.get_running_loop(), self._conversation.clock
        while self.line.ending is None:
            while self.stalled or self.line.held >= self._buffer:
                await self._change()  # backpressure: meanwhile the kernel slows the sender
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
                self._conversation.endings.setdefault(self.way, (now - self._conversation.started, ending))
                self.line.end(now + held_back, ending)
            held_back = 0.0
            self._changed.set()

    async def write(self, sink: socket.socket, way_back: float) -> None:
        """Empty the line into sink. Raises _Broken on a reset; on one of the sink, way_back seconds later."""
        loop, clock = asyncio.get_running_loop(), self._conversation.clock
        while True:
            due = self.line.due()
            if due is None or self.stalled:
                await self._change()
            elif due - clock.time() > ROUNDING:
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
            else:
                await asyncio.sleep(0)  # a rounding short of the moment: never spin without the loop

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Conversation:
    """One connection through the relay, and what went over it.

    chunks: what was read from either side and when, in seconds since the client was accepted;
    recorded_all is False once more than the limit went by. octets: how many went each way, always
    counted. error: why the target could not be reached, or None. started_ns: when it began, in
    nanoseconds since 1970; started: on the relay's clock. endings: for each way that has ended, when its
    sender did so, in seconds as of chunks, and how. server_side: the relay's own address towards the
    target, or None before it is connected; connected: when that was, in seconds as of chunks. opening: the
    client's handshake as the kernel saw it, see `TcpOpening`.
    """

    def __init__(self, relay: Relay, client: socket.socket, address: Endpoint) -> None:
        self.clock = relay.clock
        self.started_ns, self.started = time.time_ns(), relay.clock.time()
        self.client, self.server = address, Endpoint(relay.target_host, relay.target_port)
        self.chunks: list[Chunk] = []
        self.octets = dict.fromkeys(Direction, 0)
        self.endings: dict[Direction, tuple[float, Ending]] = {}
        self.server_side: Endpoint | None = None
        self.connected: float | None = None
        self.opening = opening(client)
        self.recorded_all = True
        self.error: str | None = None
        self._relay = relay
        self._sockets = [client]
        self._hard = False
        self._over = asyncio.Event()
        self._pumps = {
            way: _Pump(self, way, DelayLine(relay.delays[way], relay.rates[way]), relay.buffer)
            for way in Direction
        }
        self._task = asyncio.get_running_loop().create_task(self._run(client))
        self._task.add_done_callback(self._close)

    def __repr__(self) -> str:
        passed = ", ".join(f"{octets} octets {way.value}" for way, octets in self.octets.items())
        return f"<Conversation {self.client} {'closed' if self.closed else 'open'}, {passed}>"

    @property
    def closed(self) -> bool:
        """Both sockets are closed."""
        return self._over.is_set()

    async def wait_closed(self) -> None:
        """Return when it is over."""
        await self._over.wait()

    async def abandon(self) -> None:
        """End it, whatever is under way."""
        self._task.cancel()
        await self._over.wait()

    def content(self, direction: Direction) -> bytes:
        """What was recorded one way."""
        return b"".join(chunk.data for chunk in self.chunks if chunk.direction is direction)

    def composed(self) -> list[Captured]:
        """The recording as packets that tools can open; the octets are real, the packets are made up."""
        return compose(self.client, self.server, self.chunks, self.started_ns)

    def stall(self, direction: Direction | None = None) -> None:
        """Stop reading and delivering, one way or both; what is on the line stays there until `resume`."""
        for way, pump in self._pumps.items():
            pump.stall(pump.stalled or direction in (None, way))

    def resume(self, direction: Direction | None = None) -> None:
        """Let octets flow again."""
        for way, pump in self._pumps.items():
            pump.stall(pump.stalled and direction not in (None, way))

    def reset(self) -> None:
        """Send RST to both sides now; what is on the line is lost."""
        self._hard = True
        self._task.cancel()

    def record(self, way: Direction, now: float, data: bytes) -> None:
        """Count octets and keep them, as far as the limit allows."""
        room = self._relay.record - sum(self.octets.values())
        self.octets[way] += len(data)
        if room >= len(data):
            self.chunks.append(Chunk(way, now - self.started, data))
        else:
            self.recorded_all = False

    async def until(self, moment: float) -> None:
        """Return at moment on the clock, not up to two milliseconds later as the event loop would."""
        if (wait := moment - self.clock.time() - self.clock.late) > 0:
            woken = asyncio.Event()
            timer = self.clock.call_later(wait, woken.set)
            try:
                await woken.wait()
            finally:
                timer.cancel()
        while moment - self.clock.time() > ROUNDING:
            await asyncio.sleep(0)

    async def _run(self, client: socket.socket) -> None:
        try:
            _prepare(client)
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
                self.server_side = Endpoint(*server.getsockname()[:2])
                self.connected = self.clock.time() - self.started
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
        self.delays = _pair(delay)
        self.rates = _pair(math.inf if rate is None else rate)
        self._given_clock = clock
        self._stalled = False
        _validate(self)

    @property
    def round_trip(self) -> float:
        """Seconds that the relay adds to a question and its answer."""
        return sum(self.delays.values())

    async def __aenter__(self) -> Relay:
        loop = asyncio.get_running_loop()
        self.clock = self._given_clock or Clock(time.monotonic, loop.call_later, _LATE)
        # A name is looked up once and at once: the target of a lab is a neighbour.
        found = socket.getaddrinfo(self.target_host, self.target_port, type=socket.SOCK_STREAM)
        self.targets = [(int(family), address) for family, _, _, _, address in found]
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=1024)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._accepting = loop.create_task(self._accept())
        return self

    async def __aexit__(self, *error: object) -> None:
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
            conversation.reset()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, address = await loop.sock_accept(self._listener)
            except OSError as problem:
                # Anything else is the end of one client, which left while it waited.
                await asyncio.sleep(_SHORTAGES.get(problem.errno or 0, 0))
                continue
            self.conversations.append(Conversation(self, client, Endpoint(*address[:2])))
            if self._stalled:
                self.conversations[-1].stall()


def _prepare(connection: socket.socket) -> None:
    connection.setblocking(False)
    # Two Nagle algorithms in a row would add delays of their own (RFC 9293 §3.7.4).
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _pair(value: float | tuple[float, float]) -> dict[Direction, float]:
    to_server, to_client = value if isinstance(value, tuple) else (value, value)
    return {Direction.TO_SERVER: to_server, Direction.TO_CLIENT: to_client}


def _validate(relay: Relay) -> None:
    """Every mistake at once, each with its value, the reason and the repair."""
    mistakes = []
    for way in Direction:
        delay, rate = relay.delays[way], relay.rates[way]
        if not 0 <= delay < math.inf:
            mistakes.append(f"delay {delay} {way.value}: not a time in seconds; use 0 for none")
        if not rate > 0:
            mistakes.append(f"rate {rate} {way.value}: nothing would arrive; use None for no limit")
    if relay.buffer < 1:
        mistakes.append(f"buffer {relay.buffer}: octets on the line; at least 1")
    if relay.record < 0:
        mistakes.append(f"record {relay.record}: octets to keep; 0 keeps none")
    for name, port, least in (("target_port", relay.target_port, 1), ("port", relay.port, 0)):
        if not least <= port <= 65535:
            mistakes.append(f"{name} {port}: a TCP port is {least} to 65535")
    if mistakes:
        raise ValueError("\n".join(mistakes))
