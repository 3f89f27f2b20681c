"""What is fuzzed: each target takes any bytes, and raises AssertionError when a property does not hold.

A target returns what it saw in a few words. The blind loop keeps an input whose words are new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from netlab.cors import Policy, decide
from netlab.cors.decision import Kind
from netlab.http1 import (
    Content,
    EndOfMessage,
    Fields,
    Limits,
    ProtocolError,
    RequestHead,
    RequestParser,
    ResponseHead,
    ResponseParser,
    serializer,
)
from netlab.http1.trailers import FORBIDDEN_TRAILERS
from tests.fuzz import tls
from tests.fuzz.captures import captures

Target = Callable[[bytes], str]

# Small enough that a fuzzer reaches every one of them.
LIMITS = Limits(target=200, field_section=400, field_lines=8, chunk_line=60, trailer_section=100, content=300)

# The largest that a parser may hold back of what it was fed: a head at its limits, and the read on top.
HELD = 200 + 400 + 64 + 256


class Bytes:
    """Takes a fuzzer's bytes apart: small numbers from the front, text from the rest."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, below: int) -> int:
        """0 at the end of the data."""
        found = self._data[self._at : self._at + 1]
        self._at += 1
        return found[0] % below if found else 0

    def piece(self) -> bytes:
        """Up to the next octet of FF, which is left out."""
        end = self._data.find(b"\xff", self._at)
        end = len(self._data) if end < 0 else end
        piece = self._data[self._at : end]
        self._at = end + 1
        return piece

    def text(self) -> str:
        """A piece as text, one character an octet."""
        return self.piece().decode("latin-1")

    def rest(self) -> bytes:
        """All that is left."""
        rest = self._data[self._at :]
        self._at = len(self._data)
        return rest

    @property
    def more(self) -> bool:
        """Is anything left?"""
        return self._at < len(self._data)


# -- parsers: any bytes, any cuts ----------------------------------------------------------------------------

Seen = list[object]


def read(parser: RequestParser | ResponseParser, pieces: list[bytes], end: bool) -> Seen:
    """What a parser makes of the pieces: heads, content joined, ends, and a refusal's status at last."""
    seen: Seen = []
    try:
        for piece in pieces:
            parser.feed(piece)
            seen += events(parser)
            assert parser.buffered <= HELD, f"{parser.buffered} octets are held back"
        if end:
            parser.feed_eof()
            seen += events(parser)
    except ProtocolError as error:
        assert 400 <= error.status <= 599 and error.rule and error.section
        dead(parser, error)
        seen.append(error.status)
    return joined(seen)


def events(parser: RequestParser | ResponseParser) -> Iterator[object]:
    """What the parser has to say until it waits. A response that ends with the connection ends once."""
    while (event := parser.next_event()) is not None:
        if isinstance(event, Content):
            assert event.data, "empty content"
            yield event.data
        elif isinstance(event, RequestHead):
            check_fields(event.fields)
            yield event.method, event.target, event.minor, event.fields, event.framing, event.persistent
        elif isinstance(event, ResponseHead):
            check_fields(event.fields)
            yield event.status, event.minor, event.fields, event.framing, event.persistent
        else:
            assert isinstance(event, EndOfMessage)
            yield "end", event.trailers
            if isinstance(parser, ResponseParser):
                parser.expect("GET")
                if parser.at_start or not parser.buffered:
                    return


def check_fields(fields: Fields) -> None:
    """Whatever was accepted is a field section that could be sent again."""
    for name, value in fields.lines:
        assert name and not set(name) & set(" \t\r\n\0:"), name
        assert not set(value) & set("\r\n\0") and value == value.strip(" \t"), value


def dead(parser: RequestParser | ResponseParser, error: ProtocolError) -> None:
    """Nothing behind a refusal is ever a message."""
    for _ in range(2):
        parser.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try:
            event = parser.next_event()
        except ProtocolError as again:
            assert again is error
        else:
            raise AssertionError(f"{event!r} came behind a refusal")


