"""When does the browser ask first? Requests at the edge of the safelists, one a row, and whether each asks.

The model of Fetch gives the answer for each; where Chromium's is another, the row names the difference.
"""

from __future__ import annotations

import dataclasses

import pytest

from netlab.cors import PageRequest, Policy
from netlab.cors.browser.fetch_model import preflight_reasons, settled

from .differences import Asking
from .world import Outcome, Stage, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

Lines = list[tuple[str, str]]

# 128 octets of each of four names, in values that are safelisted
LONG = {
    "Accept": "a" * 128,
    "Accept-Language": "b" * 128,
    "Content-Language": "c" * 128,
    "Content-Type": "text/plain;" + "d" * 117,
}

# What a script sets of these, the browser drops (Fetch, forbidden request-header): nothing to ask.
FORBIDDEN = (
    "Accept-Encoding", "Accept-Charset", "Access-Control-Request-Method", "Connection", "Content-Length",
    "Cookie", "Cookie2", "Date", "DNT", "Expect", "Host", "Keep-Alive", "Origin", "Proxy-X", "Referer",
    "Sec-X", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
)  # fmt: skip

# header lines, and whether the standard's browser asks before it sends a GET with them
ROWS: tuple[tuple[Lines, bool], ...] = (
    ([], False),
    ([("Accept", "a" * 128)], False),
    ([("Accept", "a" * 129)], True),
    ([("Accept-Language", "a" * 128)], False),
    ([("Accept-Language", "a" * 129)], True),
    ([("Content-Language", "a" * 129)], True),
    ([("Content-Type", "text/plain;" + "a" * 117)], False),
    ([("Content-Type", "text/plain;" + "a" * 118)], True),
    (list(LONG.items()), False),
    ([("Accept", "")], False),
    ([("Accept", "\t x \t")], False),
    ([("Accept", "a\tb")], False),
    ([("Accept", "\xe9")], False),
    *(([("Accept", f"a{octet}b")], True) for octet in '"():<>?@[\\]{}\x7f\x01'),
    ([("Accept-Language", "")], False),
    ([("Accept-Language", "de-DE, en;q=0.5, *;q=0.1")], False),
    ([("Accept-Language", "de_DE")], True),
    ([("Content-Language", "a@b")], True),
    ([("Content-Type", "")], True),
    ([("Content-Type", " TEXT/Plain ")], False),
    ([("Content-Type", "text/plain;;=x")], False),
    ([("Content-Type", "text/plain;charset=utf-8,")], False),
    ([("Content-Type", "text /plain")], True),
    ([("Content-Type", "text/plain x")], True),
    ([("Content-Type", "text/plain, application/json")], True),
    ([("Content-Type", "application/x-www-form-urlencoded")], False),
    ([("Content-Type", "multipart/form-data; boundary=x")], False),
    ([("Content-Type", "application/json")], True),
    ([("Range", "bytes=0-99")], False),
    ([("Range", "bytes=0-")], False),
    ([("Range", "bytes=00-1")], False),
    ([("Range", "bytes=-5")], True),
    ([("Range", "bytes=5-2")], True),
    ([("Range", "bytes= 0-1")], True),
    ([("Range", "Bytes=0-1")], True),
    ([("Range", "bytes=0-1,2-3")], True),
    ([("Authorization", "")], True),
    ([("X-One", "1")], True),
    ([("X-Requested-With", "XMLHttpRequest")], True),
    ([("Cache-Control", "no-cache")], True),
    ([("Pragma", "no-cache")], True),
    ([("If-Modified-Since", "x")], True),
    ([("Last-Event-ID", "1")], True),
    ([("Priority", "u=1")], True),
    ([("Set-Cookie2", "1")], True),
    ([("Upgrade-Insecure-Requests", "1")], True),
    ([("X-HTTP-Method-Override", "PUT")], True),
    ([("X-HTTP-Method", "put, Trace")], False),
    ([("x-http-method-override", "TRACK")], False),
    ([("X-Method-Override", "connect ,x")], False),
    *(([(name, "1")], False) for name in FORBIDDEN),
)  # fmt: skip

# The rows where Chromium does what the standard does not; asks or not, by the standard
DIFFERENT: tuple[tuple[Lines, bool, Asking], ...] = (
    *(
        ([(name, "1")], True, Asking.HINTS)
        for name in ("Device-Memory", "DPR", "Width", "Viewport-Width", "RTT", "Downlink")
    ),
    ([("ECT", "4g")], True, Asking.HINTS),
    ([("Save-Data", "on")], True, Asking.HINTS),
    ([("Accept", "a" * 64), ("Accept", "b" * 64)], False, Asking.LINES),
    ([("Accept", "a" * 128)] * 8, False, Asking.LINES),
    ([("Content-Type", "text/plain")] * 2, False, Asking.LINES),
    ([("Range", "bytes=0-" + "9" * 30)], False, Asking.NUMBERS),
    ([("User-Agent", "mine")], True, Asking.USER_AGENT),
)


