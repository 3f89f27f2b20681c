"""A request's way told to a person: heads with a word on each line, framing, persistence, time.

Pure: trace events and values in, lines of text out. `python -m netlab fetch -v` prints them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netlab.client.reasons import Opened, Reason
from netlab.client.timings import Step, Timings, TraceEvent
from netlab.http1.framing import WITHOUT_CONTENT, FramingKind
from netlab.http1.messages import ResponseHead

# Where the word on a line begins; a longer line has it after two spaces.
_COLUMN = 46

_FIELDS = {
    "accept": "what we can read (RFC 9110 §12.5.1)",
    "accept-encoding": "content codings that we can take away (RFC 9110 §12.5.3)",
    "access-control-allow-credentials": "CORS: with cookies, too (Fetch §3.3.3)",
    "access-control-allow-headers": "CORS: fields that a script may send (Fetch §3.3.3)",
    "access-control-allow-methods": "CORS: methods that a script may use (Fetch §3.3.3)",
    "access-control-allow-origin": "CORS: which origins may read this, in a browser (Fetch §3.3.3)",
    "access-control-max-age": "CORS: seconds that this answer holds (Fetch §3.3.3)",
    "access-control-request-headers": "CORS: fields that a script wants to send (Fetch §3.3.2)",
    "access-control-request-method": "CORS: the method that a script wants to use (Fetch §3.3.2)",
    "age": "seconds in a cache (RFC 9111 §5.1)",
    "allow": "methods that this resource knows (RFC 9110 §10.2.1)",
    "authorization": "who we are (RFC 9110 §11.6.2)",
    "cache-control": "what caches may do with it (RFC 9111 §5.2)",
    "content-range": "which part of the whole this is (RFC 9110 §14.4)",
    "cookie": "what this server told us to send back (RFC 6265 §4.2)",
    "if-range": "the part only if this is still the version (RFC 9110 §13.1.5)",
    "proxy-authorization": "who we are, for the proxy (RFC 9110 §11.7.2)",
    "range": "which part we want (RFC 9110 §14.2)",
    "retry-after": "how long to wait (RFC 9110 §10.2.3)",
    "connection": "about this connection alone, not the message (RFC 9110 §7.6.1)",
    "content-encoding": "how the content is packed (RFC 9110 §8.4)",
    "content-length": "how many octets of content follow (RFC 9110 §8.6)",
    "content-type": "what the content is (RFC 9110 §8.3)",
    "date": "when it was made (RFC 9110 §6.6.1)",
    "etag": "the name of this version (RFC 9110 §8.8.3)",
    "expect": "the content waits for 100 (Continue) (RFC 9110 §10.1.1)",
    "host": "which site of this server is meant (RFC 9110 §7.2)",
    "keep-alive": "how long the server waits for a next request (RFC 2068 §19.7.1.1)",
    "last-modified": "when the content last changed (RFC 9110 §8.8.2)",
    "location": "where to look instead (RFC 9110 §10.2.2)",
    "origin": "which site's script is asking (RFC 6454 §7)",
    "server": "what program answers (RFC 9110 §10.2.4)",
    "set-cookie": "to be kept and sent back, if we have a jar (RFC 6265 §4.1)",
    "strict-transport-security": "https from now on (RFC 6797 §6.1)",
    "trailer": "fields that come after the content (RFC 9110 §6.6.2)",
    "transfer-encoding": "how the content is cut for its way (RFC 9112 §6.1)",
    "user-agent": "what program asks (RFC 9110 §10.1.5)",
    "vary": "request fields that this answer depends on (RFC 9110 §12.5.5)",
    "www-authenticate": "how to say who you are (RFC 9110 §11.6.1)",
}

_CLASSES = {
    1: "wait, more is coming",
    2: "it worked",
    3: "look elsewhere, or use what you have",
    4: "the request is at fault",
    5: "the server is at fault",
}

_VERSIONS = {"TLSv1.2": "two round trips", "TLSv1.3": "one round trip"}


def explain(event: TraceEvent) -> Iterator[str]:
    """The lines for one step of a request's way."""
    match event.step, event.detail:
        case Step.OPENING, Opened() as why:
            yield f"* connection #{event.connection.number} is opened: {why.value}"
        case Step.RESOLVED, addresses:
            yield f"* {event.connection.origin.host} is {', '.join(addresses)}"
        case Step.CONNECTED, address:
            yield f"* TCP to {address[0]} port {address[1]}: connected"
        case Step.TUNNELLED, proxy:
            yield f"* tunnel: the proxy {proxy.authority} carries our bytes from here on (RFC 9110 §9.3.6)"
        case Step.SECURED, tls:
            how = "resumed: no certificate, no signature" if tls.resumed else "full handshake"
            trips = _VERSIONS.get(tls.version, "?")
            yield f"* {tls.version}, {tls.cipher}, ALPN {tls.alpn or 'none'}, {how}, {trips}"
        case Step.REUSED, _:
            connection = event.connection
            yield (
                f"* connection #{connection.number} is still open: request {connection.requests + 1} on it, "
                "no handshake"
            )
        case Step.STALE, reason:
            yield f"* connection #{event.connection.number} cannot be used again: {reason.value}"
        case Step.RETRIED, _:
            yield "* the server closed before it answered; sent again, once, on a new connection"
        case Step.SENT, octets:
            yield from request_lines(octets)
        case Step.CONTINUE | Step.HEAD, head:
            yield from response_lines(head)
        case Step.KEPT, seconds:
            yield f"* persistence: open for the next request, for {seconds:g} s (RFC 9112 §9.3)"
        case Step.CLOSED, Reason() as reason:
            yield f"* persistence: connection #{event.connection.number} closed: {reason.value}"


