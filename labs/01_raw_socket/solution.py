"""HTTP/1.1 on a bare socket: a client. RFC 9112, RFC 9110.

    you                                   the server
     |---- GET /path HTTP/1.1 CRLF ... ---->|     request: lines, then an empty line
     |<--- HTTP/1.1 200 OK CRLF ... --------|     head: lines, then an empty line
     |<--- content -------------------------|     as many octets as the head says

TCP carries octets (bytes), not messages: what is sent in one piece may arrive in twenty.
"""

from __future__ import annotations

import re
import socket
from typing import NamedTuple

CRLF = b"\r\n"
END_OF_HEAD = b"\r\n\r\n"

LARGEST_HEAD = 64 * 1024  # octets: an endless head must not fill our memory
READ = 64 * 1024  # octets
PATIENCE = 10.0  # seconds


class EndedEarly(Exception):
    """The server closed before its response was whole."""


class BadResponse(Exception):
    """This client cannot read the response; the text says why."""


class Response(NamedTuple):
    """One response. Field names are in lower case."""

    status: int
    fields: dict[str, str]
    content: bytes


def request_bytes(host: str, port: int, path: str) -> bytes:
    """A GET request: request line, Host, empty line. Each line ends with CR LF.

    GET /data HTTP/1.1
    Host: localhost:8080

    """
    target, authority = request_parts(host, port, path)  # "/data", "localhost:8080"
    # >>> task 1: write the request
    return f"GET {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii")
    # <<< task 1


