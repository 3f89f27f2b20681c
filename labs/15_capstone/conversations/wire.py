"""Bytes to the assembled server, and what comes back: heads, contents, keep-alive, chunks.

A conversation is a list of turns: the bytes that a client sends, and the answers that come back for them
before it sends more. Each is played as it stands, and once more octet by octet.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import assembled
from film import Cut

from conversations.answers import Expected, against, read

FIELDS = "RFC 9112 §5"
START = "RFC 9112 §3"
LENGTH = "RFC 9112 §6.3"
CODINGS = "RFC 9112 §6.1"
PERSIST = "RFC 9112 §9.3"
CHUNKS = "RFC 9112 §7.1"
CONTENT = "RFC 9110 §6.4"
LIMITS = "RFC 9110 §15.5"


class Turn(NamedTuple):
    """What is sent, and the answers to it. A text is the head's lines, an empty line and the content."""

    sent: bytes
    answers: list[Expected]


class Said(NamedTuple):
    """A conversation. closes: the last answer was given, and nothing behind it is read."""

    rule: str
    turns: list[Turn]
    closes: bool = False
    whole: bool = False  # too long to play octet by octet


def asked(*lines: str, start: str = "GET / HTTP/1.1", content: bytes = b"") -> bytes:
    """A request with a Host line."""
    return "\r\n".join([start, "Host: a", *lines, "", ""]).encode("latin-1") + content


def one(rule: str, wire: bytes, *answers: Expected, closes: bool = False, whole: bool = False) -> Said:
    """A conversation of one turn."""
    return Said(rule, [Turn(wire, list(answers))], closes, whole)


HELLO = Expected(200, b"hello", {"Connection": None, "Content-Length": "5"})
LAST = Expected(200, b"hello", {"Connection": "close"})
GET = asked()
POST = "POST / HTTP/1.1"
ECHO = "POST /asked HTTP/1.1"


def refused(status: int) -> Expected:
    """A refusal."""
    return Expected(status, None, {"Connection": "close"})


def read_as(text: str, content: bytes = b"") -> Expected:
    """/asked answers with the request as the server's parts have read it."""
    return Expected(200, text.replace("|", "\n").encode("latin-1") + content)


def coded(*chunks: bytes) -> bytes:
    """A request to /asked with this chunked content."""
    return asked("Transfer-Encoding: chunked", start=ECHO, content=b"".join(chunks))


def decoded(content: bytes) -> Expected:
    """The answer to it."""
    return read_as("POST /asked HTTP/1.1|host: a|transfer-encoding: chunked||", content)


HEADS = (
    one(START, asked(start="get / HTTP/1.1"), Expected(501)),
    one(START, asked(start="G@T / HTTP/1.1"), refused(400), closes=True),
    one(START, asked(start="GET /\xa0 HTTP/1.1"), refused(400), closes=True),
    one(START, asked(start="GET  / HTTP/1.1"), refused(400), closes=True),
    one(START, asked(start="GET\t/ HTTP/1.1"), refused(400), closes=True),
    one(START, asked(start="GET / HTTP/1.10"), refused(400), closes=True),
    one(START, asked(start="GET / HTTP/1"), refused(400), closes=True),
    one(START, asked(start="GET / HTTP/2.0"), refused(505), closes=True),
    one("RFC 9110 §2.5", asked(start="GET /asked HTTP/1.7"), read_as("GET /asked HTTP/1.1|host: a||")),
    one(
        FIELDS,
        asked("X-Time:\t 10:30 \t", "Y:\xa0z\xa0", start="GET /asked HTTP/1.1"),
        read_as("GET /asked HTTP/1.1|host: a|x-time: 10:30|y: \xa0z\xa0||"),
    ),
    one(FIELDS, asked("no colon"), refused(400), closes=True),
    one(FIELDS, asked("nocolon"), refused(400), closes=True),
    one(FIELDS, asked("X : y"), refused(400), closes=True),
    one(FIELDS, asked("X: a\0b"), refused(400), closes=True),
    one("RFC 9112 §2.2", asked("X: a").replace(b"\r\n", b"\n"), refused(400), closes=True),
)

