"""The same pages against three servers: ours, a well-kept peer, and one that is deliberately wrong.

A table that everybody passes proves nothing. So it is asserted of each server which rows it loses: the wrong
one loses most; starlette's middleware, configured as its users do it, loses those that are named here.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import pytest

import netlab
from netlab.cors import PageRequest, Policy, PolicyError, Routes

from .world import Stage, World, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = (("Content-Type", "application/json"),)
TOKEN = (("Authorization", "Bearer abc"),)

# What most of the rows allow; `{app}` and `{other}` stand for the origins of pages.
USUAL: dict[str, Any] = {
    "origins": ["{app}"],
    "methods": ["PUT", "POST", "GET"],
    "request_headers": ["Authorization", "Content-Type"],
    "expose_headers": ["X-Total"],
}

READS, BLOCKED = True, False
Step = tuple[str, str, dict[str, Any], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """A policy, and what pages then ask for one after the other: page, path, request, whether it reads."""

    name: str
    settings: dict[str, Any]
    steps: tuple[Step, ...]


ROWS = (
    Row("an allowed page reads", USUAL, (
        ("app", "a", {}, READS), ("app", "a", {"method": "PUT", "headers": JSON + TOKEN}, READS),
    )),
    Row("another page reads nothing", USUAL, (
        ("other", "a", {}, BLOCKED), ("other", "a", {"method": "PUT", "headers": JSON}, BLOCKED),
    )),
    Row("a sandboxed page reads nothing", USUAL, (("null", "a", {"credentials": "include"}, BLOCKED),)),
    Row("what is not listed is refused", USUAL, (
        ("app", "a", {"method": "DELETE"}, BLOCKED), ("app", "a", {"headers": (("X-One", "1"),)}, BLOCKED),
    )),
    Row("a 404 can be read", USUAL, (("app", "missing", {}, READS),)),
    Row("a crash can be read", USUAL, (("app", "crash", {}, READS),)),
    Row("GET, HEAD and POST need no leave", {**USUAL, "methods": []}, (
        ("app", "a", {"method": "POST", "headers": JSON}, READS),
    )),
    Row("a string of an origin is no list of its pieces", {**USUAL, "origins": "{other}0"}, (
        ("other", "a", {}, BLOCKED),
    )),
    Row("* and credentials together open nothing", {**USUAL, "origins": ["*"], "credentials": True}, (
        ("other", "a", {"credentials": "include"}, BLOCKED),
    )),
    Row("* among the headers leaves out Authorization", {**USUAL, "request_headers": ["*"]}, (
        ("app", "a", {"headers": TOKEN}, BLOCKED), ("app", "a", {"headers": JSON}, READS),
    )),
    Row("a cache serves two pages", {**USUAL, "origins": ["{app}", "{other}"]}, (
        ("app", "a", {}, READS), ("other", "a", {}, READS),
    )),
    Row("a cache serves an image, then a script", USUAL, (
        ("app", "a", {"mode": "no-cors"}, BLOCKED), ("app", "a", {}, READS),
    )),
    Row("a page's own OPTIONS is answered", {**USUAL, "methods": ["OPTIONS"]}, (
        ("app", "a", {"method": "OPTIONS"}, READS),
    )),
)  # fmt: skip

STARLETTE_LOSES = {
    "a crash can be read",  # the 500 is made outside of the middleware
    "GET, HEAD and POST need no leave",  # a POST is refused unless it is listed
    "a string of an origin is no list of its pieces",  # `in` finds a part of a string
    "* and credentials together open nothing",  # it names every page that asks, with credentials
    "* among the headers leaves out Authorization",  # it answers with the headers asked for
}
WRONG_LOSES = {
    "another page reads nothing",
    "a sandboxed page reads nothing",
    "what is not listed is refused",
    "a 404 can be read",
    "a crash can be read",
    "a string of an origin is no list of its pieces",
    "* and credentials together open nothing",
    "* among the headers leaves out Authorization",
    "a cache serves two pages",
    "a cache serves an image, then a script",
}


def filled(settings: dict[str, Any], w: World) -> dict[str, Any]:
    """The settings with the origins of this world."""
    origins = settings["origins"]
    names = {"app": w.app, "other": w.other}
    full = origins.format(**names) if isinstance(origins, str) else [o.format(**names) for o in origins]
    return {**settings, "origins": full}


async def handler(request: netlab.Request) -> netlab.Response:
    """The handler that all three serve."""
    if "crash" in request.path:
        raise RuntimeError("the handler crashed")
    fields = {"X-Total": "42", "X-Hidden": "1", "Cache-Control": "max-age=600"}
    return netlab.Response(404 if "missing" in request.path else 200, b"done", fields)


async def echoing(request: netlab.Request) -> netlab.Response:
    """What is copied most: allow every origin and all that it asks for, on success alone, without Vary."""
    asked = {
        "Access-Control-Allow-Origin": request.fields.get("origin"),
        "Access-Control-Allow-Methods": request.fields.get("access-control-request-method"),
        "Access-Control-Allow-Headers": request.fields.get("access-control-request-headers"),
    }
    fields = {name: value for name, value in asked.items() if value is not None}
    fields["Access-Control-Allow-Credentials"] = "true"
    if request.method == "OPTIONS":
        return netlab.Response(204, b"", fields)
    response = await handler(request)
    shared = fields if response.status == 200 else {}
    return netlab.Response(response.status, response.content, {**dict(response.fields or {}), **shared})


def ours(w: World) -> Routes:
    """A policy a row; one that cannot be right is not even built, and its path stays closed."""

    def policy(settings: dict[str, Any]) -> Policy:
        try:
            return Policy(**filled(settings, w))
        except PolicyError:
            return Policy.closed()

    return Routes({f"/{number}": policy(row.settings) for number, row in enumerate(ROWS)})


async def losses(w: World) -> set[str]:
    """Play every row; the names of those that did not go as they should."""
    lost = set()
    for number, row in enumerate(ROWS):
        for page, path, settings, expected in row.steps:
            origin = "null" if page == "null" else getattr(w, page)
            request = PageRequest(page=origin, url=w.url(f"/{number}/{path}"), **settings)
            script = await w.send(request)
            if bool(script.get("readable")) is not expected:
                lost.add(row.name)
    return lost


async def test_our_server_loses_no_row(stage: Stage) -> None:
    async with stage(cors=ours, app=handler) as w:
        assert await losses(w) == set()


async def test_a_server_that_echoes_loses_most_rows(stage: Stage) -> None:
    async with stage(app=echoing) as w:
        assert await losses(w) == WRONG_LOSES


async def test_starlette_loses_the_rows_that_are_named(stage: Stage) -> None:
    if importlib.util.find_spec("starlette") is None:
        without("needs starlette (pip install starlette)")
    from .peer import server

    async with stage() as w:
        w.server.app = server({str(number): filled(row.settings, w) for number, row in enumerate(ROWS)})
        assert await losses(w) == STARLETTE_LOSES