def request_lines(head: bytes) -> Iterator[str]:
    """A request head, each line marked > and with a word on it."""
    first, *fields = head.decode("latin-1").split("\r\n")[:-2]
    yield _line(">", first, "method, target, version (RFC 9112 §3)")
    for line in fields:
        yield _line(">", line, _FIELDS.get(line.partition(":")[0].lower(), ""))
    yield ">"


def response_lines(head: ResponseHead) -> Iterator[str]:
    """A response head, each line marked < and with a word on it."""
    yield _line("<", status_line(head), f"{_CLASSES.get(head.status // 100, 'unknown')} (RFC 9110 §15)")
    for name, value in head.fields.lines:
        yield _line("<", f"{name}: {value}", _FIELDS.get(name.lower(), ""))
    yield "<"


def trailer_line(name: str, value: str) -> str:
    """A field line that came after the content."""
    return _line("<", f"{name}: {value}", "a trailer: it came after the content (RFC 9110 §6.5)")


def status_line(head: ResponseHead) -> str:
    """The status line as it came."""
    return f"HTTP/1.{head.minor} {head.status} {head.reason}".rstrip()


def framing_line(head: ResponseHead, method: str) -> str:
    """Which rule of RFC 9112 §6.3 says where the content ends."""
    framing = head.framing
    if method == "HEAD" or head.status in WITHOUT_CONTENT:
        what = method if method == "HEAD" else str(head.status)
        return f"* framing: a response to {what} has no content (RFC 9112 §6.3 rule 1)".replace(
            f"to {head.status}", f"with {head.status}"
        )
    if framing.kind is FramingKind.CHUNKED:
        return "* framing: chunked, until the last-chunk (RFC 9112 §6.3 rule 4)"
    if framing.kind is FramingKind.UNTIL_CLOSE:
        return "* framing: until the connection closes: no field says how long (RFC 9112 §6.3 rule 8)"
    return f"* framing: {framing.length} octets, as Content-Length says (RFC 9112 §6.3 rule 6)"


PHASES = (
    ("DNS", "dns", "the name became addresses"),
    ("TCP", "connect", "SYN, SYN-ACK: one round trip"),
    ("TLS", "tls", "keys, certificate, signature"),
    ("first byte", "first_byte", "the request's way, the server's work, the way back"),
    ("content", "content", "from the first byte to the last"),
)


def timing_lines(timings: Timings) -> Iterator[str]:
    """Where the time went, in milliseconds."""
    yield "* where the time went:"
    start = 0.0
    for name, key, what in PHASES:
        seconds = getattr(timings, key)
        skipped = timings.reused and key in ("dns", "connect", "tls")
        shown = "–" if skipped else f"{seconds * 1000:.3f} ms"
        bar = _bar(start, seconds, timings.total)
        start += seconds
        said = "not needed: the connection was open" if skipped else what
        yield f"*   {name:<10} {shown:>12}  {bar}  {said}"
    yield f"*   {'total':<10} {timings.total * 1000:>9.3f} ms"


_BAR = 20


def _bar(start: float, seconds: float, total: float) -> str:
    """Where in the whole a phase lies, drawn to scale; what took time at all is seen."""
    if total <= 0 or seconds <= 0:
        return " " * _BAR
    first = min(int(start / total * _BAR), _BAR - 1)
    last = max(first + 1, min(round((start + seconds) / total * _BAR), _BAR))
    return " " * first + "=" * (last - first) + " " * (_BAR - last)


def repeat_lines(rows: Sequence[tuple[int, int, Timings]]) -> Iterator[str]:
    """A table of several requests on one session: status, connection, phases in milliseconds."""
    yield "request  status  connection " + "".join(f"{name:>12}" for name, _, _ in PHASES) + "       total"
    for index, (status, number, timings) in enumerate(rows, 1):
        phases = "".join(f"{getattr(timings, key) * 1000:>12.3f}" for _, key, _ in PHASES)
        which = f"#{number} {'reused' if timings.reused else 'new'}"
        yield f"{index:>7}  {status:>6}  {which:<11}{phases}{timings.total * 1000:>12.3f}"


def _line(mark: str, text: str, word: str) -> str:
    # No octet that a server chose may command a terminal: C1 controls are legal in field values.
    shown = text.encode("ascii", "backslashreplace").decode()
    return f"{mark} {shown:<{_COLUMN}}  {word}".rstrip()
