"""Step 05: the chunked coding.

New: a content may come in chunks, when its sender does not know its length (RFC 9112 §7.1).

Fails: the siege "silence": one client that says nothing keeps all others waiting.
In netlab: netlab/http1/content.py and netlab/http1/trailers.py.
"""

import io
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

# RFC 9112 §3, §5 and §7.1: a line that does not match its pattern is refused, never repaired.
TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(f"({TOKEN}) ([!-~]+) HTTP/1[.]([0-9])\r\n")
FIELD_LINE = re.compile(f"(?:({TOKEN}):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*)?\r\n")  # or the empty line
CHUNK_LINE = re.compile(f'([0-9A-Fa-f]{{1,15}})(?:;{TOKEN}(?:=(?:{TOKEN}|"[^"\\\\\r\n]*"))?)*\r\n')


class Refused(Exception):
    """These bytes are no request. The answer is 400, and the server reads nothing behind them."""


class Request(NamedTuple):
    """A request: its head and its content."""

    method: str
    target: str
    minor: int  # of the version: HTTP/1.minor
    fields: dict[str, str]
    content: bytes = b""


def read_line(wire: io.BytesIO, pattern: re.Pattern[str]) -> re.Match[str]:
    """The next line, which must match. Raises Refused, and EOFError while the line is not whole."""
    line = wire.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    found = pattern.fullmatch(line.decode("latin-1"))
    if found is None:
        raise Refused
    return found


def read_bytes(wire: io.BytesIO, count: int) -> bytes:
    """Exactly that many bytes. Raises EOFError while some are missing."""
    data = wire.read(count)
    if len(data) < count:
        raise EOFError
    return data


def read_fields(wire: io.BytesIO) -> dict[str, str]:
    """The fields, up to the empty line. Lines of one name become one value, with commas (RFC 9110 §5.2)."""
    fields: dict[str, str] = {}
    while (found := read_line(wire, FIELD_LINE))[1]:  # the empty line has no name
        name = found[1].lower()
        fields[name] = f"{fields[name]}, {found[2]}" if name in fields else found[2]
    return fields


def read_request(wire: io.BytesIO) -> Request:
    """One whole request. Raises Refused, and EOFError while bytes are missing."""
    start = read_line(wire, REQUEST_LINE)
    request = Request(start[1], start[2], int(start[3]), read_fields(wire))
    if request.minor and ("host" not in request.fields or "," in request.fields["host"]):  # RFC 9112 §3.2
        raise Refused
    return request._replace(content=read_content(request, wire))


def read_content(request: Request, wire: io.BytesIO) -> bytes:
    """The content that the head announces. RFC 9112 §6.3"""
    length, coding = request.fields.get("content-length", "0"), request.fields.get("transfer-encoding")
    if coding is None and re.fullmatch("[0-9]{1,15}", length):
        return read_bytes(wire, int(length))
    if (coding or "").lower() == "chunked" and request.minor and "content-length" not in request.fields:
        return read_chunks(wire)
    raise Refused


def read_chunks(wire: io.BytesIO) -> bytes:
    """A content in chunks. It is read from the start whenever bytes come: netlab keeps its place instead."""
    content = b""
    while size := int(read_line(wire, CHUNK_LINE)[1], 16):
        content += read_bytes(wire, size)
        if read_bytes(wire, 2) != b"\r\n":
            raise Refused
    read_fields(wire)  # the trailer section, which this server does not use
    return content


def persists(request: Request) -> bool:
    """Does the connection go on after this request? RFC 9112 §9.3"""
    options = [option.strip(" \t").lower() for option in request.fields.get("connection", "").split(",")]
    return "close" not in options and (request.minor >= 1 or "keep-alive" in options)


def answer(request: Request, last: bool) -> bytes:
    """The application: it greets, or sends back what it got."""
    lines = [f"Connection: {'close' if last else 'keep-alive'}"]
    content = request.content or b"hello\n"
    head = response_head(200, *lines, f"Content-Length: {len(content)}")
    return head if request.method == "HEAD" else head + content


def response_head(status: int, *lines: str) -> bytes:
    """The head of a response, with the empty line that ends it."""
    return "\r\n".join([f"HTTP/1.1 {status} ", *lines, "", ""]).encode("latin-1")


class Connection:
    """One client: its bytes go in, the answers come out. No socket here."""

    def __init__(self) -> None:
        self.waiting = b""  # bytes that belong to no whole request yet
        self.closing = False  # the last answer has been given

    def received(self, data: bytes) -> Iterator[bytes]:
        """The answers to the requests that are whole now, in their order."""
        self.waiting += data
        try:
            while not self.closing:
                wire = io.BytesIO(self.waiting.removeprefix(b"\r\n"))  # RFC 9112 §2.2: one is ignored
                request = read_request(wire)
                self.waiting = wire.read()
                self.closing = not persists(request)
                yield answer(request, self.closing)
        except EOFError:
            return  # the rest has not come yet
        except Refused:
            self.closing = True
            yield response_head(400, "Connection: close", "Content-Length: 0")


def serve(listener: socket.socket) -> None:
    """Accept a client and answer it until it is done; then accept the next one."""
    print(f"serving http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        sock, _address = listener.accept()
        with suppress(OSError), sock:
            converse(sock)


def converse(sock: socket.socket) -> None:
    """Serve one client, from its first byte to the close. Raises OSError when the client vanishes."""
    connection = Connection()
    while not connection.closing and (data := sock.recv(65536)):
        sock.sendall(b"".join(connection.received(data)))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), socket.create_server(("127.0.0.1", 0)) as listening:
        serve(listening)
