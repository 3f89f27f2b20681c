"""Values that the RFCs compare without regard to case, each in a case that few programs write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netlab.asgi.scope import _asks_for_websocket
from netlab.check.conversation import ObservedAnswer
from netlab.cli.fetching.download import _CONTENT_RANGE
from netlab.client.decoding import decoder_for
from netlab.client.response import _charset
from netlab.client.url import parse_url
from netlab.http1 import Fields
from netlab.http1.conditional import _range
from netlab.http1.forwarded import TrustedProxies
from netlab.http1.framing import CHUNKED, persistent, request_framing
from netlab.http1.grammar import ABSOLUTE
from netlab.http1.heads import _expects_continue


def _told_scheme(name: str, value: str) -> str | None:
    told = TrustedProxies(["*"]).told(Fields([(name, value)]), ("192.0.2.1", 1))
    return told.scheme if told else None


COMPARED: dict[str, Callable[[], object]] = {
    "connection option close, RFC 9110 §7.6.1": lambda: not persistent(Fields([("Connection", "CLOSE")]), 1),
    "connection option keep-alive": lambda: persistent(Fields([("Connection", "Keep-ALIVE")]), 0),
    "transfer coding, RFC 9112 §7": lambda: (
        request_framing(Fields([("Transfer-Encoding", "ChunKED")]), 1) is CHUNKED
    ),
    "expectation, RFC 9110 §10.1.1": lambda: _expects_continue(Fields([("Expect", "100-Continue")]), 1),
    "scheme of a target, RFC 9110 §4.2.3": lambda: ABSOLUTE.fullmatch("HTTP://a/"),
    "scheme of a URL": lambda: parse_url("HTTPS://a/").origin.secure,
    "content coding, RFC 9110 §8.4.1": lambda: decoder_for("GZip", 1 << 20, "here"),
    "charset, RFC 9110 §8.3.2": lambda: _charset("text/plain; CharSet=UTF-8"),
    "range unit of a request, RFC 9110 §14.1": lambda: _range("Bytes=0-1", 9),
    "range unit of a response": lambda: _CONTENT_RANGE.fullmatch("BYTES 0-1/9"),
    "Forwarded's proto, RFC 7239 §4": lambda: (
        _told_scheme("Forwarded", "For=192.0.2.1;Proto=HTTPS") == "https"
    ),
    "X-Forwarded-Proto": lambda: _told_scheme("X-Forwarded-Proto", "Https") == "https",
    "upgrade, RFC 9110 §7.8": lambda: _asks_for_websocket([(b"host", b"a"), (b"upgrade", b"WebSocket")]),
    "upgrade in a list, with a version": lambda: _asks_for_websocket([(b"upgrade", b"h2c, WEBSOCKET/13")]),
    "close in an answer that the judge reads": lambda: (
        ObservedAnswer(200, Fields([("connection", "x, Close")])).says_close
    ),
}


@pytest.mark.parametrize("what", COMPARED)
def test_a_value_is_compared_without_regard_to_case(what: str) -> None:
    assert COMPARED[what]()


def test_a_part_of_a_token_is_not_the_token() -> None:
    assert not ObservedAnswer(200, Fields([("connection", "not-close")])).says_close
    assert not _asks_for_websocket([(b"upgrade", b"websockets"), (b"x-upgrade", b"websocket")])
    assert persistent(Fields([("Connection", "closed")]), 1)
