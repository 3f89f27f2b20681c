"""The connection loop of a server: one connection, many requests, until one side says that it is enough.

    client                                             server
      GET /a ───────────────────────────────────────────▶
      ◀─────────────────────────────────────────── 200, "a"      the connection persists: RFC 9112 §9.3
      GET /b, GET /c, GET /d  (pipelined) ──────────────▶
      ◀───────────────────────────────── 200 "b", 200 "c", 200 "d"   in that order: RFC 9112 §9.3.2
      GET /e, Connection: close ────────────────────────▶
      ◀───────────────────────────── 200 "e", Connection: close
      ◀──────────────────────────────────────────────── FIN      and nothing after /e is answered: §9.6

The loop has a pure half (`Connection`: bytes in, bytes out) and a half that is all socket (`serve`). A
request is cut off the front of the bytes by a reader that is given; the one below is small, the strict one is
lab 02, and `Connection(app, read=…)` takes either.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple

Fields = Sequence[tuple[str, str]]

HEAD_LIMIT = 32 * 1024  # octets of a head; more is 431

REQUEST_LINE = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP/1\.([01])")
FIELD_LINE = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")

# Responses that never have content, whatever the handler gives.                     RFC 9112 §6.3 rule 1
WITHOUT_CONTENT = {204, 304}


class Request(NamedTuple):
    """One request, whole. minor: 0 for HTTP/1.0, 1 for HTTP/1.1."""

    method: str
    target: str
    minor: int
    fields: Fields
    content: bytes = b""


class Response(NamedTuple):
    """What a handler answers."""

    status: int = 200
    content: bytes = b""
    fields: Fields = ()


class Refused(Exception):
    """These bytes are no request: the status to answer, and the rule that they broke."""

    def __init__(self, status: int, rule: str) -> None:
        super().__init__(rule)
        self.status = status
        self.rule = rule


App = Callable[[Request], Response]
Reader = Callable[[bytes], "tuple[Request, bytes] | None"]


def read_request(wire: bytes) -> tuple[Request, bytes] | None:
    """Cut one request off the front: (request, the bytes after it), or None while it is not all there.

    Raises Refused. Content comes by Content-Length alone here; chunks are lab 12.
    """
    end = wire.find(b"\r\n\r\n")
    if end < 0 or end > HEAD_LIMIT:
        if len(wire) > HEAD_LIMIT:
            raise Refused(431, f"a head has at most {HEAD_LIMIT} octets here (RFC 6585 §5)")
        return None
    first, *lines = wire[:end].decode("latin-1").split("\r\n")
    line = REQUEST_LINE.fullmatch(first)
    if line is None:
        raise Refused(400, "a request line is method, target and version, one space between (RFC 9112 §3)")
    fields = []
    for text in lines:
        found = FIELD_LINE.fullmatch(text)
        if found is None:
            raise Refused(400, "a field line is a name, a colon at once, and a value (RFC 9112 §5)")
        fields.append((found[1], found[2]))
    size = content_length(fields)
    start = end + 4
    if len(wire) < start + size:
        return None
    request = Request(line[1], line[2], int(line[3]), fields, wire[start : start + size])
    return request, wire[start + size :]


def content_length(fields: Fields) -> int:
    """How many octets of content follow the head. Raises Refused."""
    if values(fields, "transfer-encoding"):
        raise Refused(501, "no transfer coding is understood here (RFC 9112 §6.1)")
    lengths = values(fields, "content-length")
    if not lengths:
        return 0
    if len(lengths) > 1 or re.fullmatch("[0-9]{1,9}", lengths[0]) is None:
        raise Refused(400, "Content-Length is one run of digits on one line (RFC 9110 §8.6)")
    return int(lengths[0])


def values(fields: Fields, name: str) -> list[str]:
    """The values of every line of that name; names ignore case (RFC 9110 §5.1)."""
    return [value for key, value in fields if key.lower() == name]


# -- yours, from here on ------------------------------------------------------------------------------------


def persists(minor: int, fields: Fields) -> bool:
    """May the connection live on after this message, as far as the message says? RFC 9112 §9.3

    Connection is a list of options, on one line or several, split by commas; case does not matter. In this
    order: "close" among them ends it; HTTP/1.1 keeps it; HTTP/1.0 keeps it with "keep-alive" among them;
    else it ends.
    """
    # >>> task 1: may the connection persist?
    lines = values(fields, "connection")
    options = {option.strip(" \t").lower() for line in lines for option in line.split(",")}
    if "close" in options:
        return False
    return minor >= 1 or "keep-alive" in options
    # <<< task 1


def render(request: Request, response: Response, persist: bool) -> bytes:
    """A response as bytes, in this order and with these spellings:

        HTTP/1.1 200 OK                     the phrase from http.HTTPStatus
        X: y                                the handler's field lines, as they are
        Content-Length: 5                   always, but in a 204 (RFC 9110 §8.6)
        Connection: …                       see below
                                            the empty line; every line ends with CRLF
        hello                               not for HEAD, 204 and 304

    What frames the message or ends the connection is yours to say: Content-Length and Connection of the
    handler are left out. A response to HEAD, and a 304, tell the length of the content that they do not send.
    Connection says what is not the default of the *request's* version: "close" to HTTP/1.1 if the connection
    ends, "keep-alive" to HTTP/1.0 if it persists, and nothing else.
    """
    # >>> task 2: write the response
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{k}: {v}" for k, v in response.fields if k.lower() not in ("content-length", "connection")]
    if response.status != 204:
        lines.append(f"Content-Length: {len(response.content)}")
    if persist != (request.minor >= 1):
        lines.append(f"Connection: {'keep-alive' if persist else 'close'}")
    head = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
    silent = request.method == "HEAD" or response.status in WITHOUT_CONTENT
    return head if silent else head + response.content
    # <<< task 2


class Connection:
    """The pure half: what a client sent goes in, what it gets comes out. No socket, no clock.

    waiting: bytes that came and belong to no whole request yet. closing: the last response has been given;
    what comes after it is not read as a request any more.
    """

    def __init__(self, app: App, read: Reader = read_request) -> None:
        self.app = app
        self.read = read
        self.waiting = b""
        self.closing = False

    def received(self, data: bytes) -> bytes:
        """Bytes from the client, cut anywhere: the answers to every request that is whole now, in order.

        Bytes of a request that is not whole wait for the next call. Once the connection is closing, no
        request is read, neither from what waits nor from what still comes. What `self.read` refuses is
        answered by `refuse`, behind the answers to the requests before it.
        """
        # >>> task 3: answer what has come, in order
        self.waiting += data
        answers = []
        try:
            while not self.closing and (found := self.read(self.waiting)) is not None:
                request, self.waiting = found
                answers.append(self.exchange(request))
        except Refused as refused:
            answers.append(self.refuse(refused))
        return b"".join(answers)
        # <<< task 3

    def exchange(self, request: Request) -> bytes:
        """Ask the app, and decide whether this is the last exchange: it is if the request or the response
        says so (the app's Connection field counts as the message's own, RFC 9112 §9.6).

        An app that raises an Exception gets its client a 500 with the content b"the handler failed\\n"; the
        framing is whole, so that alone ends no connection.
        """
        # >>> task 4: one exchange: is it the last?
        try:
            response = self.app(request)
        except Exception:
            response = Response(500, b"the handler failed\n")
        persist = persists(request.minor, request.fields) and persists(1, response.fields)
        self.closing = not persist
        return render(request, response, persist)
        # <<< task 4

    def refuse(self, refused: Refused) -> bytes:
        """The answer to what is no request: its status, and as content its rule and a line end.

        The server cannot know where the next request begins. So this answer is the last one and says so
        (RFC 9112 §9.3), and the server drops the bytes that wait. It does not know the version either: it
        answers as to HTTP/1.1.
        """
        # >>> task 5: refuse, and read nothing after it
        self.closing = True
        self.waiting = b""
        unread = Request("GET", "*", 1, ())
        return render(unread, Response(refused.status, f"{refused.rule}\n".encode()), False)
        # <<< task 5


def serve(sock: socket.socket, connection: Connection, idle: float = 5.0, linger: float = 1.0) -> None:
    """The half that is all socket: carry bytes between a connected socket and a connection until its end.

    It ends when the connection is closing, when the client has said that it sends no more (a client that
    still reads has got every answer by then), and when nothing came for `idle` seconds. Then: send FIN, and
    read on without looking, until the client's own end or for `linger` seconds in all. Closing on bytes that
    were not read sends a reset, and a reset can destroy the answer on its way (RFC 9112 §9.6).

    Whatever happens, the socket is closed when this returns; a client that vanished is no error.
    """
    # >>> task 6: carry it over a socket
    with sock:
        try:
            sock.settimeout(idle)
            while not connection.closing and (data := sock.recv(65536)):
                sock.sendall(connection.received(data))
        except TimeoutError:
            pass
        except OSError:
            return
        try:
            sock.shutdown(socket.SHUT_WR)
            end = time.monotonic() + linger
            while (left := end - time.monotonic()) > 0:
                sock.settimeout(left)
                if not sock.recv(65536):
                    return
        except OSError:
            return
    # <<< task 6
