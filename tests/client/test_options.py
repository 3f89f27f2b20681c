"""What a Session refuses at once: values of another kind, each with its repair."""

from __future__ import annotations

from typing import Any

import pytest

import netlab
from netlab.client.errors import InvalidRequest


@pytest.mark.parametrize(
    ("given", "repair"),
    [
        ({"cookies": {"a": "b"}}, r"CookieJar\(\)"),
        ({"cookies": True}, r"CookieJar\(\)"),
        ({"tls": True}, "client_context"),
        ({"timeouts": 5}, r"Timeouts\(total=5\)"),
        ({"base_url": 5}, "as text"),
        ({"tls": "x", "timeouts": 5}, "(?s)client_context.*Timeouts"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_value_of_another_kind_is_refused_with_its_repair(given: dict[str, Any], repair: str) -> None:
    with pytest.raises(TypeError, match=repair) as refused:
        netlab.Session(**given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("lines", ["x", b"x", [("a", "b", "c")], {"a": 1}], ids=str)
def test_field_lines_of_a_session_are_pairs_of_text(lines: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"give str|pairs of name and value"):
        netlab.Session(headers=lines)
    with pytest.raises(InvalidRequest, match="two names for the same"):
        netlab.Session(headers={"a": "b"}, fields={"a": "b"})
