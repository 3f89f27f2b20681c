"""Step 07: deadlines.

New: each client has a deadline, and each turn of the loop closes those that are late (RFC 9112 §9.5).

Fails: the wire case "HTTP/1.1 persists", played over TLS.
In netlab: netlab/net/sweep.py, and netlab/server/bodytimer.py for contents that may take long.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import selectors
import socket
import sys
import time
from typing import NamedTuple

# RFC 9112 §3 and §5: what is not exactly this is refused, never repaired.
TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(f"({TOKEN}) ([!-~]+) HTTP/1[.]([0-9])")
FIELD_LINE = re.compile(f"({TOKEN}):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
CHUNK_LINE = re.compile(f'([0-9A-Fa-f]{{1,15}})(?:;{TOKEN}(?:=(?:{TOKEN}|"[^"\\\\\r\n]*"))?)*')
SECONDS = 5.0  # in which a request must come whole, or an answer be taken


class Refused(Exception):
    """These bytes are no request: the status to answer. Nothing behind them is read."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with {status}")
        self.status = status


class Request(NamedTuple):
    """A request head, and from step 03 on its content."""

    method: str
    target: str
    minor: int
    fields: list[tuple[str, str]]
    content: bytes = b""

    def values(self, name: str) -> list[str]:
        """The values of every field line of that name (in lower case)."""
        return [value for key, value in self.fields if key == name]


def read_head(head: bytes) -> Request:
    """Read a request head, given without the empty line that ends it. Raises Refused."""
    first, *lines = head.decode("latin-1").split("\r\n")
    found = REQUEST_LINE.fullmatch(first)
    pairs = [FIELD_LINE.fullmatch(line) for line in lines]
    if found is None or None in pairs:
        raise Refused(400)
    fields = [(pair[1].lower(), pair[2]) for pair in pairs if pair]
    request = Request(found[1], found[2], int(found[3]), fields)
    if request.minor and len(request.values("host")) != 1:  # RFC 9112 §3.2
        raise Refused(400)
    return request


def read_content(request: Request, wire: bytes) -> tuple[bytes, bytes] | None:
    """(the content, the bytes behind it); None while it is not whole. RFC 9112 §6.3. Raises Refused."""
    lengths = request.values("content-length")
    if codings := request.values("transfer-encoding"):
        if lengths or request.minor == 0 or codings[0].lower() != "chunked" or len(codings) > 1:
            raise Refused(400)
        return read_chunks(wire)
    if len(lengths) > 1 or not all(re.fullmatch("[0-9]{1,15}", length) for length in lengths):
        raise Refused(400)
    end = int(lengths[0]) if lengths else 0
    return (wire[:end], wire[end:]) if len(wire) >= end else None


def read_chunks(wire: bytes) -> tuple[bytes, bytes] | None:
    """The same for a content in chunks. It begins anew with each piece: netlab keeps its place instead."""
    content, at = b"", 0
    while (end := wire.find(b"\r\n", at)) >= 0:
        found = CHUNK_LINE.fullmatch(wire[at:end].decode("latin-1"))
        if found is None:
            raise Refused(400)
        size = int(found[1], 16)
        if size == 0:
            return skip_trailers(content, wire, end + 2)
        data, at = end + 2, end + 2 + size
        if not b"\r\n".startswith(wire[at : at + 2]):
            raise Refused(400)
        content, at = content + wire[data:at], at + 2
    return None


def skip_trailers(content: bytes, wire: bytes, at: int) -> tuple[bytes, bytes] | None:
    """The content, once the empty line behind the trailer section is there."""
    while (end := wire.find(b"\r\n", at)) >= 0:
        line, at = wire[at:end].decode("latin-1"), end + 2
        if not line:
            return content, wire[at:]
        if not FIELD_LINE.fullmatch(line):
            raise Refused(400)
    return None


def persists(request: Request) -> bool:
    """Does the connection go on after this request? RFC 9112 §9.3"""
    options = {option.strip(" \t").lower() for option in ",".join(request.values("connection")).split(",")}
    return "close" not in options and (request.minor >= 1 or "keep-alive" in options)