LENGTHS = (
    one(
        LENGTH,
        asked("Content-Length: 5", start=POST, content=b"a\n\r\n\r") + GET,
        Expected(200, b"a\n\r\n\r"),
        HELLO,
    ),
    one(
        LENGTH,
        asked("CONTENT-LENGTH: 005", start=POST, content=b"world") + GET,
        Expected(200, b"world"),
        HELLO,
    ),
    one(
        LENGTH, asked(f"Content-Length: {'5':0>23}", start=POST, content=b"hello"), refused(400), closes=True
    ),
    one(LENGTH, asked("Content-Length: 5", "Content-Length: 5", start=POST), refused(400), closes=True),
    one(LENGTH, asked("Content-Length: \xb2", start=POST), refused(400), closes=True),
    one(LENGTH, asked("Content-Length: 1_0", start=POST), refused(400), closes=True),
    one(CODINGS, asked("Transfer-Encoding: chunked, chunked", start=POST), refused(400), closes=True),
    one(
        CODINGS,
        asked("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", start=POST),
        refused(400),
        closes=True,
    ),
    one(CODINGS, asked("Transfer-Encoding: gz ip, chunked", start=POST), refused(400), closes=True),
    one(CODINGS, asked("Transfer-Encoding: gzip, chunked", start=POST), refused(501), closes=True),
    one(CODINGS, asked("Transfer-Encoding: chunked, gzip", start=POST), refused(400), closes=True),
    one(CODINGS, asked("Transfer-Encoding: xchunked", start=POST), refused(501), closes=True),
    one(
        LENGTH,
        asked("Transfer-Encoding: chunked", "Content-Length: 0", start=POST),
        refused(400),
        closes=True,
    ),
    one(CODINGS, asked("Transfer-Encoding: chunked", start="POST / HTTP/1.0"), refused(400), closes=True),
)

OLD = "GET / HTTP/1.0"
KEPT = (
    one(PERSIST, asked("Connection: Close") + GET, LAST, closes=True),
    one(PERSIST, asked("Connection: x, close") + GET, LAST, closes=True),
    one(PERSIST, asked("Connection: x", "Connection: close") + GET, LAST, closes=True),
    one(PERSIST, asked("Connection: keep-alive, close") + GET, LAST, closes=True),
    one(PERSIST, asked("Connection: closed") + GET, HELLO, HELLO),
    one(PERSIST, asked(start=OLD) + GET, Expected(200, b"hello", {"Connection": None}), closes=True),
    one(
        PERSIST, asked("Keep-Alive: 5", start=OLD), Expected(200, b"hello", {"Connection": None}), closes=True
    ),
    one(
        PERSIST,
        asked("Connection: Keep-Alive", start=OLD) + GET,
        Expected(200, b"hello", {"Connection": "keep-alive"}),
        HELLO,
    ),
    one(PERSIST, asked(start="GET /goodbye HTTP/1.1") + GET, LAST, closes=True),
    one(
        "RFC 9110 §15.6.1",
        asked(start="GET /fails HTTP/1.1") + GET,
        Expected(500, b"the handler failed\n", {"Connection": None}),
        HELLO,
    ),
    one(
        "RFC 9110 §15.6.1",
        asked("Connection: close", start="GET /fails HTTP/1.1") + GET,
        Expected(500, None, {"Connection": "close"}),
        closes=True,
    ),
    one("RFC 9110 §9.3.2", asked(start="HEAD / HTTP/1.1") + GET, HELLO._replace(content=b""), HELLO),
    one(
        "RFC 9110 §8.6",
        asked(start="GET /nothing HTTP/1.1") + GET,
        Expected(204, b"", {"Content-Length": None}),
        HELLO,
    ),
    one(
        "RFC 9110 §15.4.5",
        asked(start="GET /cached HTTP/1.1") + GET,
        Expected(304, b"", {"Content-Length": "5"}),
        HELLO,
    ),
    one("RFC 9110 §8.6", asked(start="GET /named HTTP/1.1"), HELLO),
)

