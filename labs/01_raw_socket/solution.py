"""HTTP/1.1 on a bare socket, with nothing but the standard library's `socket`. RFC 9112, RFC 9110.

    you                                   the server
     |---- GET /path HTTP/1.1 CRLF ... ---->|     a request: lines, then an empty line
     |<--- HTTP/1.1 200 OK CRLF ... --------|     a head: lines, then an empty line
     |<--- content -------------------------|     exactly as many octets as the head says

TCP carries octets, not messages. What one side sends in one piece may arrive in twenty, or glued to what
comes next; `send` may take less than it is given. So every message must say itself where it ends, and what
was read too much belongs to the next one.

You write it in six steps: the request, sending it whole, reading a head, its content's length, the content,
and last one exchange after another on the same connection.
"""

from __future__ import annotations

import re
import socket
from typing import NamedTuple

CRLF = b"\r\n"
END_OF_HEAD = b"\r\n\r\n"

DEFAULT_PORT = 80  # of the scheme "http": the one that Host leaves out            RFC 9110 §4.2.1, §7.2
LARGEST_HEAD = 64 * 1024  # a server that never ends its head must not fill our memory
READ = 64 * 1024  # what one recv asks for; it may give less, down to a single octet
PATIENCE = 10.0  # seconds for each socket operation

# What may stand in a request line or a Host without ending it: visible ASCII.     RFC 3986 §2, RFC 9112 §3
VISIBLE = re.compile(r"[\x21-\x7e]*")


class EndedEarly(Exception):
    """The other side closed the connection before its response was whole."""


class BadResponse(Exception):
    """What arrived is no response that this client can read; the text says why."""


class Response(NamedTuple):
    """One final response. The names of the fields are in lower case."""

    status: int
    fields: dict[str, str]
    content: bytes


def request_bytes(host: str, port: int, path: str) -> bytes:
    """The octets of a GET request: request line, Host, empty line, and nothing else.

    `path` is the path with its query, as it stands in the URL; an empty one is asked for as "/" (RFC 9112
    §3.2.1). Host names the port unless it is the default (RFC 9110 §7.2); an IPv6 address stands in brackets
    there (RFC 3986 §3.2.2). Raises ValueError for a host or a path that holds anything but visible ASCII: a
    space or a line end in them would let an attacker who chose them write lines of the request.

        GET /data?x=1 HTTP/1.1
        Host: localhost:8080

    """
    # >>> task 1: write the request
    if not VISIBLE.fullmatch(host + path):
        raise ValueError(f"host {host!r} and path {path!r} may hold visible ASCII only")
    authority = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORT:
        authority += f":{port}"
    return f"GET {path or '/'} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii")
    # <<< task 1


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and fields of a head, names in lower case. Given: lab 02 takes heads apart with care.

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


def content_length(status: int, fields: dict[str, str]) -> int:
    """How many octets of content follow the head of this response to a GET.

    None at all after 1xx, 204 and 304, whatever the fields say (RFC 9112 §6.3 rule 1). A transfer coding
    goes before any length (rule 3), and this client knows none: BadResponse. Otherwise the value of
    content-length: ASCII digits, at least one and at most 18, and nothing else (rule 5): BadResponse if it
    is anything else, or if the field is not there (such content ends with the connection, which would leave
    nothing to use again).
    """
    # >>> task 4: know how long the content is
    if status < 200 or status in (204, 304):
        return 0
    if "transfer-encoding" in fields:
        raise BadResponse(f"transfer coding {fields['transfer-encoding']!r}: lab 12 reads those")
    value = fields.get("content-length")
    if value is None:
        raise BadResponse("no content-length: the content ends when the connection does")
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise BadResponse(f"content-length {value!r} is not a number of octets")
    return int(value)
    # <<< task 4


class Connection:
    """One TCP connection to a server, good for one exchange after another.

    `stream` is the socket. `waiting` holds octets that have arrived but that no message has taken yet: look
    there before you ask the socket for more.
    """

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.waiting = b""

    def send(self, data: bytes) -> None:
        """Hand every octet of data to the socket, in order, each once.

        With `stream.send(…)`, which returns how many octets it took: as many as had room, not as many as it
        was given. (`sendall` would do this loop for you. Not here.)
        """
        # >>> task 2: send every octet
        left = memoryview(data)  # cutting a view copies nothing
        while left:
            taken = self.stream.send(left)
            left = left[taken:]
        # <<< task 2

    def read_head(self) -> bytes:
        """The next head, from its first octet to the empty line that ends it, both included.

        What arrived behind it stays in `waiting`, untouched. Raises EndedEarly when the connection ends
        before the empty line; BadResponse when LARGEST_HEAD octets have arrived without one.
        """
        # >>> task 3: read a whole head
        while (end := self.waiting.find(END_OF_HEAD)) < 0:
            if len(self.waiting) >= LARGEST_HEAD:
                raise BadResponse(f"no end of the head within {LARGEST_HEAD} octets")
            piece = self.stream.recv(READ)
            if not piece:
                raise EndedEarly(f"the connection ended after {len(self.waiting)} octets of a head")
            self.waiting += piece
        end += len(END_OF_HEAD)
        head, self.waiting = self.waiting[:end], self.waiting[end:]
        return head
        # <<< task 3

    def read_content(self, length: int) -> bytes:
        """Exactly `length` octets; what arrived behind them stays in `waiting`.

        Never asks the socket for more once it has them: the server owes nothing further and would let us
        wait. Raises EndedEarly when the connection ends before.
        """
        # >>> task 5: read exactly the content
        pieces = [self.waiting]
        arrived = len(self.waiting)
        while arrived < length:
            piece = self.stream.recv(READ)
            if not piece:
                raise EndedEarly(f"the connection ended after {arrived} of {length} octets of content")
            pieces.append(piece)
            arrived += len(piece)
        octets = b"".join(pieces)
        content, self.waiting = octets[:length], octets[length:]
        return content
        # <<< task 5

    def get(self, host: str, port: int, path: str) -> Response:
        """One exchange: send the request, read its response whole, and nothing of the next.

        Interim responses (1xx) may come before the response; skip them (RFC 9110 §15.2).
        """
        # >>> task 6: fetch, and fetch again
        self.send(request_bytes(host, port, path))
        status, fields = parse_head(self.read_head())
        while status < 200:
            status, fields = parse_head(self.read_head())
        return Response(status, fields, self.read_content(content_length(status, fields)))
        # <<< task 6


def fetch(host: str, port: int, path: str) -> Response:
    """One exchange on a connection of its own, which is closed at the end, whatever happens.

    `socket.create_connection((host, port), timeout=PATIENCE)` opens it: the three-way handshake is in there.
    """
    # >>> task 6: fetch, and fetch again
    with socket.create_connection((host, port), timeout=PATIENCE) as stream:
        return Connection(stream).get(host, port, path)
    # <<< task 6
