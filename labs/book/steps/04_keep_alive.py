"""Step 04: keep-alive.

New: the connection goes on after an answer, unless one side says close (RFC 9112 §9.3).

Fails: the wire case "Several chunks" (netlab/check/wire/chunked.md).
In netlab: netlab/server/connection.py and its table of states, netlab/server/states.py.
"""

from __future__ import annotations

import argparse
import re
import socket
import sys
from typing import NamedTuple

# RFC 9112 §3 and §5: what is not exactly this is refused, never repaired.
TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(f"({TOKEN}) ([!-~]+) HTTP/1[.]([0-9])")
FIELD_LINE = re.compile(f"({TOKEN}):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")


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
    if request.values("transfer-encoding"):
        raise Refused(501)  # step 05 reads chunks
    if len(lengths) > 1 or not all(re.fullmatch("[0-9]{1,15}", length) for length in lengths):
        raise Refused(400)
    end = int(lengths[0]) if lengths else 0
    return (wire[:end], wire[end:]) if len(wire) >= end else None


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


def serve(listener: socket.socket) -> None:
    """Accept a client and answer it until it is done; then the next one."""
    while True:
        sock, _address = listener.accept()
        with sock:
            converse(sock)


def converse(sock: socket.socket) -> None:
    """One client, from its first byte to the close. A client that vanishes is no error."""
    try:
        connection = Connection()
        while not connection.closing and (data := sock.recv(65536)):
            sock.sendall(connection.received(data))
    except OSError:
        return


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
