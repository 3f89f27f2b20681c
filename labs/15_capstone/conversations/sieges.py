"""The assembled server under siege: slow clients, a full house, a stop. Lab 14's loop, with our clock.

A step is a sentence: `x connects` (`x connects slowly`: with a small window), `x sends GET` (from BYTES),
`x takes 9000` (bytes of an answer), `x leaves`, `9.5 pass`, `stops` (SIGTERM). Or it is what must be seen:
`x gets 200`, `x gets nothing`, `x sees end` (FIN), `x sees reset`, `2 stay` (connections), `the door is shut`
(the selector does not watch the listener). The loop turns behind each step; `&` joins steps without a turn
between them.
"""

from __future__ import annotations

import errno
import re
import select
import socket
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any, NamedTuple

import assembled

LATE = "RFC 9110 §15.5.9"
STALLED = "RFC 9112 §8"
RESIST = "RFC 9112 §9.5"
STOP = "RFC 9112 §9.6"
ACCEPT = "accept(2)"

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
BYTES = {
    "GET": GET,
    "HALF": GET[:9],
    "BYTE": b"x",
    "REST": GET[9:],
    "POST": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
    "KIB": bytes(1024),
    "5KIB": bytes(5 * 1024),
    "BIG": GET.replace(b"/ ", b"/big ", 1),
    "BYE": GET[:-2] + b"Connection: close\r\n\r\n",
}
STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
PATIENCE = 5.0  # seconds that a client waits for what must come


class Stood(NamedTuple):
    """A siege: the steps, and the server's limit of descriptors (half of it is room for connections)."""

    rule: str
    steps: str
    descriptors: int = 16


STOOD = (
    Stood(
        LATE,
        "x connects; x sends HALF; 9.5 pass; x gets nothing; 0.5 pass; x gets 408; x sees end; "
        "5 pass; 0 stay",
    ),
    Stood(LATE, "x connects; x sends HALF; 6 pass; x sends BYTE; 4 pass; x gets 408"),
    Stood(LATE, "x connects; 9.5 pass; x gets nothing; 0.5 pass; x sees end; 0 stay"),
    Stood(RESIST, "x connects; x sends GET; x gets 200; 74 pass; x gets nothing; 1 pass; x sees end"),
    Stood(LATE, "x connects; x sends GET; x gets 200; x sends HALF; 10 pass; x gets 408"),
    Stood(RESIST, "x connects; x sends HALF; 10 pass; x gets 408; 3 pass; x sends BYTE; 2 pass; 0 stay"),
    # A slow content, and one that has stopped
    Stood(LATE, "x connects; x sends POST; 10 pass; x gets nothing; 20 pass; x gets 408"),
    Stood(LATE, "x connects; x sends POST; x sends KIB; 30 pass; x gets nothing; 30 pass; x gets 408"),
    Stood(LATE, "x connects; x sends POST; 29 pass; x sends BYTE; 1 pass; x gets 408"),
    Stood(LATE, "x connects; x sends POST; x sends 5KIB; 30 pass; x gets nothing; 30 pass; x gets 408"),
    # A slow reader, and one that has stopped
    Stood(STALLED, "x connects slowly; x sends BIG; 30 pass; 30 pass; x sees reset; 0 stay"),
    Stood(
        STALLED,
        "x connects slowly; x sends BIG; 30 pass; x takes 99000; 30 pass; x takes 99000; 30 pass; "
        "x takes 99000; 1 stay",
    ),
    # A full house
    Stood(
        ACCEPT,
        "x connects & y connects & y sends GET; 1 stay; the door is shut; y gets nothing; x leaves; "
        "y gets 200",
        descriptors=2,
    ),
    Stood(
        ACCEPT,
        "x connects & y connects & z connects; 2 stay; x sends BYE; x gets 200; x leaves; 2 stay; y leaves; "
        "z leaves; w connects; w sends GET; w gets 200",
        descriptors=4,
    ),
    # A stop
    Stood(
        STOP,
        "x connects; x sends GET; x gets 200; stops; 0.2 pass; x gets nothing; x sends GET; x gets 200; "
        "x sees end",
    ),
    Stood(STOP, "x connects; x sends GET; x gets 200; stops; 0.3 pass; x sees end; 0 stay"),
    Stood(STOP, "x connects; stops; 0.2 pass; x gets nothing; 0.1 pass; x sees end"),
    Stood(
        STOP, "x connects; x sends HALF; stops; 1 pass; x gets nothing; x sends REST; x gets 200; x sees end"
    ),
    Stood(STOP, "x connects & x sends GET & stops; x gets 200; x sees end"),
    Stood(STOP, "x connects; x sends POST; 1 pass; stops; 30 pass; 0 stay"),
    Stood(STOP, "x connects; x sends GET; x gets 200; stops; x sends GET & 0.3 pass; x gets 200; x sees end"),
    Stood(LATE, "x connects; x sends HALF; x sends REST & 10 pass; x gets 200"),
)