def everything(w: World) -> Policy:
    """A policy that lets all of them pass: what is asked is the question here, not the answer."""
    return Policy(origins=["*"], methods=["*"], request_headers=["*", "Authorization"])


def asks(request: PageRequest) -> bool:
    return bool(preflight_reasons(settled(request)[0]))


async def play(w: World, rows: list[Lines]) -> list[Outcome]:
    requests = [
        PageRequest(page=w.app, url=w.url(f"/{number}"), headers=tuple(lines))
        for number, lines in enumerate(rows)
    ]
    return await w.ask(requests)


async def test_the_browser_asks_exactly_when_the_model_says_so(stage: Stage) -> None:
    async with stage(cors=everything) as w:
        outcomes = await play(w, [lines for lines, _ in ROWS])
    for (lines, expected), outcome in zip(ROWS, outcomes, strict=True):
        assert asks(outcome.request) is expected, f"the model, of {lines}"
        assert outcome.preflights == expected, f"the browser, of {lines}"


async def test_chromium_differs_just_where_it_is_said_to(stage: Stage) -> None:
    async with stage(cors=everything) as w:
        outcomes = await play(w, [lines for lines, *_ in DIFFERENT])
    for (lines, standard, difference), outcome in zip(DIFFERENT, outcomes, strict=True):
        name, argument = difference.value
        assert asks(outcome.request) is standard, f"the model, of {lines}"
        assert outcome.preflights == (not standard), f"{name}: no longer, of {lines}. {argument}"
        assert outcome.handled == 1 and outcome.readable, lines


async def test_beyond_1024_octets_together_every_one_of_them_is_asked_for(stage: Stage) -> None:
    """By the standard only repeated lines get there; in Chromium its client hints do (`Asking.HINTS`)."""
    full = {**LONG, **dict.fromkeys(("DPR", "Width", "RTT", "Downlink"), "1" * 128)}
    assert sum(map(len, full.values())) == 1024
    async with stage(cors=everything) as w:
        fits, spills = await play(w, [list(full.items()), [*full.items(), ("ECT", "4g")]])
    assert (fits.preflights, spills.preflights) == (0, 1)
    asked = spills.seen[0].fields["access-control-request-headers"]
    assert asked.split(",") == sorted(name.lower() for name in (*full, "ECT"))
    # The standard's own way past the limit, for the model alone.
    lines = (("Accept", "a" * 128),) * 8
    request = PageRequest(page=w.app, url=w.url("/"), headers=lines)
    assert not asks(request)
    assert asks(dataclasses.replace(request, headers=(*lines, ("Accept", "a"))))


async def test_an_upload_listener_makes_the_browser_ask(stage: Stage) -> None:
    """Chromium: if there is an upload. XMLHttpRequest sends no content with GET and HEAD."""
    methods = ("GET", "HEAD", "POST", "PUT")
    async with stage(cors=everything) as w:
        plain = [PageRequest(page=w.app, url=w.url(f"/plain/{m}"), method=m) for m in methods]
        empty, full = (
            [PageRequest(page=w.app, url=w.url(f"/{s}/{m}"), method=m, upload_listener=True) for m in methods]
            for s in ("empty", "full")
        )
        unheard, heard = await w.ask(plain), await w.ask(full, body="x")
        nothing = await w.ask(empty, body=None)
    assert [outcome.preflights for outcome in unheard] == [asks(request) for request in plain] == [0, 0, 0, 1]
    assert all(map(asks, empty + full)), "the standard asks whenever there is a listener"
    assert [outcome.preflights for outcome in heard] == [0, 0, 1, 1], Asking.LISTENER.value
    assert [outcome.preflights for outcome in nothing] == [0, 0, 0, 1], Asking.LISTENER.value
    assert all(outcome.handled == 1 and outcome.readable for outcome in unheard + heard + nothing)


async def test_a_stream_makes_the_browser_ask(stage: Stage) -> None:
    """Fetch: a ReadableStream as content sets the use-CORS-preflight flag, even of a POST without headers."""
    script = """async url => {
        const body = new ReadableStream({start(c) { c.enqueue(new Uint8Array(4)); c.close(); }});
        try { await fetch(url, {method: "POST", body, duplex: "half"}); } catch {}
    }"""
    async with stage(cors=everything) as w:
        opened, _ = await w.open(w.app)
        await opened.evaluate(script, w.url("/"))
        request = PageRequest(page=w.app, url=w.url("/"), method="POST", upload_listener=True)
        # Chromium streams over HTTP/2 and later alone: it asks, and then sends nothing to our HTTP/1.1.
        assert [seen.method for seen in w.seen["/"]] == ["OPTIONS"]
    assert asks(request)
