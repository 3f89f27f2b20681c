"""Hundreds of requests under as many policies: Chromium, the model of Fetch and `explain` agree on each.

- the browser: what its DevTools say, and what reached the server;
- the model (`netlab.cors.browser`): reads the answers that the same server gives to a plain client;
- `explain`: knows the policy alone, and no network.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

import netlab
from netlab.cors import HeaderList, PageRequest, Routes, cors_check, explain, preflight_checks
from netlab.cors.browser.fetch_model import (
    actual_headers,
    preflight_headers,
    preflight_reasons,
    readable_headers,
    refused_by_the_browser,
    settled,
)
from netlab.tls import client_context

from .matrix import cases
from .world import NULL, Outcome, Stage, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

COUNT = 500

# What a script may learn besides: the names of the response's headers.
SENT = ("Content-Type", "Content-Length", "Date", "ETag", "X-Total", "X-Other", "Cache-Control", "Set-Cookie")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request."""

    readable: bool
    error: str
    """Chromium's name for the failure."""
    preflight: bool
    """The browser asked first."""
    handled: bool
    """The request itself reached the handler."""


async def app(request: netlab.Request) -> netlab.Response:
    """Every answer has the same headers."""
    own = [
        ("ETag", '"1"'),
        ("X-Total", "1"),
        ("X-Other", "2"),
        ("Cache-Control", "no-store"),
        ("Set-Cookie", "a=1"),
    ]
    return netlab.Response(200, b"done", [("Content-Type", "text/plain"), *own])


def by_browser(outcome: Outcome) -> Verdict:
    """What Chromium says, and what the server saw."""
    return Verdict(outcome.readable, outcome.error, outcome.preflights > 0, outcome.handled > 0)


def by_explain(policies: Routes, request: PageRequest) -> Verdict:
    """What our own explanation says, from the policy alone."""
    told = explain(policies, request)
    return Verdict(told.readable, told.error, told.preflight, told.handled)


async def by_model(session: netlab.Session, request: PageRequest) -> tuple[Verdict, set[str]]:
    """Ask the server as a browser would, and read its answers as Fetch says; with the readable headers."""
    if refused_by_the_browser(request):
        return Verdict(False, "", False, False), set()
    taken, _ = settled(request)
    if taken.mode == "same-origin":
        return Verdict(False, "DisallowedByMode", False, False), set()
    asks = bool(preflight_reasons(taken))
    if asks:
        async with session.request("OPTIONS", taken.url, fields=preflight_headers(taken)) as answer:
            *_, last = preflight_checks(taken, answer.status, HeaderList(answer.fields.items()))
        if not last.passed:
            return Verdict(False, last.error, True, False), set()
    async with session.request(taken.method, taken.url, fields=actual_headers(taken)) as answer:
        fields = HeaderList(answer.fields.items())
    if taken.mode == "no-cors":
        return Verdict(False, "", False, True), set()
    check = cors_check(taken, fields)
    names = readable_headers(taken, fields, SENT) if check.passed else ()
    return Verdict(check.passed, check.error, asks, True), {name.lower() for name in names}


async def test_browser_model_and_explain_agree_on_every_pair(stage: Stage) -> None:
    drawn = cases(COUNT)

    def names(w: World) -> dict[str, str]:
        return {"app": w.app, "other": w.other, "numeric": w.numeric, "null": NULL}

    def policies(w: World) -> Routes:
        return Routes({f"/{case.number}": case.policy(names(w)) for case in drawn})

    disagreements: list[str] = []
    verdicts: Counter[Verdict] = Counter()
    async with (
        stage(cors=policies, app=app) as w,
        netlab.Session(tls=client_context(w.root)) as session,
    ):
        outcomes = await w.ask([case.page_request(names(w), w.api) for case in drawn])
        routes = policies(w)
        for case, outcome in zip(drawn, outcomes, strict=True):
            browser, told = by_browser(outcome), by_explain(routes, outcome.request)
            modelled, readable = await by_model(session, outcome.request)
            seen = {name for name in outcome.script.get("headers", ()) if name in map(str.lower, SENT)}
            verdicts[browser] += 1
            if not browser == told == modelled or seen != readable:
                disagreements.append(
                    f"{case}:\n  browser {browser} {seen}\n  model   {modelled} {readable}\n  explain {told}"
                )
    assert not disagreements, f"{len(disagreements)} of {COUNT} disagree:\n" + "\n".join(disagreements)
    assert len(outcomes) == COUNT >= 300
    # A matrix that is all denials, or all of one kind, would prove nothing.
    assert min(verdicts[kind] for kind in KINDS) >= 3, verdicts
    assert set(verdicts) == set(KINDS), verdicts


# Every way that a request can go under a policy of ours.
KINDS = (
    Verdict(True, "", preflight=False, handled=True),
    Verdict(True, "", preflight=True, handled=True),
    Verdict(False, "", preflight=False, handled=True),  # no-cors: sent, and its response is opaque
    Verdict(False, "", preflight=False, handled=False),  # a forbidden method: fetch throws
    Verdict(False, "DisallowedByMode", preflight=False, handled=False),
    Verdict(False, "MissingAllowOriginHeader", preflight=False, handled=True),
    Verdict(False, "WildcardOriginNotAllowed", preflight=False, handled=True),
    Verdict(False, "InvalidAllowCredentials", preflight=False, handled=True),
    Verdict(False, "PreflightMissingAllowOriginHeader", preflight=True, handled=False),
    Verdict(False, "PreflightWildcardOriginNotAllowed", preflight=True, handled=False),
    Verdict(False, "PreflightInvalidAllowCredentials", preflight=True, handled=False),
)
