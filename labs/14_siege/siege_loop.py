"""The server that the rules of solution.py (or of yours) govern: sockets, a selector, reading and writing.

It is of few words: heads are split and not checked (lab 02 does that), a content has a Content-Length or
there is none, and a client that half-closes is taken to have left. One thread, one selector, no wait without
a bound.
"""

from __future__ import annotations

import contextlib
import fcntl
import selectors
import socket
import sys
import termios
import time
from collections.abc import Callable
from typing import Any

RECEIVE = 64 * 1024  # bytes of one read

REASONS = {
    200: "OK",
    400: "Bad Request",
    408: "Request Timeout",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
}


class Connection:
    """A client, as the loop knows it."""

    def __init__(self, code: Any, sock: socket.socket, limits: Any) -> None:
        self.sock = sock
        self.phase = code.Phase.HEAD
        self.reader = code.HeadReader(limits)
        self.progress = code.Progress(limits.least)
        self.target = ""
        self.length = self.received = 0  # of the content
        self.answer = (memoryview(b""), memoryview(b""))  # head and content, never copied together
        self.sent = 0  # of both, to the kernel
        self.rest = b""  # requests behind the one that is being answered
        self.last = False  # the connection ends with this answer

    @property
    def heard(self) -> bool:
        """Has part of a head come?"""
        return bool(self.reader.held)


SO_NWRITE = 0x1024  # sys/socket.h of macOS: there, TIOCOUTQ is for terminals alone


def unconfirmed(sock: socket.socket) -> int | None:
    """Bytes that our kernel holds and the peer's has not confirmed; None where the system does not tell."""
    try:
        return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        pass
    try:
        return sock.getsockopt(socket.SOL_SOCKET, SO_NWRITE) if sys.platform == "darwin" else None
    except OSError:
        return None