class Listener(socket.socket):
    """A listener whose `accept` fails by a list of error numbers, and counts."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.failures: list[int] = []
        self.asked = 0
        self.bind(("127.0.0.1", 0))
        self.listen(128)

    def accept(self) -> tuple[socket.socket, Any]:
        """The next client, or the next error."""
        self.asked += 1
        if self.failures:
            raise OSError(self.failures.pop(0), "by the script")
        return super().accept()


class Siege:
    """The assembled server on a socket, its clients and its clock."""

    def __init__(self, parts: Any, mine: Any, descriptors: int = 16) -> None:
        self.now = 1000.0
        self.code = parts["siege"]
        self.listener = Listener()
        gate = self.code.Gate(descriptors)
        self.loop = assembled.Assembled(parts, mine, self.listener, gate=gate, clock=lambda: self.now)
        self.clients: dict[str, socket.socket] = {}

    def settle(self) -> None:
        """Turn until the server has dealt with everything that the clients have done."""
        for _ in range(2):
            self.code.turn(self.loop, 0)

    def send(self, name: str, data: bytes) -> None:
        """A client sends, and the server's kernel has it: then the next turn reads it."""
        client, end = self.clients[name], time.monotonic() + PATIENCE
        client.sendall(data)
        while (held := assembled.siege_loop.unconfirmed(client)) and time.monotonic() < end:
            time.sleep(0.001)
        if held is None:  # the system does not tell
            time.sleep(0.02)

    def connect(self, name: str, *, slowly: bool = False) -> None:
        """A client connects; the kernel answers it, whether the server accepts it or not."""
        client = self.clients[name] = socket.socket()
        if slowly:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(self.listener.getsockname())
        client.setblocking(False)
        if self.listener.fileno() >= 0:  # in the queue of the kernel: then the next turn accepts it
            select.select([self.listener], [], [], PATIENCE)

    def receive(self, name: str, size: int = 1 << 30, *, until_end: bool = False) -> tuple[bytes, str]:
        """What comes, and how it ended: "", "end" or "reset". Waits until all of an answer has come."""
        got, deadline = b"", time.monotonic() + PATIENCE
        while len(got) < size and time.monotonic() < deadline:
            try:
                data = self.clients[name].recv(min(size - len(got), 65536))
            except BlockingIOError:
                if got and not until_end and _whole(got):
                    break
                self.code.turn(self.loop, 0.002)
                continue
            except ConnectionError:
                return got, "reset"
            if not data:
                return got, "end"
            got += data
        return got, ""

    def close(self) -> None:
        """Nothing stays open."""
        for client in self.clients.values():
            client.close()
        for connection in list(self.loop.connections):
            self.loop.close(connection)
        self.loop.selector.close()
        self.listener.close()


def _whole(wire: bytes) -> bool:
    """Is there all of an answer?"""
    head, end, content = wire.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: ([0-9]+)", head)
    return bool(end) and len(content) >= (int(length[1]) if length else 0)


def stands(parts: Any, mine: Any) -> Iterator[str]:
    """Each siege, until something is otherwise than it must be."""
    for stood in STOOD:
        if " takes " in stood.steps and not _tells():
            continue
        siege = Siege(parts, mine, stood.descriptors)
        try:
            for turn in stood.steps.split("; "):
                if differs := _turned(siege, turn):
                    yield f"{stood.steps}: {turn}: {differs} ({stood.rule})"
                    break
        finally:
            siege.close()


def _tells() -> bool:
    """Does the system tell how much of an answer a client has taken?"""
    one, other = socket.socketpair()
    with one, other:
        return assembled.siege_loop.unconfirmed(one) is not None


def _turned(siege: Siege, turn: str) -> str:
    """Play the steps of one turn: how it differs."""
    for step in turn.split(" & "):
        differs = _step(siege, step)
        if differs is not None:
            return differs
    siege.settle()
    return ""


def _step(siege: Siege, step: str) -> str | None:
    """Do one thing; or look at one, and say how it differs: "" when it does not."""
    subject, _, rest = step.partition(" ")
    verb, _, what = rest.partition(" ")
    if verb in ("gets", "sees", "stay", "door"):
        return _seen(siege, subject, verb, what)
    if subject == "stops":
        siege.code.stop(siege.loop)
    elif verb == "connects":
        siege.connect(subject, slowly=what == "slowly")
    elif verb == "sends":
        siege.send(subject, BYTES[what])
    elif verb == "takes":
        siege.receive(subject, int(what))
    elif verb == "leaves":
        siege.clients.pop(subject).close()
    else:
        siege.now += float(subject)
    return None