class Connection:
    """One TCP connection. `waiting` holds what has arrived and what no message has taken yet."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.waiting = b""

    def send(self, data: bytes) -> None:
        """Send every octet of data once, in order.

        `self.stream.send(data)` may take only the first octets, and returns how many. No `sendall` here.
        """
        # >>> task 2: send every octet
        while data:
            data = data[self.stream.send(data) :]
        # <<< task 2

    def receive(self) -> None:
        """Add to `waiting` what one `self.stream.recv(READ)` returns.

        When it returns b"", the server has closed: raise EndedEarly.
        """
        # >>> task 3: receive what has arrived
        piece = self.stream.recv(READ)
        if not piece:
            raise EndedEarly(f"the server closed the connection; {len(self.waiting)} octets were waiting")
        self.waiting += piece
        # <<< task 3

    def read_head(self) -> bytes:
        """The next head, END_OF_HEAD included. What arrived behind it stays in `waiting`.

        Raises BadResponse when LARGEST_HEAD octets wait without that end.
        """
        # >>> task 4: read a whole head
        while END_OF_HEAD not in self.waiting:
            if len(self.waiting) >= LARGEST_HEAD:
                raise BadResponse(f"no end of the head within {LARGEST_HEAD} octets")
            self.receive()
        head, end, self.waiting = self.waiting.partition(END_OF_HEAD)
        return head + end
        # <<< task 4

    def read_content(self, length: int) -> bytes:
        """Exactly `length` octets; the rest stays in `waiting`. Receives only while octets are missing."""
        # >>> task 5: read exactly the content
        while len(self.waiting) < length:
            self.receive()
        content, self.waiting = self.waiting[:length], self.waiting[length:]
        return content
        # <<< task 5

    def get(self, host: str, port: int, path: str) -> Response:
        """Send the request, then read its response and nothing of the next one.

        Given: `final_head(self)` returns status and fields, `content_length(status, fields)` the length.
        """
        # >>> task 6: fetch, and fetch again
        self.send(request_bytes(host, port, path))
        status, fields = final_head(self)
        return Response(status, fields, self.read_content(content_length(status, fields)))
        # <<< task 6


def fetch(host: str, port: int, path: str) -> Response:
    """`get` on a new connection, closed at the end, also after an exception.

    `socket.create_connection((host, port), timeout=PATIENCE)` makes the three-way handshake.
    """
    # >>> task 6: fetch, and fetch again
    with socket.create_connection((host, port), timeout=PATIENCE) as stream:
        return Connection(stream).get(host, port, path)
    # <<< task 6


# --- What tasks 1 to 6 use is given here for plain cases. Further tasks, 7 to 9, handle every other case. ---


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and fields of a head, names in lower case. Given: lab 02 parses heads strictly.

    Raises BadResponse for what is no HTTP/1.1 head at all.
    """
    status_line, *lines = head.removesuffix(END_OF_HEAD).split(CRLF)
    found = re.fullmatch(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [^\r\n]*", status_line)
    if found is None:
        raise BadResponse(f"not a status line of HTTP/1.1: {status_line[:80]!r}")
    pairs = [line.partition(b":") for line in lines]
    return int(found[1]), {
        name.decode("latin-1").lower(): value.strip(b" \t").decode("latin-1") for name, _, value in pairs
    }


PLAIN_LENGTH = re.compile(r"[1-9][0-9]{0,8}")


def content_length(status: int, fields: dict[str, str]) -> int:
    """How many octets of content follow the head of this response to a GET.

    None at all after 1xx, 204 and 304, whatever the fields say (RFC 9112 §6.3 rule 1). A transfer coding
    goes before any length (rule 3), and this client knows none: BadResponse. Otherwise the value of
    content-length: ASCII digits, at least one and at most 18, and nothing else (rule 5). BadResponse if it
    is anything else, or if the field is not there: such content ends with the connection, and no second
    exchange could follow.
    """
    value = fields.get("content-length", "")
    if status in (200, 404) and "transfer-encoding" not in fields and PLAIN_LENGTH.fullmatch(value):
        return int(value)
    # >>> task 7: know how long the content is
    if status < 200 or status in (204, 304):
        return 0
    if "transfer-encoding" in fields:
        raise BadResponse(f"transfer coding {fields['transfer-encoding']!r}: lab 12 reads those")
    if "content-length" not in fields:
        raise BadResponse("no content-length: the content ends when the connection does")
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise BadResponse(f"content-length {value!r} is not a number of octets")
    return int(value)
    # <<< task 7


DEFAULT_PORT = 80  # of the scheme "http": the one that Host leaves out            RFC 9110 §4.2.1, §7.2
PLAIN = re.compile(r"[A-Za-z0-9./]+")
# What may stand in a request line or a Host without ending it: visible ASCII.     RFC 3986 §2, RFC 9112 §3
VISIBLE = re.compile(r"[\x21-\x7e]*")


def request_parts(host: str, port: int, path: str) -> tuple[str, str]:
    """The request target and the value of Host.

    `path` is the path with its query, as it stands in the URL; an empty one is asked for as "/" (RFC 9112
    §3.2.1). Host names the port unless it is the default (RFC 9110 §7.2); an IPv6 address stands in brackets
    there (RFC 3986 §3.2.2). Raises ValueError for a host or a path that holds anything but visible ASCII: a
    space or a line end in them would let an attacker who chose them write lines of the request.
    """
    if PLAIN.fullmatch(host) and PLAIN.fullmatch(path) and port != DEFAULT_PORT:
        return path, f"{host}:{port}"
    # >>> task 8: write a request that is not plain
    if not VISIBLE.fullmatch(host + path):
        raise ValueError(f"host {host!r} and path {path!r} may hold visible ASCII only")
    authority = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORT:
        authority += f":{port}"
    return path or "/", authority
    # <<< task 8


def final_head(connection: Connection) -> tuple[int, dict[str, str]]:
    """Status and fields of the next final response. Interim ones (1xx) may come before it: RFC 9110 §15.2."""
    status, fields = parse_head(connection.read_head())
    if status >= 200:
        return status, fields
    # >>> task 9: skip interim responses
    while status < 200:
        status, fields = parse_head(connection.read_head())
    return status, fields
    # <<< task 9