def joined(seen: Seen) -> Seen:
    """Neighbouring pieces of content as one: where they are cut means nothing."""
    found: Seen = []
    for event in seen:
        if isinstance(event, bytes) and found and isinstance(found[-1], bytes):
            found[-1] += event
        else:
            found.append(event)
    return found


def cut(data: bytes, way: int) -> list[bytes]:
    """Whole, octet by octet, or in pieces of growing size."""
    if way == 0:
        return [data[at : at + 1] for at in range(len(data))]
    edges = [0]
    while edges[-1] < len(data):
        edges.append(min(len(data), edges[-1] + 1 + (len(edges) * way) % 23))
    return [data[a:b] for a, b in pairwise(edges)]


def compare(make: Callable[[], RequestParser | ResponseParser], data: bytes, way: int, end: bool) -> str:
    """Whole and in pieces, the same is read.

    But content may be handed out before a refusal behind it is seen; and of a head that breaks two rules
    either may be named, since which is met first depends on how the octets come.
    """
    whole = read(make(), [data] if data else [], end)
    pieces = read(make(), cut(data, way), end)
    refused = [seen[-1] if seen and isinstance(seen[-1], int) else None for seen in (whole, pieces)]
    assert (refused[0] is None) == (refused[1] is None), f"whole: {whole}; in pieces: {pieces}"
    if refused[0] is None:
        assert whole == pieces, f"whole: {whole}; in pieces: {pieces}"
    else:
        heads = [[event for event in seen if isinstance(event, tuple)] for seen in (whole, pieces)]
        assert heads[0] == heads[1], f"whole: {heads[0]}; in pieces: {heads[1]}"
    kinds = [type(event).__name__ if not isinstance(event, int) else str(event) for event in whole]
    return " ".join(kinds[:6])


def requests(data: bytes) -> str:
    """Any bytes, cut anywhere: requests, a wait, or one refusal."""
    source = Bytes(data)
    way, end = source.number(8), bool(source.number(2))
    return compare(lambda: RequestParser(LIMITS), source.rest(), way, end)


def responses(data: bytes) -> str:
    """The same of responses, to one of three methods."""
    source = Bytes(data)
    way, end, method = source.number(8), bool(source.number(2)), ("GET", "HEAD", "POST")[source.number(3)]

    def make() -> ResponseParser:
        parser = ResponseParser(LIMITS)
        parser.expect(method)
        return parser

    return compare(make, source.rest(), way, end)


# -- serializer: what is written is read back; what cannot be read back is not written -----------------------


def pairs(source: Bytes) -> list[tuple[str, str]]:
    """Up to seven field lines."""
    return [(source.text(), source.text()) for _ in range(source.number(8))]


def heads(data: bytes) -> str:
    """A head is refused by the serializer, or the parser reads the very same out of its bytes."""
    source = Bytes(data)
    method, target, lines = source.text(), source.text(), [("Host", "a"), *pairs(source)]
    try:
        octets = serializer.request_head(method, target, lines)
    except serializer.UnsafeField:
        return "unsafe"
    parser = RequestParser()
    parser.feed(octets)
    try:
        head = parser.next_event()
    except ProtocolError as error:
        # These frame, route or expect: the serializer passes them, the parser knows what they mean.
        meant = {"host", "content-length", "expect", "connection"} & {name.lower() for name, _ in lines[1:]}
        odd = not target.startswith("/") or len(method) > 32 or method == "CONNECT"
        assert meant or odd, f"{error}: {octets!r}"
        return f"refused {error.status}"
    assert isinstance(head, RequestHead), octets
    assert head.method == method
    assert head.target == target or not target.startswith("/")
    assert head.fields == Fields([(name, value.strip(" \t")) for name, value in lines]), octets
    assert parser.buffered == 0
    return "read back"


