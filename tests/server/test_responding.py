"""A response's head is remembered by status and fields. The memory changes no byte of any response."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from fractions import Fraction
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.http1.fields import Fields
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import RequestHead
from netlab.server import responding
from netlab.server.exchange import Exchange
from netlab.server.request import Request
from netlab.server.response import TEXT, Response
from netlab.server.services import Carrier

DATE = b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"

# Few names and values, so that the same ones come again in another order, and in both cases of a letter.
NAMES = st.sampled_from(["a", "A", "b", "content-length", "connection", "date", "not a token"])
VALUES = st.sampled_from(["1", "2", "close", "", "a\nb"])
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
SHAPES: dict[str, Callable[[list[tuple[str, str]]], Any]] = {
    "a dictionary": dict,
    "a mapping of another class": OrderedDict,
    "a tuple": tuple,
    "a list": list,
    "pairs that can be read once": iter,
}
STATUSES = st.sampled_from([200, 204, 404, 999, HTTPStatus.OK, 200.0])
RESPONSES = st.tuples(STATUSES, st.sampled_from([b"", b"x", "é"]), PAIRS, st.sampled_from(sorted(SHAPES)))
HEADS = st.tuples(st.sampled_from(["GET", "HEAD"]), st.sampled_from([0, 1]), st.booleans())


def head(method: str = "GET", minor: int = 1, persistent: bool = True) -> RequestHead:
    """A request without content."""
    return RequestHead().begin(method, "/", minor, Fields([("host", "a")]), NO_CONTENT, persistent)


def forget() -> None:
    """Empty both memories."""
    responding._rendered.cache_clear()
    responding.USUAL.clear()


def answered(request: RequestHead, response: Response | Callable[[Request], Response]) -> bytes:
    """What an exchange sends for this response, or this handler's: the way with the memory."""
    sent: list[bytes] = []

    def write(octets: bytes) -> bool:
        sent.append(octets)
        return True

    server = SimpleNamespace(
        cors=None, draining=False, date=DATE, access_log=None, report=lambda *_: None,
        handle=response if callable(response) else lambda _: response, start_eagerly=lambda outcome: outcome,
    )  # fmt: skip
    carrier = SimpleNamespace(server=server, half_closed=False, transport=SimpleNamespace(write=write))
    Exchange().start(cast(Carrier, carrier), request)
    return b"".join(sent)


def rendered(request: RequestHead, response: Response) -> bytes:
    """The same by the plain way, without a memory."""
    forget()
    try:
        return responding.fixed(response, request, DATE, request.persistent, None)[0]
    except ValueError:
        response = Response(500, "the handler's response cannot be sent\n", TEXT)
        return responding.fixed(response, request, DATE, request.persistent, None)[0]


def made(status: Any, content: bytes | str, pairs: list[tuple[str, str]], shape: str) -> Response:
    return Response(status, content, SHAPES[shape](pairs))


@given(st.lists(st.tuples(HEADS, RESPONSES), max_size=12))
def test_a_response_is_the_same_whatever_was_answered_before(answers: list[Any]) -> None:
    forget()
    sent = [answered(head(*request), made(*response)) for request, response in answers]
    for (request, response), octets in zip(answers, sent, strict=True):
        assert octets == rendered(head(*request), made(*response))


def test_fields_keep_their_order_though_equal_dictionaries_came_before() -> None:
    forget()
    for _ in range(2):
        assert b"a: 1\r\nb: 2\r\n" in answered(head(), Response(200, b"", {"a": "1", "b": "2"}))
        assert b"b: 2\r\na: 1\r\n" in answered(head(), Response(200, b"", {"b": "2", "a": "1"}))


def test_a_dictionary_that_its_handler_changes_is_rendered_anew() -> None:
    forget()
    fields = {"a": "1"}
    assert b"a: 1\r\n" in answered(head(), Response(200, b"", fields))
    fields["a"] = "2"
    assert b"a: 2\r\n" in answered(head(), Response(200, b"", fields))


def test_the_usual_response_is_found_by_one_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    first = answered(head(), Response(200, b"x", {"a": "1"}))

    def fail(*_: Any) -> None:
        raise AssertionError("it was rendered again")

    monkeypatch.setattr(responding, "fixed", fail)
    assert answered(head(), Response(200, b"x", {"a": "1"})) == first


@pytest.mark.parametrize("status", [200.0, Fraction(200)])
def test_a_status_that_is_no_integer_is_refused_though_its_equal_was_sent(status: Any) -> None:
    forget()
    assert answered(head(), Response(200, b"x", {"a": "1"})).startswith(b"HTTP/1.1 200 ")
    assert answered(head(), Response(status, b"x", {"a": "1"})).startswith(b"HTTP/1.1 500 ")
    assert answered(head(), Response(status, b"x", (("a", "1"),))).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("fields", [{"a": "1"}, (("a", "1"),)], ids=["a dictionary", "a tuple"])
def test_a_handler_that_takes_head_for_get_sends_no_content(fields: Any) -> None:
    def handle(request: Request) -> Response:
        request.method = "GET"
        return Response(200, b"x", fields)

    for _ in range(2):
        octets = answered(head("HEAD"), handle)
        assert b"content-length: 1\r\n" in octets and octets.endswith(b"\r\n\r\n")


class Incomparable(str):
    """A field value that raises where it is compared."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("it cannot be compared")

    __hash__ = str.__hash__


def broken() -> Iterator[tuple[str, str]]:
    """Field lines that raise where they are read."""
    yield "a", "1"
    raise KeyError("b")


@pytest.mark.parametrize("fields", [lambda: {"a": Incomparable("2")}, broken], ids=["a value", "an iterator"])
def test_fields_that_raise_become_a_500(fields: Callable[[], Any]) -> None:
    forget()
    assert answered(head(), Response(200, b"x", {"a": "1"})).startswith(b"HTTP/1.1 200 ")
    assert answered(head(), Response(200, b"x", fields())).startswith(b"HTTP/1.1 500 ")