def _seen(siege: Siege, subject: str, verb: str, what: str) -> str:
    """Does a client, or the server, see what it must?"""
    if verb == "stay":
        return (
            "" if len(siege.loop.connections) == int(subject) else f"{len(siege.loop.connections)} are open"
        )
    if verb == "door":
        watched = siege.listener in siege.loop.selector.get_map()
        return "the selector reports the listener in each turn" if watched else ""
    if what == "nothing":
        try:
            return f"it got {siege.clients[subject].recv(80)!r}"
        except BlockingIOError:
            return ""
        except ConnectionError:
            return "it was reset"
    got, end = siege.receive(subject, until_end=verb == "sees")
    if verb == "sees":
        return "" if end == what else f"it saw {end or 'none'}"
    found = b" ".join(STATUS.findall(got[:2000])[:1]).decode()
    return (
        ""
        if found == what or (found == "" and what in got[:2000].decode("latin-1"))
        else f"it got {found or 'none'}"
    )


# -- accepting: (the error of accept, how often it is asked in that turn, the pause in s, is it raised?) -----

PAUSED = (
    (errno.EMFILE, 1, 0.25, False),
    (errno.ENFILE, 1, 0.25, False),
    (errno.ENOBUFS, 1, 0.25, False),
    (errno.ENOMEM, 1, 0.25, False),
    (errno.ECONNABORTED, 3, 0.0, False),  # once more, for the client; then none waits
    (errno.EBADF, 1, 0.0, True),
)
WAITING = 70  # clients in the queue: more than are accepted in one turn


def accepts(parts: Any, mine: Any) -> Iterator[str]:
    """A client connects while `accept` fails."""
    for number, asked, pause, raised in PAUSED:
        siege = Siege(parts, mine)
        try:
            siege.connect("x")
            siege.listener.failures = [number]
            if differs := _accepted(siege, asked, pause, raised):
                yield f"accept fails with {errno.errorcode[number]}: {differs} ({ACCEPT})"
        finally:
            siege.close()
    yield from _in_batches(parts, mine)
    yield from _frees_a_place(parts, mine)
    yield from _holds(parts, mine)


def _accepted(siege: Siege, asked: int, pause: float, raised: bool) -> str:
    code, loop = siege.code, siege.loop
    found = False
    try:
        code.turn(loop, PATIENCE)
    except OSError:
        found = True
    if found is not raised:
        return f"expected {'the error' if raised else 'no error'}, got {'it' if found else 'none'}"
    if siege.listener.asked != asked:
        return f"expected {asked} calls of accept in the turn, got {siege.listener.asked}"
    if pause:
        siege.now += pause - 0.01
        code.turn(loop, 0)
        if loop.connections:
            return f"it is asked again before {pause} s have passed"
        siege.now += 0.01
        code.turn(loop, PATIENCE)
    return "" if raised or len(loop.connections) == 1 else "the client that waits is not accepted"


def _in_batches(parts: Any, mine: Any) -> Iterator[str]:
    """Many are let in in one turn, and not all."""
    siege = Siege(parts, mine, 512)
    try:
        for number in range(WAITING):
            siege.connect(str(number))
        siege.code.turn(siege.loop, PATIENCE)
        if len(siege.loop.connections) != siege.code.ACCEPT:
            differs = f"expected {siege.code.ACCEPT} in one turn, got {len(siege.loop.connections)}"
            yield f"{WAITING} clients wait to be accepted: {differs} ({ACCEPT})"
    finally:
        siege.close()


def _frees_a_place(parts: Any, mine: Any) -> Iterator[str]:
    """A descriptor that is free again ends the pause."""
    siege = Siege(parts, mine)
    try:
        siege.connect("x")
        siege.settle()
        (first,) = siege.loop.connections
        siege.connect("y")
        siege.listener.failures = [errno.EMFILE]
        siege.settle()
        siege.clients.pop("x").close()
        end = time.monotonic() + PATIENCE
        while (first in siege.loop.connections or not siege.loop.connections) and time.monotonic() < end:
            siege.code.turn(siege.loop, 0.01)
        if len(siege.loop.connections) != 1:
            yield f"a client leaves during a pause: expected the next one in its place, got none ({ACCEPT})"
    finally:
        siege.close()


def _holds(parts: Any, mine: Any) -> Iterator[str]:
    """A busy connection costs no more memory than a quiet one: the table has one deadline for it."""
    siege = Siege(parts, mine)
    deadlines, name = siege.loop.deadlines, object()
    try:
        deadlines.set(name, 10)
        tracemalloc.start()
        for _ in range(1000):
            deadlines.set(name, 10)
        grown = tracemalloc.get_traced_memory()[0]
        if grown > 20_000:
            yield f"1000 deadlines of one connection: {grown:,} bytes are held, and one would do ({RESIST})"
    finally:
        tracemalloc.stop()
        siege.close()
