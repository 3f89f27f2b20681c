"""A request as bytes: which fields, which framing. RFC 9112 §3, §6; RFC 9110 §8.6, §9.2.2.

Pure: what the caller gave goes in, checked bytes come out. The client's side of `server.responding`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from netlab.client.bodies import Body, Data, prepare
from netlab.client.errors import InvalidRequest
from netlab.client.url import URL, Proxy
from netlab.http1.grammar import CONTENT_LENGTH
from netlab.http1.serializer import UnsafeField, request_head

FieldLines = Mapping[str, str] | Iterable[tuple[str, str]]
Lines = tuple[tuple[str, str], ...]

# Asking twice has the effect of asking once: RFC 9110 §9.2.2. Only these may be sent again when it is unknown
# whether they were carried out.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})

# Methods whose requests say "no content" with a length of 0; for the others no field says it. RFC 9110 §8.6
ANTICIPATE_CONTENT = frozenset({"POST", "PUT", "PATCH"})

_EXPECT = b"\r\nExpect: 100-continue\r\n"

# Fields that say something about the message: they are looked at wherever they come from.
_SPECIAL = frozenset({"host", "content-length", "connection", "expect"})


class Outgoing:
    """One request, ready to be sent, again if need be.

    head: request line and field section. content: bytes, or a stream that is sent chunked, or in `length`
    bytes exactly if that is given. begun: has the stream been asked for its first piece? defaults, given and
    body: what it was made of, for the request that follows a redirect.
    """

    __slots__ = (
        "begun",
        "body",
        "content",
        "defaults",
        "expects",
        "given",
        "head",
        "length",
        "method",
        "route",
        "stream",
        "url",
        "wants_close",
    )

    def __init__(self, method: str, url: URL, body: Body | None) -> None:
        self.method = method
        self.url = url
        self.route = url.origin
        """Where to connect: the origin, a tunnel to it, or the proxy that takes the whole URL."""
        self.body = body
        self.defaults: Lines = ()
        self.given: list[tuple[str, str]] = []
        self.head = b""
        self.content: bytes = b"" if body is None else body.content
        self.stream: AsyncIterable[bytes] | None = None if body is None else body.stream
        self.begun = False
        self.length: int | None = None if body is None else body.length
        self.expects = False
        self.wants_close = False

    @property
    def replayable(self) -> bool:
        """Is all of the content still there to be sent once more?"""
        return (
            self.stream is None or not self.begun or (self.body is not None and self.body.reopen is not None)
        )

    @property
    def repeatable(self) -> bool:
        """May it be sent again though it is unknown whether it was carried out?"""
        return self.method in IDEMPOTENT and (
            self.stream is None or (self.body is not None and self.body.reopen is not None)
        )

    def rewind(self) -> None:
        """Open the stream anew, if it has begun."""
        if self.begun and self.body is not None and self.body.reopen is not None:
            self.body.stream = self.stream = self.body.reopen()
            self.begun = False

    def speak_http10(self) -> None:
        """Send it as an HTTP/1.0 request. Raises InvalidRequest for content of unknown length."""
        if self.stream is not None and self.length is None:
            raise InvalidRequest("HTTP/1.0 has no chunked coding: give a Content-Length (RFC 9112 §6.1)")
        if self.expects:
            raise InvalidRequest("HTTP/1.0 has no 100 (Continue): drop expect100 (RFC 9110 §10.1.1)")
        self.head = self.head.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)

    def drop_expect(self) -> None:
        """Send the content at once the next time, without waiting for 100 (Continue)."""
        self.expects = False
        self.head = self.head.replace(_EXPECT, b"\r\n", 1)

    async def close_stream(self) -> None:
        """Close the producer of the content, so that its `finally` runs."""
        close = getattr(self.stream, "aclose", None)
        if close is not None:
            await close()


def build(
    method: str,
    url: URL,
    defaults: Lines,
    fields: FieldLines | None = None,
    data: Data = None,
    json: Any = None,
    expect100: bool = False,
) -> Outgoing:
    """Put a request together. defaults: fields that are sent unless `fields` has them.

    Raises InvalidRequest for what contradicts itself or must not be sent.
    """
    given = list(fields.items() if isinstance(fields, Mapping) else fields) if fields else []
    return assemble(method, url, defaults, given, prepare(data, json), expect100)


def assemble(
    method: str,
    url: URL,
    defaults: Lines,
    given: list[tuple[str, str]],
    body: Body | None,
    expect100: bool,
    proxy: Proxy | None = None,
) -> Outgoing:
    """Put a request together of parts that are prepared. Raises InvalidRequest."""
    request = Outgoing(method, url, body)
    request.defaults, request.given = defaults, given
    if method in _REFUSED:
        _refuse(request)
    if body is None and proxy is None and not given and not _speaks_of_the_message(defaults):
        request.head = _plain_head(method, url, defaults)
        return request
    lines = [("Host", url.origin.authority), *defaults]
    if given or _speaks_of_the_message(defaults):
        lines = _merge(request, lines[:1], [*_left_over(defaults, given), *given])
    kind = None if body is None else body.media_type
    if kind is not None and not any(name.lower() == "content-type" for name, _ in lines):
        lines.append(("Content-Type", kind))
    request.expects = expect100 and (request.stream is not None or bool(request.content))
    if request.expects:
        lines.append(("Expect", "100-continue"))
    target = _target(method, url) if proxy is None else _through(proxy, request, lines)
    head = _checked_head(method, target, lines)
    framing = _framing(request)
    # The framing goes before the empty line that ends the head.
    request.head = head[:-2] + framing + b"\r\n" if framing else head
    return request


@lru_cache(maxsize=512)
def _plain_head(method: str, url: URL, defaults: Lines) -> bytes:
    """The head of a request without content and fields of its own: a client asks for the same again."""
    head = _checked_head(method, _target(method, url), [("Host", url.origin.authority), *defaults])
    return head[:-2] + b"Content-Length: 0\r\n\r\n" if method in ANTICIPATE_CONTENT else head


def _checked_head(method: str, target: str, lines: list[tuple[str, str]]) -> bytes:
    try:
        return request_head(method, target, lines)
    except UnsafeField as error:
        raise InvalidRequest(str(error)) from None
    except (TypeError, AttributeError):
        raise InvalidRequest("field names and values are text: give str") from None


# Methods that are looked at: CONNECT makes a tunnel, TRACE sends back what it gets.
_REFUSED = frozenset({"CONNECT", "TRACE"})

# Fields that TRACE must not send: the response would disclose them. RFC 9110 §9.3.8
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})


def _refuse(request: Outgoing) -> None:
    if request.method == "CONNECT":
        raise InvalidRequest("CONNECT makes a tunnel: name the proxy by proxy=, it is asked for one then")
    if request.content or request.stream is not None:
        raise InvalidRequest("TRACE has no content: drop data= and json= (RFC 9110 §9.3.8)")
    secret = [name for name, _ in (*request.defaults, *request.given) if name.lower() in _SECRET]
    if secret:
        raise InvalidRequest(f"TRACE sends back what it gets: drop {', '.join(secret)} (RFC 9110 §9.3.8)")


def _through(proxy: Proxy, request: Outgoing, lines: list[tuple[str, str]]) -> str:
    """Send the request through a proxy: its target there. RFC 9112 §3.2.2, RFC 9110 §9.3.6"""
    url = request.url
    if url.origin.secure:
        if proxy.origin.secure:
            raise InvalidRequest("https through an https proxy is TLS inside TLS: give an http:// proxy")
        request.route = url.origin._replace(proxy=proxy)
        return _target(request.method, url)
    request.route = proxy.origin
    if proxy.authorization is not None:
        lines.append(("Proxy-Authorization", proxy.authorization))
    # Without a path, OPTIONS is about the server: the last proxy makes "*" of it (RFC 9112 §3.2.4).
    whole = request.method == "OPTIONS" and url.whole_server
    return str(url.origin) if whole else str(url)


def _target(method: str, url: URL) -> str:
    """The request target: "*" where OPTIONS asks about the whole server. RFC 9112 §3.2.4"""
    return "*" if method == "OPTIONS" and url.whole_server and url.target == "/" else url.target


@lru_cache(maxsize=64)
def _speaks_of_the_message(defaults: tuple[tuple[str, str], ...]) -> bool:
    """Must a session's own fields be looked at as closely as those of one request?"""
    return any(name.lower() in _SPECIAL for name, _ in defaults)


