"""A response's head is remembered by status and fields. The memory changes no byte of any response."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.http1.fields import Fields
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import RequestHead
from netlab.server import responding
from netlab.server.response import Response

GET = RequestHead().begin("GET", "/", 1, Fields([("host", "a")]), NO_CONTENT, True)
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
RESPONSES = st.tuples(st.sampled_from([200, 204, 404]), PAIRS, st.sampled_from(sorted(SHAPES)))


def rendered(status: int, fields: Any) -> bytes:
    """A response with these fields, or what is wrong with them."""
    try:
        return responding.fixed(Response(status, b"x" * (status != 204), fields), GET, DATE, True, None)[0]
    except ValueError as error:
        return str(error).encode()


def forget() -> None:
    """Empty both memories."""
    responding._rendered.cache_clear()
    responding._LAST.clear()


@given(st.lists(RESPONSES, max_size=12))
def test_a_response_is_the_same_whatever_was_answered_before(responses: list[Any]) -> None:
    forget()
    remembered = [rendered(status, SHAPES[shape](pairs)) for status, pairs, shape in responses]
    for (status, pairs, shape), octets in zip(responses, remembered, strict=True):
        forget()
        assert octets == rendered(status, SHAPES[shape](pairs))


def test_fields_keep_their_order_though_equal_dictionaries_came_before() -> None:
    forget()
    assert b"a: 1\r\nb: 2\r\n" in rendered(200, {"a": "1", "b": "2"})
    assert b"b: 2\r\na: 1\r\n" in rendered(200, {"b": "2", "a": "1"})


def test_a_dictionary_that_its_handler_changes_is_rendered_anew() -> None:
    forget()
    fields = {"a": "1"}
    assert b"a: 1\r\n" in rendered(200, fields)
    fields["a"] = "2"
    assert b"a: 2\r\n" in rendered(200, fields)


def test_the_usual_response_is_found_without_a_key_being_made_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    first = rendered(200, {"a": "1"})

    def fail(*_: Any) -> None:
        raise AssertionError("it was rendered again")

    monkeypatch.setattr(responding, "_given", fail)
    assert rendered(200, {"a": "1"}) == first