class Loop:
    """A server. code: the module whose rules it obeys. app: from target and size of content to an answer."""

    def __init__(
        self,
        code: Any,
        listener: socket.socket,
        app: Callable[[str, int], bytes],
        gate: Any,
        *,
        timeouts: Any = None,
        limits: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        listener.setblocking(False)
        self.code, self.listener, self.app, self.gate, self.clock = code, listener, app, gate, clock
        self.timeouts = timeouts or code.Timeouts()
        self.limits = limits or code.Limits()
        self.deadlines = code.Deadlines(clock)
        self.selector = selectors.DefaultSelector()
        self.connections: set[Connection] = set()
        self.stopping: float | None = None

    def run(self, asked_to_stop: Callable[[], bool]) -> None:
        """Turn until everybody has left after a stop."""
        while self.stopping is None or self.connections:
            self.code.turn(self)
            if self.stopping is None and asked_to_stop():
                self.code.stop(self)
        self.selector.close()

    # -- beginning and end ----------------------------------------------------------------------------------

    def listen(self, wanted: bool) -> None:
        """Let the selector report the listener, or not."""
        watched = self.listener.fileno() >= 0 and self.listener in self.selector.get_map()
        if wanted and not watched:
            self.selector.register(self.listener, selectors.EVENT_READ, None)
        elif watched and not wanted:
            self.selector.unregister(self.listener)

    def welcome(self, sock: socket.socket) -> None:
        """A new connection: the time for its first head runs from here."""
        sock.setblocking(False)
        # Whole answers are written: Nagle's waiting for more would only delay them.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(self.code, sock, self.limits)
        self.connections.add(connection)
        self.gate.opened()
        self.selector.register(sock, selectors.EVENT_READ, connection)
        self.deadlines.set(connection, self.timeouts.head)

    def close(self, connection: Connection) -> None:
        """End a connection in order (FIN). No error when it has ended."""
        if connection in self.connections:
            self.connections.remove(connection)
            self.deadlines.drop(connection)
            self.selector.unregister(connection.sock)
            connection.sock.close()
            self.gate.closed()

    def reset(self, connection: Connection) -> None:
        """Cut a connection off (RST). No error when it has ended."""
        if connection in self.connections:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close(connection)

    def expire(self, connection: Connection) -> None:
        """Do with a connection that is late as `late` says."""
        decided = self.code.late(connection.phase, connection.heard, self.moved(connection)).name
        if decided == "AGAIN":
            content = connection.phase is self.code.Phase.CONTENT
            self.deadlines.set(connection, self.timeouts.content if content else self.timeouts.stall)
        elif decided == "REFUSE":
            self.respond(connection, 408, b"")
        elif decided == "CLOSE":
            self.close(connection)
        else:
            self.reset(connection)

    def moved(self, connection: Connection) -> bool:
        """Has enough of the content, or of the answer, moved since it was last asked?"""
        if connection.phase is self.code.Phase.CONTENT:
            return bool(connection.progress.look(connection.received))
        if connection.phase is self.code.Phase.ANSWER:
            # What only our kernel has taken, no client has.
            return bool(connection.progress.look(connection.sent - (unconfirmed(connection.sock) or 0)))
        return False

    # -- reading --------------------------------------------------------------------------------------------

    def note(self, connection: Connection, event: Any) -> None:
        """Something has happened: the phase and the deadline that follow."""
        before = connection.phase
        connection.phase, seconds = self.code.after(before, event, self.timeouts)
        if seconds is not None:
            self.deadlines.set(connection, seconds)
        if connection.phase is not before:
            connection.progress = self.code.Progress(self.limits.least)

    def serve(self, connection: Connection, mask: int) -> None:
        """A connection can be read from or written to."""
        if connection not in self.connections:
            return  # ended earlier in this turn
        if connection.phase is self.code.Phase.ANSWER:
            self.write(connection)
            rest, connection.rest = connection.rest, b""
            self.hear(connection, rest)
            return
        try:
            data = connection.sock.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.hear(connection, data)
        else:
            self.close(connection)

    def hear(self, connection: Connection, data: bytes) -> None:
        """Bytes of requests, as far as each can be answered at once; or behind a last answer."""
        while data and connection in self.connections:
            if connection.phase is self.code.Phase.ANSWER:
                connection.rest = data  # one after the other
                return
            self.note(connection, self.code.Event.BYTES)
            if connection.phase is self.code.Phase.LINGER:
                return  # read, so that they do not turn into a reset; never parsed
            try:
                data = self.parse(connection, data)
            except self.code.Refused as refused:
                self.respond(connection, refused.status, b"")

    def parse(self, connection: Connection, data: bytes) -> bytes:
        """Take part of a request and answer it once it is whole. Returns what is left. Raises Refused."""
        if connection.phase is self.code.Phase.HEAD:
            whole = connection.reader.feed(data)
            if whole is None:
                return b""
            head, data = whole
            self.begin(connection, head)
        taken = data[: connection.length - connection.received]
        connection.received += len(taken)
        if connection.received == connection.length:
            self.respond(connection, 200, self.app(connection.target, connection.length))
        return data[len(taken) :]

    def begin(self, connection: Connection, head: bytes) -> None:
        """What a head asks for, and how much content it announces."""
        line, _, fields = head.decode("latin-1").partition("\n")
        connection.target = [*line.split(), "", ""][1]
        connection.length = connection.received = 0
        for field in fields.lower().split("\n"):
            name, _, value = (part.strip() for part in field.partition(":"))
            if name == "content-length" and value.isascii() and value.isdigit():
                connection.length = int(value)
            elif (name, value) == ("connection", "close"):
                connection.last = True
        connection.reader = self.code.HeadReader(self.limits)
        if connection.length:
            self.note(connection, self.code.Event.CONTENT_FOLLOWS)

    # -- writing --------------------------------------------------------------------------------------------

    def respond(self, connection: Connection, status: int, content: bytes) -> None:
        """Begin a response: the last on its connection if it is a refusal, or when stopping."""
        connection.last = connection.last or status != 200 or self.stopping is not None
        close = "Connection: close\r\n" if connection.last else ""
        head = f"HTTP/1.1 {status} {REASONS[status]}\r\n{close}Content-Length: {len(content)}\r\n\r\n"
        connection.answer, connection.sent = (memoryview(head.encode()), memoryview(content)), 0
        self.note(connection, self.code.Event.REQUEST_WHOLE)
        self.write(connection)

    def write(self, connection: Connection) -> None:
        """Send what the kernel takes. While an answer is on its way nothing is read: that bounds memory."""
        head, content = connection.answer
        try:
            while (sent := connection.sent) < len(head) + len(content):
                parts = (head[sent:], content[max(0, sent - len(head)) :])
                connection.sent += connection.sock.sendmsg(parts)
        except BlockingIOError:
            self.selector.modify(connection.sock, selectors.EVENT_WRITE, connection)
            return
        except OSError:
            self.close(connection)
            return
        self.selector.modify(connection.sock, selectors.EVENT_READ, connection)
        self.note(connection, self.code.Event.LAST_SAID if connection.last else self.code.Event.ANSWERED)
        if connection.last:
            with contextlib.suppress(OSError):  # the client was faster
                connection.sock.shutdown(socket.SHUT_WR)