def chunks(data: bytes) -> str:
    """Pieces and trailers in, the same pieces and trailers out, and not an octet more."""
    source = Bytes(data)
    trailers = pairs(source)
    pieces = []
    while source.more:
        pieces.append(source.piece())
    try:
        end = serializer.last_chunk(trailers)
    except serializer.UnsafeField:
        return "unsafe"
    if FORBIDDEN_TRAILERS & {name.lower() for name, _ in trailers}:
        return "forbidden"
    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert isinstance(parser.next_event(), ResponseHead)
    parser.feed(b"".join(map(serializer.chunk, pieces)) + end + b"behind")
    seen = joined(list(events_until_end(parser)))
    content = b"".join(pieces)
    expected = Fields([(name, value.strip(" \t")) for name, value in trailers])
    assert seen == ([content] if content else []) + [expected], seen
    assert parser.leftover() == b"behind"
    return f"{bool(content)} {len(trailers)}"


def events_until_end(parser: ResponseParser) -> Iterator[object]:
    """Content and, last, the trailers."""
    while isinstance(event := parser.next_event(), Content):
        yield event.data
    assert isinstance(event, EndOfMessage), event
    yield event.trailers


# -- CORS: any request, and no page gets more than the policy says ---------------------------------

LISTED = ("https://app.example", "http://localhost:3000", "https://a.b.example.org")
POLICIES = (
    Policy(
        origins=["https://app.example", "http://localhost:*", "https://*.example.org"],
        methods=["PUT", "patch"], request_headers=["Content-Type", "X-Trace"], max_age=600,
    ),
    Policy(origins=["https://app.example"], methods=["DELETE"], credentials=True),
    Policy(origins=["*"], methods=["*"], request_headers=["*"]),
)  # fmt: skip
ASKED = ("origin", "access-control-request-method", "access-control-request-headers")


def cors(data: bytes) -> str:
    """A decision is made for whatever stands in the fields, and grants nothing that the policy does not."""
    source = Bytes(data)
    policy = POLICIES[source.number(len(POLICIES))]
    method = ("GET", "OPTIONS", "POST", "PUT", source.text())[source.number(5)]
    lines = [(ASKED[source.number(3)], source.text()) for _ in range(source.number(6))]
    decision = decide(policy, method, Fields(lines))
    granted = Fields(decision.fields)
    origin = granted.get("access-control-allow-origin")
    assert decision.reason and (decision.status is not None) == decision.preflight
    for name, value in decision.fields:
        serializer.field_lines([(name, value)])  # raises what must never be sent
    shared = decision.kind in (Kind.PREFLIGHT_ALLOWED, Kind.ACTUAL_ALLOWED)
    # What everybody may read says so to everybody, for caches' sake.
    assert (origin is not None) == (shared or (decision.kind is Kind.NOT_CORS and "*" in policy.origins))
    if origin is None:
        assert not any(name.startswith("access-control") for name in granted), granted
    elif "*" in policy.origins:
        assert origin == "*" and "access-control-allow-credentials" not in granted
    else:
        assert [origin] == [value for name, value in lines if name == "origin"]
        assert is_listed(policy, origin), f"{origin} is nowhere in {policy.origins}"
    if decision.kind is Kind.PREFLIGHT_ALLOWED:
        (asked,) = [value for name, value in lines if name == ASKED[1]]
        allowed = {*policy.methods, "GET", "HEAD", "POST"}
        assert asked in allowed or "*" in allowed, asked
    return f"{POLICIES.index(policy)} {decision.kind.name} {decision.step}"


def is_listed(policy: Policy, origin: str) -> bool:
    """Read without the code under test: a port, and labels in front, where a star stands."""
    scheme, _, rest = origin.partition("://")
    host, _, port = rest.partition(":")
    for listed in policy.origins:
        their_scheme, _, theirs = listed.partition("://")
        their_host, _, their_port = theirs.partition(":")
        if scheme != their_scheme or (port != their_port and not (their_port == "*" and good_port(port))):
            continue
        if host == their_host:
            return True
        if their_host.startswith("*.") and host.endswith(their_host[1:]):
            labels = host.removesuffix(their_host[1:]).split(".")
            return all(label and label.replace("-", "a").replace("_", "a").isalnum() for label in labels)
    return False


def good_port(port: str) -> bool:
    """None is the scheme's own."""
    return not port or (port.isascii() and port.isdigit() and 0 <= int(port) <= 65535)


TARGETS: dict[str, Target] = {
    target.__name__: target for target in (requests, responses, heads, chunks, cors, captures)
} | tls.TARGETS
