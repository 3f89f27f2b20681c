"""The server that the joints of solution.py (or of yours) make of the labs' parts: lab 14's loop, and an app.

`Talk` is the same server without a socket: bytes in, bytes out. The checks and labs-verify speak with it.
Left to netlab: TLS, files, ranges, workers.
"""

from __future__ import annotations

import contextlib
import importlib.util
import selectors
import socket
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any

import film

FOLDER = Path(__file__).resolve().parent
# The labs that the server takes a part from, by slug, and what it is.
PARTS = {
    "framing": "lab 02: where a message ends",
    "preflight": "lab 03: CORS",
    "keep_alive": "lab 09: the connection goes on",
    "pool": "lab 11: the client's pool",
    "chunked": "lab 12: the chunked coding",
    "river": "lab 13: streaming",
    "siege": "lab 14: deadlines, limits, drain",
}
ORIGIN = "https://app.example"
MIB = 1 << 20
BIG = bytes(4 * MIB)  # of /big: made once, for a slow reader must cost no work
# Answers of the application that a server must not send as they are: (status, content, field lines).
PAGES: dict[str, tuple[int, bytes, list[tuple[str, str]]]] = {
    "/vary": (200, b"hello", [("Vary", "Accept-Encoding, origin")]),
    "/cookies": (200, b"hello", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]),
    "/named": (200, b"hello", [("content-length", "99"), ("CONNECTION", "keep-alive")]),
    "/cached": (304, b"hello", []),
    "/nothing": (204, b"hello", []),
    "/goodbye": (200, b"hello", [("connection", "close")]),
}


def _siege_loop() -> ModuleType:
    """Lab 14's loop, from its own folder."""
    path = FOLDER.parent / "14_siege" / "siege_loop.py"
    spec = importlib.util.spec_from_file_location("capstone_siege_loop", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


siege_loop = _siege_loop()


class Misconfigured(ValueError):
    """The server does not start with this policy. settings: those that cannot be right, by lab 03."""

    def __init__(self, settings: list[str]) -> None:
        super().__init__(f"the CORS policy cannot be right: look at {', '.join(settings)}")
        self.settings = settings


def policy(parts: Mapping[str, ModuleType]) -> Any:
    """One origin, two methods, one header."""
    return parts["preflight"].Policy([ORIGIN], methods=["PUT", "DELETE"], headers=["content-type"])


def guarded(parts: Mapping[str, ModuleType], mine: Any, chosen: Any = None) -> Any:
    """The application behind a CORS policy, `policy` without another. Raises Misconfigured."""
    chosen = chosen or policy(parts)
    if mistakes := parts["preflight"].mistakes(chosen):
        raise Misconfigured(mistakes)
    return mine.guarded(parts, chosen, app(parts))


def app(parts: Mapping[str, ModuleType]) -> Callable[[Any], Any]:
    """The application: it greets, or sends back what it got. PAGES has the others; /big is 4 MiB."""
    response = parts["keep_alive"].Response
    known = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}

    def answer(request: Any) -> Any:
        if request.method not in known:
            return response(501)
        if request.target == "/fails":
            raise RuntimeError("this page always fails")
        if request.target == "/big":
            return response(200, BIG)
        if request.target == "/asked":
            return response(200, as_read(request))
        if request.target in PAGES:
            return response(*PAGES[request.target])
        return response(200, request.content or b"hello")

    return answer


def as_read(request: Any) -> bytes:
    """The request as the server's parts have read it: first line, field lines, content."""
    lines = [f"{request.method} {request.target} HTTP/1.{request.minor}"]
    lines += [f"{name}: {value}" for name, value in request.fields]
    return "\n".join([*lines, "", ""]).encode("latin-1") + bytes(request.content)


def pieces(target: str) -> Iterator[bytes]:
    """/stream?mib=N: N MiB, one at a time. /stream?words: a producer that has nothing to say in between."""
    if target.endswith("?words"):
        yield from (b"one", b"", b"two")
        return
    number = target.partition("mib=")[2]
    for _ in range(int(number) if number.isdecimal() and len(number) < 5 else 1):
        yield bytes(MIB)


def refusal(status: int) -> bytes:
    """The last answer: what came is no request."""
    phrase = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()


def answered(
    parts: Mapping[str, ModuleType],
    mine: Any,
    handler: Any,
    body: Any,
    stopping: bool,
    reel: film.Film | None = None,
) -> tuple[Iterator[bytes], bool]:
    """The answer to a whole request, piece by piece, and whether it is the last. reel: the film of /film."""
    request = body.request
    if request.target.partition("?")[0] == "/film" and request.method == "GET":
        return film.shown(parts["river"], request, reel), True
    if request.target.startswith("/stream") and request.method in ("GET", "HEAD"):
        goes_on = parts["keep_alive"].persists(request.minor, request.fields) and request.minor >= 1
        return mine.stream(
            parts, request, pieces(request.target), stopping or not goes_on
        ), stopping or not goes_on
    wire, last = mine.exchange(parts, handler, request, body.content, stopping)
    return iter((wire,)), last


