"""Hostile input costs in proportion to its length: four times as much takes about four times as long.

Processor time of this thread, the best of several, and a generous bound: a complexity, not a speed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from netlab.http1 import Limits, ProtocolError, RequestParser

WIDE = Limits(target=1 << 24, field_section=1 << 24, field_lines=1 << 20, chunk_line=1 << 24,
              trailer_section=1 << 24)  # fmt: skip
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

CONSTRUCTS: dict[str, Callable[[int], bytes]] = {
    "a long target": lambda n: b"GET /" + b"a" * n + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target of percent-encodings": lambda n: b"GET /" + b"%41" * (n // 3) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target that fails at its end": lambda n: (
        b"GET /" + b"%41" * (n // 3) + b"% HTTP/1.1\r\nHost: a\r\n\r\n"
    ),
    "many field lines": lambda n: HEAD + b"a: b\r\n" * (n // 6) + b"\r\n",
    "many lines of one name": lambda n: HEAD + b"x: \r\n" * (n // 5) + b"\r\n",
    "a long value": lambda n: HEAD + b"a: " + b"b " * (n // 2) + b"\r\n\r\n",
    "a long name without a colon": lambda n: HEAD + b"a" * n + b"\r\n\r\n",
    "white space": lambda n: HEAD + b"a:" + b" \t" * (n // 2) + b"x\r\n\r\n",
    "a value that fails at its end": lambda n: HEAD + b"a: " + b"b " * (n // 2) + b"\0\r\n\r\n",
    "a list in Connection": lambda n: HEAD + b"Connection: " + b"a," * (n // 2) + b"\r\n\r\n",
    "a list in Transfer-Encoding": lambda n: HEAD + b"Transfer-Encoding: " + b"a," * (n // 2) + b"\r\n\r\n",
    "a list in Expect": lambda n: HEAD + b"Expect: " + b"a," * (n // 2) + b"\r\n\r\n",
    "digits in Content-Length": lambda n: HEAD + b"Content-Length: " + b"1" * n + b"\r\n\r\n",
    "a long Host": lambda n: b"GET / HTTP/1.1\r\nHost: " + b"a." * (n // 2) + b"\r\n\r\n",
    "chunks of one octet": lambda n: CHUNKED + b"1\r\na\r\n" * (n // 6),
    "an endless extension": lambda n: CHUNKED + b"1" + b";a" * (n // 2) + b"\r\na\r\n0\r\n\r\n",
    "a quoted extension that fails": lambda n: CHUNKED + b'1;a="' + b"\\a" * (n // 2) + b"\r\na\r\n",
    "endless digits of a chunk size": lambda n: CHUNKED + b"0" * n + b"\r\n",
    "trailers": lambda n: CHUNKED + b"0\r\n" + b"a: b\r\n" * (n // 6) + b"\r\n",
    "pipelined requests": lambda n: (HEAD + b"\r\n") * (n // 26),
    "empty lines": lambda n: b"\r\n" * (n // 2),
}


def seconds(data: bytes, piece: int) -> float:
    best = float("inf")
    for _ in range(3):
        parser = RequestParser(WIDE)
        start = time.thread_time()
        try:
            for at in range(0, len(data), piece):
                parser.feed(data[at : at + piece])
                while parser.next_event() is not None:
                    pass
        except ProtocolError:
            pass
        best = min(best, time.thread_time() - start)
    return best


@pytest.mark.parametrize("piece", [1 << 24, 1000, 1], ids=["whole", "in thousands", "octet by octet"])
@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_cost_is_linear(construct: str, piece: int) -> None:
    n = 60_000 if piece > 1 else 8_000
    make = CONSTRUCTS[construct]
    # A clock tick and a warm cache blur small figures: add a floor to both, then bound generously.
    small, large = seconds(make(n), piece) + 0.0005, seconds(make(4 * n), piece) + 0.0005
    assert large / small < 9, f"4n takes {large / small:.1f} times as long as n: 4 is linear, 16 quadratic"


def test_a_slow_head_is_refused_at_its_limit_not_gathered_without_end() -> None:
    parser = RequestParser(Limits(field_section=2048))
    with pytest.raises(ProtocolError) as refused:
        for _ in range(100_000):
            parser.feed(b"a")
            parser.next_event()
    assert refused.value.status in (414, 431, 501)
    assert parser.buffered < 20_000


def test_the_memory_of_heads_is_bounded_and_knows_its_limits() -> None:
    from netlab.http1 import heads

    lax, strict = RequestParser(), RequestParser(Limits(field_lines=2))
    many = HEAD + b"a: b\r\nc: d\r\n\r\n"
    for _ in range(2):
        assert lax.feed_head(many) is not None
    assert strict.feed_head(many) is None
    with pytest.raises(ProtocolError):
        strict.next_event()
    reader = heads.request_heads(Limits())
    for number in range(2000):
        for _ in range(2):
            assert lax.feed_head(b"GET /%d HTTP/1.1\r\nHost: a\r\nX: %d\r\n\r\n" % (number, number))
    assert 0 < len(reader.known) <= 256
