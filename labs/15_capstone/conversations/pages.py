"""A page's requests to the assembled server: lab 03 says for the browser whether a preflight goes first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import assembled

from conversations.answers import read
from conversations.cors import APP, request

RULE = "Fetch, CORS-safelisted request-header"
POLICY = {"origins": [APP], "methods": ["PUT", "patch"], "headers": ["content-type", "x-a"]}
FORM = "application/x-www-form-urlencoded"


class Fetched(NamedTuple):
    """What a page asks for. asked: the names in the preflight, None for none; sent: the request goes out."""

    method: str
    headers: list[tuple[str, str]]
    asked: list[str] | None
    sent: bool = True


LONG = "a" * 128
FETCHES = (
    Fetched("GET", [], None),
    Fetched("POST", [("Content-Type", FORM)], None),
    Fetched("POST", [("content-type", f"{FORM.upper()} ; charset=utf-8")], None),
    Fetched("POST", [("content-type", "multipart/form-data; boundary=x")], None),
    Fetched("POST", [("content-type", "application/json")], ["content-type"]),
    Fetched("POST", [("content-type", "application/json; text/plain")], ["content-type"]),
    Fetched("POST", [("content-type", "\xa0text/plain")], ["content-type"]),
    Fetched("POST", [("content-type", "text/plain; (x)")], ["content-type"]),
    Fetched("PUT", [], []),
    Fetched("patch", [], []),
    Fetched("get", [], [], sent=False),
    Fetched("DELETE", [], [], sent=False),
    Fetched("GET", [("Authorization", "x")], ["authorization"], sent=False),
    Fetched("GET", [("X-A", "1"), ("x-a", "2"), ("Content-Type", "a/b")], ["content-type", "x-a"]),
    Fetched("GET", [("Accept", "text/*")], None),
    Fetched("GET", [("Accept", "a:b")], ["accept"], sent=False),
    Fetched("GET", [("Accept-Language", "de_DE")], ["accept-language"], sent=False),
    Fetched("GET", [("Range", "bytes=5-")], None),
    Fetched("GET", [("Range", "bytes=-5")], ["range"], sent=False),
    Fetched("GET", [("Accept", LONG)], None),
    Fetched("GET", [("Accept", f"{LONG}a")], ["accept"], sent=False),
    Fetched("GET", [("Accept", LONG)] * 9, ["accept"], sent=False),
)


def fetches(parts: Any, mine: Any) -> Iterator[str]:
    """Each fetch of a page: which requests does the server see?"""
    for fetched in FETCHES:
        saw = seen(parts, mine, fetched)
        expected = (
            [] if fetched.asked is None else [request("OPTIONS", "/", preflight(fetched, fetched.asked))]
        )
        expected += (
            [request(fetched.method, "/", [("Origin", APP), *fetched.headers])] if fetched.sent else []
        )
        if saw != expected:
            yield f"{fetched.method} with {fetched.headers}: expected {expected}, got {saw} ({RULE})"


def preflight(fetched: Fetched, names: list[str]) -> list[tuple[str, str]]:
    """The field lines of a page's preflight."""
    lines = [("Origin", APP), ("Access-Control-Request-Method", fetched.method)]
    return [*lines, ("Access-Control-Request-Headers", ",".join(names))] if names else lines


def seen(parts: Any, mine: Any, fetched: Fetched) -> list[bytes]:
    """The requests that a browser sends for a page: it asks first where lab 03 says so."""
    talk = assembled.Talk(parts, mine, parts["preflight"].Policy(**POLICY))
    names = parts["preflight"].asks_first(fetched.method, fetched.headers)
    sent = []
    if names is not None:
        sent.append(request("OPTIONS", "/", preflight(fetched, names)))
        if read(talk.feed(sent[0]))[0].status != 204:
            return sent
    sent.append(request(fetched.method, "/", [("Origin", APP), *fetched.headers]))
    talk.feed(sent[-1])
    return sent