FULL = b"x" * (1 << 20)
CODED = (
    one(
        CHUNKS,
        coded(b'5\r\nhello\r\n6;a="b;c";d\r\n world\r\n0\r\n\r\n') + GET,
        decoded(b"hello world"),
        HELLO,
    ),
    one(
        CHUNKS,
        coded(b"00A\r\n0123456789\r\n1a\r\n", b"y" * 26, b"\r\n0\r\n\r\n"),
        decoded(b"0123456789" + b"y" * 26),
    ),
    one(
        CHUNKS,
        coded(b"10\r\n", b"y" * 16, b"\r\n0\r\nA: b\r\nC: d:e\r\n\r\n") + GET,
        decoded(b"y" * 16),
        HELLO,
    ),
    *(
        one(CHUNKS, coded(wire), refused(400), closes=True)
        for wire in (
            b"+5\r\n",
            b"0x5\r\n",
            b"1_0\r\n",
            b" 5\r\n",
            b"5 \r\n",
            b"\r\n",
            b"00000000000000005\r\n",
            b"5\n",
            b"5;\r\n",
            b'5;a="\r\n',
            b"5;a\rb\r\n",
            b"1\r\nab",
            b"1\r\na\n",
            b"1\r\na\rb",
            b"1\r\na5\r\n",
            b"0\r\nA : b\r\n",
            b"0\r\n A: b\r\n",
            b"0\r\nno colon\r\n",
            b"0\r\nA\r\n",
            b"0\r\n: b\r\n",
            b"0\r\nContent-Length: 5\r\n",
            b"0\r\nA: b\rc\r\n",
            b"0\r\nA: b\n",
            b"0\r\nA: b\0\r\n",
        )
    ),
    one(LIMITS, coded(b"5;" + b"a" * 4094 + b"\r\nhello\r\n0\r\n\r\n"), decoded(b"hello"), whole=True),
    one(LIMITS, coded(b"5;" + b"a" * 4095 + b"\r\n"), refused(400), closes=True, whole=True),
    one(LIMITS, coded(b"5;" + b"a" * 4098), refused(400), closes=True, whole=True),
    one(LIMITS, coded(b"0\r\n" + b"A: b\r\n" * 2049), refused(400), closes=True, whole=True),
    one(LIMITS, coded(b"0\r\nA: " + b"b" * 8192), refused(400), closes=True, whole=True),
    one(LIMITS, coded(b"100000\r\n" + FULL + b"\r\n0\r\n\r\n"), decoded(FULL), whole=True),
    one("RFC 9110 §15.5.14", coded(b"100001\r\n"), refused(413), closes=True, whole=True),
    one(
        "RFC 9110 §15.5.14", coded(b"100000\r\n" + FULL + b"\r\n1\r\n"), refused(413), closes=True, whole=True
    ),
)

LINE = "GET /" + "a" * 8176 + " HTTP/1.1"  # with its CRLF, 8192 bytes
BARE = b"GET / HTTP/1.1\r\nHost: a\r\n"
SIZES = (
    one(LIMITS, asked(start=LINE), HELLO, whole=True),
    one(LIMITS, asked(start="GET /" + "a" * 8177 + " HTTP/1.1"), refused(414), closes=True, whole=True),
    one(LIMITS, b"GET /" + b"a" * 9000, refused(414), closes=True, whole=True),
    one("RFC 6585 §5", BARE + b"x: y\r\n" * 127 + b"\r\n", HELLO, whole=True),
    one("RFC 6585 §5", BARE + b"x: y\r\n" * 128, refused(431), closes=True, whole=True),
    one("RFC 6585 §5", BARE + b"x: " + b"y" * (32768 - 32) + b"\r\n\r\n", HELLO, whole=True),
    one(
        "RFC 6585 §5",
        BARE + b"x: " + b"y" * (32768 - 31) + b"\r\n\r\n",
        refused(431),
        closes=True,
        whole=True,
    ),
    one("RFC 6585 §5", BARE + b"x: " + b"y" * 33000, refused(431), closes=True, whole=True),
    one("RFC 6585 §5", BARE + (b"x: " + b"y" * 1000 + b"\r\n") * 40, refused(431), closes=True, whole=True),
    one(START, b"\r\n" + GET, refused(400), closes=True),
    Said(CHUNKS, [Turn(GET[:-1], []), Turn(GET[-1:] + GET[:5], [HELLO]), Turn(GET[5:], [HELLO])]),
)

SAID = (*HEADS, *LENGTHS, *KEPT, *CODED, *SIZES)