class Talk:
    """One connection without a socket: bytes in, bytes out. closing: the last answer was given."""

    def __init__(
        self, parts: Mapping[str, ModuleType], mine: Any, chosen: Any = None, reel: Any = None
    ) -> None:
        self.parts, self.mine, self.reel = parts, mine, reel
        self.limits = parts["siege"].Limits()
        self.reader = parts["siege"].HeadReader(self.limits)
        self.handler = guarded(parts, mine, chosen)
        self.body: Any = None
        self.stopping = self.closing = False

    def feed(self, data: bytes) -> bytes:
        """The answers to what is whole now."""
        out = b""
        while data and not self.closing:
            try:
                if self.body is None:
                    whole = self.reader.feed(data)
                    if whole is None:
                        return out
                    head, data = whole
                    self.reader = self.parts["siege"].HeadReader(self.limits)
                    self.body = self.mine.Body(self.parts, self.mine.read_head(self.parts, head))
                if not self.body.whole:
                    data = self.body.feed(data)
                if self.body.whole:
                    wire, self.closing = answered(
                        self.parts, self.mine, self.handler, self.body, self.stopping, self.reel
                    )
                    out += b"".join(wire)
                    self.body = None
            except self.parts["siege"].Refused as refused:
                self.closing = True
                out += refusal(refused.status)
        return out


class Assembled(siege_loop.Loop):  # type: ignore[misc, name-defined]
    """Lab 14's loop with the other labs' parts in it."""

    def __init__(
        self, parts: Mapping[str, ModuleType], mine: Any, listener: socket.socket, **options: Any
    ) -> None:
        gate = options.pop("gate", None) or parts["siege"].Gate(1024)
        super().__init__(parts["siege"], listener, None, gate, **options)
        self.parts, self.mine = parts, mine
        self.handler = guarded(parts, mine)

    def welcome(self, sock: socket.socket) -> None:
        """A new connection, which has no body yet."""
        super().welcome(sock)
        for connection in self.connections:
            if connection.sock is sock:
                connection.body = None

    def parse(self, connection: Any, data: bytes) -> bytes:
        """Take part of a request, and answer it once it is whole. Returns what is left. Raises Refused."""
        if connection.phase is self.code.Phase.HEAD:
            whole = connection.reader.feed(data)
            if whole is None:
                return b""
            head, data = whole
            connection.reader = self.code.HeadReader(self.limits)
            connection.body = self.mine.Body(self.parts, self.mine.read_head(self.parts, head))
            if not connection.body.whole:
                self.note(connection, self.code.Event.CONTENT_FOLLOWS)
                self.go_on(connection)
        before = len(data)
        if not connection.body.whole:
            data = connection.body.feed(data)
        connection.received += before - len(data)
        if connection.body.whole:
            wire, last = answered(
                self.parts, self.mine, self.handler, connection.body, self.stopping is not None
            )
            connection.last = last
            self.send(connection, wire)
        return data

    def go_on(self, connection: Any) -> None:
        """The client waits for 100 (Continue) before it sends its content. RFC 9110 §10.1.1"""
        head = connection.body.request
        expected = [value.lower() for name, value in head.fields if name == "expect"]
        if expected == ["100-continue"] and head.minor:
            with contextlib.suppress(OSError):
                connection.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def close(self, connection: Any) -> None:
        """End a connection in order. An answer that is on its way learns that its client has left."""
        super().close(connection)
        getattr(getattr(connection, "wire", None), "close", lambda: None)()

    def respond(self, connection: Any, status: int, content: bytes) -> None:
        """Refuse: the last answer on this connection."""
        connection.last = True
        self.send(connection, iter((refusal(status),)))

    def send(self, connection: Any, wire: Iterator[bytes]) -> None:
        """Begin an answer."""
        connection.wire, connection.piece, connection.sent = wire, memoryview(b""), 0
        self.note(connection, self.code.Event.REQUEST_WHOLE)
        self.write(connection)

    def write(self, connection: Any) -> None:
        """Send what the kernel takes. One piece is in memory: the next is asked for when it has gone."""
        try:
            while connection.piece or (piece := next(connection.wire, None)) is not None:
                connection.piece = connection.piece or memoryview(piece)
                sent = connection.sock.send(connection.piece)
                connection.piece = connection.piece[sent:]
                connection.sent += sent
        except BlockingIOError:
            self.selector.modify(connection.sock, selectors.EVENT_WRITE, connection)
            return
        except film.Cut:
            self.reset(connection)
            return
        except OSError:
            self.close(connection)
            return
        self.selector.modify(connection.sock, selectors.EVENT_READ, connection)
        event = self.code.Event
        self.note(connection, event.LAST_SAID if connection.last else event.ANSWERED)
        if connection.last:
            with contextlib.suppress(OSError):  # the client was faster
                connection.sock.shutdown(socket.SHUT_WR)
