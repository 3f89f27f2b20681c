"""Step 10: drain.

New: at SIGTERM the server stops accepting, finishes each request that has begun, and ends.

Fails: the case "limits/long-target" of `netlab check`, which netlab passes: no size has a limit yet.
In netlab: netlab/server/running.py drains, netlab/http1/limits.py has the limits.
"""

import asyncio
import io
import re
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

# RFC 9112 §3, §5 and §7.1: a line that does not match its pattern is refused, never repaired.
TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(f"({TOKEN}) ([!-~]+) HTTP/1[.]([0-9])\r\n")
FIELD_LINE = re.compile(f"(?:({TOKEN}):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*)?\r\n")  # or the empty line
CHUNK_LINE = re.compile(f'([0-9A-Fa-f]{{1,15}})(?:;{TOKEN}(?:=(?:{TOKEN}|"[^"\\\\\r\n]*"))?)*\r\n')
SECONDS = 5.0  # for a client to send a whole request, and then to take the answer
ALLOWED_ORIGIN = "https://app.example"


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


def cors(request: Request) -> list[str]:
    """The field lines that tell a browser which page may read the answer, and what that page may ask for."""
    if request.fields.get("origin") != ALLOWED_ORIGIN:
        return ["Vary: Origin"]
    allowed = ["Access-Control-Allow-Methods: PUT, DELETE", "Access-Control-Allow-Headers: Content-Type"]
    return ["Vary: Origin", f"Access-Control-Allow-Origin: {ALLOWED_ORIGIN}", *allowed]


def answer(request: Request, last: bool) -> bytes:
    """The application: it greets, or sends back what it got. It never sees a preflight."""
    lines = [f"Connection: {'close' if last else 'keep-alive'}", *cors(request)]
    if request.method == "OPTIONS" and "access-control-request-method" in request.fields:
        return response_head(204, *lines)
    content = request.content or b"hello\n"
    head = response_head(200, *lines, f"Content-Length: {len(content)}")
    return head if request.method == "HEAD" else head + content


def response_head(status: int, *lines: str) -> bytes:
    """The head of a response, with the empty line that ends it."""
    return "\r\n".join([f"HTTP/1.1 {status} ", *lines, "", ""]).encode("latin-1")


class Connection:
    """One client: its bytes go in, the answers come out. No socket here."""

    draining = False  # for every connection: the next answer is the last

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
                self.closing = self.draining or not persists(request)
                yield answer(request, self.closing)
        except EOFError:
            return  # the rest has not come yet
        except Refused:
            self.closing = True
            yield response_head(400, "Connection: close", "Content-Length: 0")


async def serve(listener: socket.socket, tls: ssl.SSLContext) -> None:
    """Serve every client at the same time, until SIGTERM; then finish what has begun."""
    print(f"serving https://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    listener.setblocking(False)
    async with asyncio.TaskGroup() as clients:
        accepting = clients.create_task(accept(listener, tls, clients))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, accepting.cancel)
        await asyncio.wait([accepting])
        listener.close()
        Connection.draining = True  # a client that asks no more is late within SECONDS; then the group ends


async def accept(listener: socket.socket, tls: ssl.SSLContext, clients: asyncio.TaskGroup) -> None:
    """Start a task for each client."""
    while True:
        try:
            sock, _address = await asyncio.get_running_loop().sock_accept(listener)
            clients.create_task(converse(sock, tls))
        except OSError:  # no file descriptor is free: wait until a client leaves
            await asyncio.sleep(0.1)


async def converse(plain: socket.socket, tls: ssl.SSLContext) -> None:
    """Serve one client, from its first byte to the close. A client that vanishes or is late is no error."""
    connection, loop = Connection(), asyncio.get_running_loop()
    with suppress(OSError), tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as sock:
        async with asyncio.timeout(SECONDS) as deadline:
            while not connection.closing and (data := await when_ready(sock, sock.recv, 65536)):
                answers = b"".join(connection.received(data))
                while answers:  # a part of a request buys no time
                    deadline.reschedule(loop.time() + SECONDS)
                    answers = answers[await when_ready(sock, sock.send, answers) :]
        sock.unwrap()  # tells the client that nothing was cut off: close_notify


async def when_ready(sock: ssl.SSLSocket, call: Callable[[Any], Any], argument: Any) -> Any:
    """Call it until it need not wait. Meanwhile the event loop serves other clients.

    TLS says what it waits for: in a handshake, recv must also send.
    """
    loop = asyncio.get_running_loop()
    while True:
        ready = asyncio.Event()
        try:
            return call(argument)
        except ssl.SSLWantReadError:
            loop.add_reader(sock, ready.set)
        except ssl.SSLWantWriteError:
            loop.add_writer(sock, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(sock)
            loop.remove_writer(sock)


if __name__ == "__main__":
    tls_settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        tls_settings.load_cert_chain("certs/chain.pem", "certs/leaf.key")
    except OSError as error:
        print(f"certs/chain.pem and leaf.key: {error}; `make certs` mints them", file=sys.stderr)
        sys.exit(2)
    with suppress(KeyboardInterrupt), socket.create_server(("127.0.0.1", 0)) as listening:
        asyncio.run(serve(listening, tls_settings))