def says(parts: Any, mine: Any) -> Iterator[str]:
    """Each conversation, as it stands and octet by octet."""
    for said in SAID:
        talk = assembled.Talk(parts, mine)
        differs = played(talk.feed, said) or ended(talk.closing, said)
        if not differs and not said.whole:
            slow = assembled.Talk(parts, mine)
            wire = b"".join(turn.sent for turn in said.turns)
            joined = Turn(wire, [each for turn in said.turns for each in turn.answers])
            differs = _octets(slow.feed, said._replace(turns=[joined]), wire)
        if differs:
            yield f"{said.turns[0].sent[:120]!r}: {differs} ({said.rule})"
    yield from _fields(parts, mine)
    yield from _streams(parts, mine)
    yield from _gathers(parts, mine)
    yield from _costs(parts, mine)


def played(feed: Any, said: Said) -> str:
    """Turn by turn: the first difference."""
    for turn in said.turns:
        if differs := _against(feed(turn.sent), turn):
            return differs
    return ""


def _octets(feed: Any, said: Said, wire: bytes) -> str:
    """The same bytes one by one."""
    out = b"".join(feed(wire[at : at + 1]) for at in range(len(wire)))
    differs = _against(out, said.turns[0])
    return f"octet by octet: {differs}" if differs else ""


def _against(wire: bytes, turn: Turn) -> str:
    heads = [each.split(b" ")[0] == b"HEAD" for each in turn.sent.split(b"\r\n\r\n")]
    try:
        return against(read(wire, heads), turn.answers)
    except (ValueError, Cut) as error:
        return str(error)


def ended(closing: bool, said: Said) -> str:
    return (
        "" if closing is said.closes else f"expected the {'last' if said.closes else 'next'} answer, not so"
    )


def _fields(parts: Any, mine: Any) -> Iterator[str]:
    """Field lines of the application go out as they are, two of one name included."""
    wire = assembled.Talk(parts, mine).feed(asked(start="GET /cookies HTTP/1.1"))
    lines = [line for line in wire.split(b"\r\n") if line.lower().startswith(b"set-cookie")]
    if lines != [b"Set-Cookie: a=1", b"Set-Cookie: b=2"]:
        yield f"two Set-Cookie lines of the application: got {lines} (RFC 9110 §5.3)"


def _streams(parts: Any, mine: Any) -> Iterator[str]:
    """A producer's pieces, an empty one among them, in chunks and behind them the next answer."""
    wire = assembled.Talk(parts, mine).feed(asked(start="GET /stream?words HTTP/1.1") + GET)
    content = wire.partition(b"\r\n\r\n")[2]
    if not content.startswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\nHTTP/1.1 200 "):
        yield f"a stream of one, nothing and two: got {content[:60]!r} ({CHUNKS})"


def _gathers(parts: Any, mine: Any) -> Iterator[str]:
    """The bytes of a chunk are the content's as soon as they have come."""
    talk = assembled.Talk(parts, mine)
    talk.feed(coded(b"a\r\nhello"))
    if talk.body is None or talk.body.content != b"hello":
        held = talk.body and talk.body.content
        yield f"5 bytes of a chunk of 10: the content must hold them, and holds {held!r} ({CHUNKS})"


SMALL = 800  # chunks of one octet
DEARER = 6  # times: code that copies what remains at each step copies 1 MB for each of them


def _costs(parts: Any, mine: Any) -> Iterator[str]:
    """Small chunks beside a large one cost what they cost alone."""
    small, large = b"1\r\nx\r\n" * SMALL, b"ff000\r\n" + b"x" * 0xFF000 + b"\r\n"
    alone = _work(parts, mine, small) + _work(parts, mine, large)
    together = max(_work(parts, mine, small + large), _work(parts, mine, large + small))
    if together > DEARER * alone + 0.005:
        times = together / alone
        yield f"{SMALL} small chunks beside one of 1 MB: {times:.0f} times the work of each alone ({CHUNKS})"


def _work(parts: Any, mine: Any, chunks: bytes) -> float:
    """Seconds of processor time to read this content: the best of three."""
    best, wire = 60.0, coded(chunks, b"0\r\n\r\n")
    for _ in range(3):
        talk = assembled.Talk(parts, mine)
        before = time.process_time()
        talk.feed(wire)
        best = min(best, time.process_time() - before)
    return best
