"""A cache between page and API: poisoned where Vary is missing, safe where it is right.

The shared cache here is a tiny one, written for the test: it keeps every answer, and hands it out again to
requests that agree in the fields that Vary names.

Source: Fetch, "CORS protocol and HTTP caches"; RFC 9111 §4.1.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

import netlab
from netlab.cors import HeaderList, PageRequest, Policy, cors_check

from .world import Handler, Stage, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

CACHEABLE = {"Cache-Control": "public, max-age=600", "Content-Type": "text/plain"}


@dataclass
class SharedCache:
    """A handler that answers from its store, or asks upstream."""

    upstream: str
    session: netlab.Session
    hits: int = 0
    stored: dict[str, list[tuple[netlab.Request, list[tuple[str, str]], bytes]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    async def __call__(self, request: netlab.Request) -> netlab.Response:
        for first, fields, content in self.stored[request.target]:
            if self.agree(first, request, fields):
                self.hits += 1
                return netlab.Response(200, content, fields)
        origin = [("Origin", value) for value in request.fields.get_all("origin")]
        async with self.session.get(self.upstream + request.target, fields=origin) as answer:
            content = await answer.read()
            own = ("connection", "content-length", "date")
            fields = [(name, value) for name, value in answer.fields.items() if name.lower() not in own]
        self.stored[request.target].append((request, fields, content))
        return netlab.Response(200, content, fields)

    def agree(self, first: netlab.Request, second: netlab.Request, fields: list[tuple[str, str]]) -> bool:
        """RFC 9111 §4.1: may what was answered to the first request be handed to the second?"""
        names = ",".join(value for name, value in fields if name.lower() == "vary").split(",")
        return all(
            first.fields.get_all(name.strip()) == second.fields.get_all(name.strip())
            for name in names
            if name.strip()
        )


async def resource(request: netlab.Request) -> netlab.Response:
    """What an API says that may be cached."""
    return netlab.Response(200, b"the list", CACHEABLE)


def forgetful(w: World) -> Handler:
    """The API as it is often written: the right origin in every answer, and no Vary in any."""

    async def app(request: netlab.Request) -> netlab.Response:
        origin = request.fields.get("origin")
        allowed = {"Access-Control-Allow-Origin": origin} if origin in (w.app, w.other) else {}
        return netlab.Response(200, b"the list", {**CACHEABLE, **allowed})

    return app


@contextlib.asynccontextmanager
async def behind_a_cache(
    stage: Stage, policy: Callable[[World], Policy] | None
) -> AsyncIterator[tuple[World, SharedCache]]:
    """Pages that reach the API through the shared cache; without a policy it is the forgetful one."""
    async with netlab.Server(resource) as upstream, netlab.Session() as session:
        cache = SharedCache(upstream.url, session)
        async with stage(app=cache) as w:
            if policy is None:
                upstream.app = forgetful(w)
            else:
                upstream.cors = policy(w)
            yield w, cache


def both(w: World) -> Policy:
    return Policy(origins=[w.app, w.other])


def star(w: World) -> Policy:
    return Policy(origins=["*"])


# Who asks for the same URL, one after the other; curl sends no Origin.
NO_ORIGIN = ""
STORIES = {
    "another page first": ("app", "other", "app", "other"),
    "curl first": (NO_ORIGIN, "app", "other", NO_ORIGIN),
}


async def play(w: World, story: str) -> list[str]:
    """The errors, in the order of the story; the browser's own cache stays out of it."""
    errors = []
    for n, who in enumerate(STORIES[story]):
        if who == NO_ORIGIN:
            await w.curl(PageRequest(page=NO_ORIGIN, url=w.url("/list")))
            continue
        request = PageRequest(page=getattr(w, who), url=w.url("/list"))
        _, witness = await w.open(request.page)
        witness.forget(request.url)
        [outcome] = await w.ask([request], cache="no-store")
        assert outcome.readable is (not outcome.error), n
        errors.append(outcome.error)
    return errors


@pytest.mark.parametrize("story", STORIES)
async def test_without_vary_a_shared_cache_is_poisoned(stage: Stage, story: str) -> None:
    async with behind_a_cache(stage, None) as (w, _):
        errors = await play(w, story)
    poisoned = {
        "another page first": ["", "AllowOriginMismatch", "", "AllowOriginMismatch"],
        "curl first": ["MissingAllowOriginHeader", "MissingAllowOriginHeader"],
    }
    assert errors == poisoned[story]


@pytest.mark.parametrize("policy", [both, star])
@pytest.mark.parametrize("story", STORIES)
async def test_with_our_vary_a_shared_cache_is_safe_and_still_a_cache(
    stage: Stage, story: str, policy: Callable[[World], Policy]
) -> None:
    async with behind_a_cache(stage, policy) as (w, cache):
        errors = await play(w, story)
        answers = len(cache.stored["/list"])
    assert not any(errors)
    # One answer for all if it says *, one for each of those who ask otherwise.
    who = len(set(STORIES[story]))
    assert answers == (1 if policy is star else who)
    assert cache.hits == len(STORIES[story]) - answers


@pytest.mark.parametrize("careful", [False, True], ids=["without Vary", "with Vary"])
async def test_the_browsers_own_cache_needs_vary_as_well(stage: Stage, careful: bool) -> None:
    """Two ports of one host are two origins, but one site: the pages share the browser's cache."""
    async with stage(app=resource, cors=both) as w:
        if not careful:
            w.server.app, w.server.cors = forgetful(w), None
        errors = []
        for page in (w.app, w.other):
            request = PageRequest(page=page, url=w.url("/list"))
            [outcome] = await w.ask([request])
            errors.append(outcome.error)
        fetched = len(w.seen["/list"])
        # With credentials or without, the kept answer names the first page: the model says the same.
        kept = HeaderList([("Access-Control-Allow-Origin", w.app)])
        expected = cors_check(PageRequest(page=w.other, url=w.url("/list")), kept).error
    assert (errors, fetched) == ((["", ""], 2) if careful else (["", expected], 1))
    assert expected == "AllowOriginMismatch"
