"""Your own server, made of your labs: the joints between the parts. RFC 9112, Fetch.

    bytes ──▶ siege.HeadReader ──▶ read_head ──▶ Body ──▶ exchange ──▶ bytes
              lab 14: limits       lab 02        lab 12   lab 09       │
              and deadlines        framing       chunks   keep-alive   └▶ stream: lab 13
                                                             │
                                                          guarded: lab 03, CORS

`parts` holds the labs' modules by name: `parts["framing"]` is your lab 02 once it is done, else the
reference. The loop around it is lab 14's; assembled.py joins it to these functions. `ask_all` is a client:
it asks the server over the connections of lab 11's pool.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

Parts = Mapping[str, ModuleType]
LARGEST = 1 << 20  # bytes of a request's content

# uri-host [ ":" port ]: a name, an IPv4 address, or an IPv6 address in brackets       RFC 9110 §7.2
HOST = re.compile(
    r"(?:\[[0-9A-Fa-f:]+(?:\.[0-9]+){0,3}\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?", re.ASCII
)


def read_head(parts: Parts, head: bytes) -> Any:
    """Read a whole head, its empty line included: what lab 02's `parse` returns.

    What lab 02 refuses is refused in lab 14's way, with the status of its rule: `parts["siege"].Refused`.
    Also refused, with 400: two Host lines, none in HTTP/1.1, or one that is no HOST (RFC 9112 §3.2); and
    with 413: a Content-Length above LARGEST.
    """
    # >>> task 1: refuse what is no head
    framing, refused = parts["framing"], parts["siege"].Refused
    try:
        request = framing.parse(head)
    except framing.Refused as error:
        raise refused(error.rule.status) from None
    hosts = [] if request is None else framing.values(request.fields, "host")
    missing = request is None or (request.minor and not hosts)
    if missing or len(hosts) > 1 or not all(map(HOST.fullmatch, hosts)):
        raise refused(400)
    if request.framing.length > LARGEST:
        raise refused(413)
    return request
    # <<< task 1


class Body:
    """Gathers the content that a head announces. content: what has come; whole: nothing of it is missing."""

    def __init__(self, parts: Parts, request: Any) -> None:
        self.parts, self.request = parts, request
        self.content = b""
        self.left = request.framing.length
        chunked = parts["chunked"]
        self.decoder = chunked.ChunkedDecoder(chunked.Limits(content=LARGEST))
        self.coded = request.framing.kind is parts["framing"].Kind.CHUNKED
        self.whole = not self.coded and self.left == 0

    def feed(self, data: bytes) -> bytes:
        """Take what belongs to the content. Returns what is behind it: the next request.

        By Content-Length: `left` bytes. In chunks: whatever lab 12's decoder takes; behind its end, `rest`
        is not the content's. A refusal of lab 12 is lab 14's with 413 for CONTENT_LIMIT and 400 for any
        other rule.
        """
        # >>> task 2: gather the content
        if not self.coded:
            taken = data[: self.left]
            self.content += taken
            self.left -= len(taken)
            self.whole = self.left == 0
            return data[len(taken) :]
        chunked = self.parts["chunked"]
        try:
            self.content += b"".join(self.decoder.feed(data))
        except chunked.Refused as error:
            status = 413 if error.rule is chunked.Rule.CONTENT_LIMIT else 400
            raise self.parts["siege"].Refused(status) from None
        self.whole = self.decoder.state is chunked.State.DONE
        return self.decoder.rest
        # <<< task 2


def guarded(parts: Parts, policy: Any, app: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An app of lab 09 behind the CORS policy of lab 03: the same app, with its answers' fields.

    A preflight is answered with the status and the fields that lab 03 decides, and the app does not run. Any
    other request runs; its answer gets the fields as well. Vary of the app and of the decision become one
    field.
    """
    # >>> task 3: answer the border guard
    preflight, keep_alive = parts["preflight"], parts["keep_alive"]

    def behind(request: Any) -> Any:
        decided = preflight.decide(policy, preflight.Request(request.method, list(request.fields)))
        response = app(request) if decided.status is None else keep_alive.Response(decided.status)
        own = [value for name, value in response.fields if name.lower() == "vary"]
        fields = [(name, value) for name, value in response.fields if name.lower() != "vary"]
        fields += decided.fields.items()
        if vary := preflight.merge_vary(own, decided.vary):
            fields.append(("Vary", vary))
        return response._replace(fields=fields)

    return behind
    # <<< task 3


def exchange(
    parts: Parts, app: Callable[[Any], Any], request: Any, content: bytes, stopping: bool
) -> tuple[bytes, bool]:
    """Answer one request by lab 09's Connection: (the response as bytes, is it the last?).

    request: what `read_head` gave. stopping: the server was told to stop, so this response is the last and
    says so: `("Connection", "close")` among the app's fields is lab 09's way to say it.
    """
    # >>> task 4: one exchange
    keep_alive = parts["keep_alive"]

    def last(asked: Any) -> Any:
        response = app(asked)
        return response._replace(fields=[*response.fields, ("Connection", "close")]) if stopping else response

    connection = keep_alive.Connection(last)
    asked = keep_alive.Request(request.method, request.target, request.minor, request.fields, content)
    return connection.exchange(asked), connection.closing
    # <<< task 4


def stream(parts: Parts, request: Any, pieces: Iterable[bytes], last: bool) -> Iterator[bytes]:
    """A 200 whose length is not known: its head, then each piece as it is asked for, framed by lab 13.

    To HTTP/1.1 in chunks (Transfer-Encoding: chunked), with Connection: close if it is the last. HTTP/1.0
    knows no chunks (RFC 9112 §6.1): there the pieces go as they are, Connection says close, and the close
    ends the content. HEAD gets the head alone.
    """
    # >>> task 5: stream an answer
    river = parts["river"]
    chunked = request.minor >= 1
    lines = ["HTTP/1.1 200 OK"]
    lines += ["Transfer-Encoding: chunked"] if chunked else []
    lines += ["Connection: close"] if last or not chunked else []
    yield "\r\n".join([*lines, "", ""]).encode("latin-1")
    if request.method == "HEAD":
        return
    framing = river.Framing.CHUNKED if chunked else river.Framing.LENGTH
    for piece in pieces:
        yield b"".join(river.framed(piece, framing))
    if chunked:
        yield river.ending(framing)
    # <<< task 5


def ask_all(
    pool: Any, host: str, requests: Iterable[str], send: Callable[[Any, str], tuple[bytes, bool]]
) -> list[bytes]:
    """Send each request over a connection of lab 11's pool: the answers, in order.

    `send(connection, request)` gives (the answer, may the connection be used again?). It raises OSError when
    the connection is gone: discard it, and raise the error on. The pool checks a connection before each use.
    Whatever happens, no connection stays in use.
    """
    # >>> task 6: ask through the pool
    answers = []
    for request in requests:
        ticket = pool.acquire(host)
        try:
            pool.connected(ticket)
            connection = pool.checked(ticket)
            ticket.started = True
            answer, again = send(connection, request)
        except BaseException:
            pool.discard(ticket)
            raise
        answers.append(answer)
        if again:
            pool.release(ticket)
        else:
            pool.discard(ticket)
    return answers
    # <<< task 6