def answer(request: Request, last: bool) -> bytes:
    """The application: it greets, or sends back what it got."""
    lines = [f"Connection: {'close' if last else 'keep-alive'}"]
    return response(200, request.content or b"hello\n", lines, head_only=request.method == "HEAD")


def response(status: int, content: bytes, lines: list[str], head_only: bool = False) -> bytes:
    """A response as bytes."""
    lines = [f"HTTP/1.1 {status} ", f"Content-Length: {len(content)}", *lines, "", ""]
    return "\r\n".join(lines).encode("latin-1") + (b"" if head_only else content)


class Connection:
    """One client: its bytes go in, the answers come out. No socket here."""

    def __init__(self) -> None:
        self.waiting = b""  # bytes that belong to no whole request yet
        self.closing = False  # the last answer has been given

    def received(self, data: bytes) -> bytes:
        """The answers to the requests that are whole now, in their order."""
        self.waiting += data
        answers = b""
        try:
            while not self.closing and (request := self.next_request()) is not None:
                self.closing = not persists(request)
                answers += answer(request, self.closing)
        except Refused as refused:
            self.closing = True
            answers += response(refused.status, b"", ["Connection: close"])
        return answers

    def next_request(self) -> Request | None:
        """Cut one request off the front; None while it is not whole. Raises Refused."""
        head, end, rest = self.waiting.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not end:
            return None
        request = read_head(head)
        found = read_content(request, rest)
        if found is None:
            return None
        content, self.waiting = found
        return request._replace(content=content)


class Client:
    """One socket that never waits, and what is still to be sent on it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.connection = Connection()
        self.outgoing = b""
        self.deadline = time.monotonic() + SECONDS

    def ready(self) -> bool:
        """Read or write as much as goes without waiting. False: the client is done."""
        try:
            if not self.outgoing:
                data = self.sock.recv(65536)
                if not data:
                    return False
                self.outgoing = self.connection.received(data)
            while self.outgoing:
                self.outgoing = self.outgoing[self.sock.send(self.outgoing) :]
                self.deadline = time.monotonic() + SECONDS  # an answer moves; bytes of a request buy no time
        except BlockingIOError:
            return True
        except OSError:
            return False
        return not self.connection.closing


def accept(listener: socket.socket, selector: selectors.BaseSelector) -> None:
    """Let in every client that waits. A client that left too early is no error."""
    with contextlib.suppress(OSError):
        while True:
            sock, _address = listener.accept()
            selector.register(sock, selectors.EVENT_READ, Client(sock))


def close(client: Client, selector: selectors.BaseSelector) -> None:
    """End a connection."""
    selector.unregister(client.sock)
    client.sock.close()


def clients(selector: selectors.BaseSelector) -> list[Client]:
    """Those that are connected."""
    return [key.data for key in selector.get_map().values() if key.data is not None]


def serve(listener: socket.socket) -> None:
    """One loop for all clients: the selector says which of them are ready."""
    listener.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            turn(listener, selector)
            for client in clients(selector):
                if client.deadline <= time.monotonic():
                    close(client, selector)


def turn(listener: socket.socket, selector: selectors.BaseSelector) -> None:
    """Wait for events, then give each socket that has one its turn."""
    for key, _mask in selector.select(0.1):
        if key.data is None:
            accept(listener, selector)
        elif key.data.ready():
            wanted = selectors.EVENT_WRITE if key.data.outgoing else selectors.EVENT_READ
            selector.modify(key.fileobj, wanted, key.data)
        else:
            close(key.data, selector)


def main() -> None:
    """Listen, say where, and serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("port", nargs="?", type=int, default=0, help="0: a free one")
    options = parser.parse_args()
    try:
        listener = socket.create_server(("127.0.0.1", options.port))
    except (OSError, OverflowError) as error:
        parser.error(f"port {options.port}: {error}")
    with listener:
        try:
            print(f"serving http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
            serve(listener)
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