def _left_over(defaults: tuple[tuple[str, str], ...], given: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The session's field lines that the request does not give itself."""
    if not all(isinstance(part, str) for line in given for part in line):
        raise InvalidRequest("field names and values are text: give str")
    names = {name.lower() for name, _ in given}
    return [line for line in defaults if line[0].lower() not in names]


def _merge(
    request: Outgoing, lines: list[tuple[str, str]], given: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The caller's field lines over ours; those that say something about the message are looked at."""
    names = {name.lower() for name, _ in given}
    merged = [line for line in lines if line[0].lower() not in names]
    lengths: list[int] = []
    for name, value in given:
        match name.lower():
            case "content-length":
                if lengths or CONTENT_LENGTH.fullmatch(value) is None:
                    raise InvalidRequest(f"Content-Length {value!r} is not one number (RFC 9110 §8.6)")
                lengths.append(int(value))
                _take_length(request, lengths[0])
            case "connection":
                if value.strip().lower() not in ("close", "keep-alive"):
                    raise InvalidRequest(f"Connection {value!r}: a request may only say close or keep-alive")
                request.wants_close = value.strip().lower() == "close"
                merged.append((name, value))
            case "expect":
                raise InvalidRequest("Expect is sent by expect100=True, which also waits: do not set it")
            case "host":
                if merged and merged[0][0].lower() == "host":
                    raise InvalidRequest("Host is given twice: give one (RFC 9112 §3.2)")
                merged.insert(0, (name, value))  # RFC 9110 §7.2: first, since it decides most
            case _:
                merged.append((name, value))
    return merged


def _take_length(request: Outgoing, length: int) -> None:
    if request.length is not None and request.length != length:
        raise InvalidRequest(
            f"Content-Length is {length}, the content has {request.length} bytes: drop the field"
        )
    request.length = length


def _framing(request: Outgoing) -> bytes:
    """The field line that says how the content ends, if there is one."""
    if request.stream is not None:
        if request.length is None:
            return b"Transfer-Encoding: chunked\r\n"
        return b"Content-Length: %d\r\n" % request.length
    size = len(request.content)
    if request.length is not None and request.length != size:
        raise InvalidRequest(
            f"Content-Length is {request.length}, the content has {size} bytes: drop the field"
        )
    if size or request.method in ANTICIPATE_CONTENT:
        return b"Content-Length: %d\r\n" % size
    return b""
