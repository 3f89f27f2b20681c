"""What pages meet in a real browser, one thing a test: who asks, who may read, and what ran all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio

import netlab
from netlab.cors import PageRequest, Policy, explain

from .world import NULL, Stage, World, done

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = (("Content-Type", "application/json"),)
TOKEN = (("Authorization", "Bearer abc"),)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stranger(driver: ModuleType) -> AsyncIterator[Any]:
    """A second Chromium, which was not told of our root."""
    async with driver.browser(None) as started:
        yield started


async def test_chromium_verifies_the_chain_up_to_our_root(stranger: Any, stage: Stage) -> None:
    """So the browser of all the other tests has no check switched off: it trusts one root more."""
    async with stage() as w:
        opened, _ = await w.open(w.app)
        assert await opened.evaluate("isSecureContext")
        context = await stranger.new_context()
        page = await context.new_page()
        with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
            await page.goto(w.app)
        await context.close()


# -- what is refused, and what is shared --------------------------------------------------------------------


async def test_the_sources_own_request_needs_an_origin_and_two_headers(stage: Stage) -> None:
    """The article's example: a POST of JSON with a token. POST itself needs no leave."""
    source = {"method": "POST", "headers": (*JSON, *TOKEN)}

    def policy(w: World) -> Policy:
        return Policy(origins=[w.app], request_headers=["Authorization", "Content-Type"])

    async with stage(cors=policy) as w:
        allowed, foreign = await w.ask(
            [PageRequest(page=page, url=w.url(f"/{page == w.app}"), **source) for page in (w.app, w.other)]
        )
    assert (allowed.readable, allowed.preflights, allowed.handled) == (True, 1, 1)
    assert (foreign.error, foreign.handled) == ("PreflightMissingAllowOriginHeader", 0)
    asked = allowed.seen[0].fields
    assert asked["access-control-request-method"] == "POST"
    assert asked["access-control-request-headers"] == "authorization,content-type"
    assert "authorization" not in asked, "the preflight asks; it does not bring the token along"
    assert allowed.seen[1].fields["authorization"] == "Bearer abc"


async def test_a_star_does_not_cover_authorization(stage: Stage) -> None:
    """Fetch, CORS-preflight fetch, step 7.6. Chromium alone would let it pass: see `differences`."""
    star = Policy(origins=["*"], request_headers=["*"])
    named = Policy(origins=["*"], request_headers=["*", "Authorization"])
    outcomes = []
    for policy in (star, named):
        async with stage(cors=policy) as w:
            outcomes += await w.ask([PageRequest(page=w.app, url=w.url("/x"), headers=TOKEN)])
    refused, allowed = outcomes
    assert (refused.error, refused.handled) == ("PreflightMissingAllowOriginHeader", 0)
    assert (allowed.error, allowed.handled, allowed.readable) == ("", 1, True)
    told = explain(star, refused.request)
    assert str(told.first_change) == 'request_headers = ["*", "Authorization"]'


async def test_a_sandboxed_frame_has_the_origin_null(stage: Stage) -> None:
    """Its origin is `null`, and so is every other sandbox's: no policy of ours can trust it."""

    def policy(w: World) -> Policy:
        return Policy(origins=[w.app, "https://localhost:*"], credentials=True)

    frame = """url => new Promise(resolve => {
        addEventListener("message", event => resolve(event.data));
        const frame = document.createElement("iframe");
        frame.sandbox = "allow-scripts";
        frame.srcdoc = `<script>fetch("${url}", {method: "POST"}).then(
            () => parent.postMessage("readable", "*"),
            error => parent.postMessage(String(error), "*"))</script>`;
        document.body.append(frame);
    })"""
    async with stage(cors=policy) as w:
        opened, _ = await w.open(w.app)
        said = await opened.evaluate(frame, w.url("/frame"))
        [sandboxed] = await w.ask([PageRequest(page=NULL, url=w.url("/page"), credentials="include")])
        seen = w.seen["/frame"]
    assert said == "TypeError: Failed to fetch"
    assert [entry.fields["origin"] for entry in seen] == [NULL], "a simple POST: it ran, unread"
    assert (sandboxed.error, sandboxed.handled) == ("MissingAllowOriginHeader", 1)
    assert not explain(policy(w), sandboxed.request).changes[0].settings, (
        "no message should say to allow null"
    )


async def test_the_page_reads_the_headers_that_are_exposed(stage: Stage) -> None:
    async def app(request: netlab.Request) -> netlab.Response:
        return netlab.Response(200, b"1", {"X-Total": "42", "X-Hidden": "1", "ETag": '"1"'})

    def policy(w: World) -> Policy:
        return Policy(origins=[w.app], expose_headers=["X-Total"], credentials=True)

    async with stage(cors=policy, app=app) as w:
        [outcome] = await w.ask([PageRequest(page=w.app, url=w.url("/"), credentials="include")])
    assert set(outcome.script["headers"]) == {"x-total", "content-length"}
    assert outcome.script["headers"]["x-total"] == "42"


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_the_page_reads_every_failure_of_the_api(stage: Stage, method: str) -> None:
    """4xx, a 500 of the handler's own, a handler that crashes, a streamed 500: all have the fields."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"streamed, "
        yield b"in two pieces"

    async def app(request: netlab.Request) -> netlab.Response:
        match request.path:
            case "/404" | "/422" | "/500" | "/503":
                return netlab.Response(int(request.path[1:]), f"told: {request.path}")
            case "/stream":
                return netlab.Response(500, stream=pieces())
        raise RuntimeError("the handler crashed")

    def policy(w: World) -> Policy:
        return Policy(origins=[w.app], methods=["PUT"])

    expected = {
        "/404": (404, "told: /404"), "/422": (422, "told: /422"), "/500": (500, "told: /500"),
        "/503": (503, "told: /503"), "/stream": (500, "streamed, in two pieces"),
        "/crash": (500, "the handler failed\n"),
    }  # fmt: skip
    async with stage(cors=policy, app=app) as w:
        requests = [PageRequest(page=w.app, url=w.url(path), method=method) for path in expected]
        outcomes = await w.ask(requests)
    read = {o.request.path: (o.script.get("status"), o.script.get("text")) for o in outcomes}
    assert read == expected


# -- redirects ----------------------------------------------------------------------------------------------


async def test_a_preflight_follows_no_redirect(stage: Stage) -> None:
    """Even with every field in place: the answer to a preflight must be 2xx itself."""

    async def app(request: netlab.Request) -> netlab.Response:
        fields = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "PUT"}
        if request.path == "/moved":
            return netlab.Response(308, b"", {**fields, "Location": "/here"})
        return netlab.Response(200, b"here", fields)

    async with stage(app=app) as w:
        moved, here, simple = await w.ask([
            PageRequest(page=w.app, url=w.url("/moved"), method="PUT"),
            PageRequest(page=w.app, url=w.url("/here"), method="PUT"),
            PageRequest(page=w.app, url=w.url("/moved?simple"), method="GET"),
        ])  # fmt: skip
    assert (moved.error, moved.handled) == ("PreflightDisallowedRedirect", 0)
    assert here.readable
    assert simple.script["text"] == "here", "without a preflight the redirect is followed"


async def test_a_redirect_to_a_further_origin_makes_the_origin_null(stage: Stage) -> None:
    """Fetch, HTTP-redirect fetch: the origin that arrives there is `null`, whichever the page is."""
    async with stage(cors=Policy(origins=["*"])) as there:

        async def app(request: netlab.Request) -> netlab.Response:
            return netlab.Response(302, b"", {"Location": there.url("/there")})

        def policy(w: World) -> Policy:
            return Policy(origins=[w.app])

        async with stage(cors=policy, app=app) as w:
            outcome = await w.send(PageRequest(page=w.app, url=w.url("/away")))
        [arrived] = there.seen["/there"]
    assert arrived.fields["origin"] == NULL
    assert outcome["readable"], "`*` includes null"


# -- CORS protects answers, not servers ---------------------------------------------------------------------


async def test_a_blocked_simple_post_has_run_all_the_same(stage: Stage) -> None:
    orders: list[bytes] = []

    async def app(request: netlab.Request) -> netlab.Response:
        orders.append(await request.read())
        return netlab.Response(201, b"ordered")

    def policy(w: World) -> Policy:
        return Policy(origins=[w.app], request_headers=["Content-Type"])

    text = (("Content-Type", "text/plain"),)
    async with stage(cors=policy, app=app) as w:
        foreign = [
            PageRequest(page=page, url=w.url(f"/{mode}/{n}"), method="POST", headers=text, mode=mode)
            for n, page in enumerate((w.other, w.numeric, NULL))
            for mode in ("cors", "no-cors")
        ]
        simple = await w.ask(foreign, body='{"order": 1}')
        ran = len(orders)
        json = PageRequest(page=w.other, url=w.url("/json"), method="POST", headers=JSON)
        [asked] = await w.ask([json], body='{"order": 1}')
    assert not any(outcome.readable for outcome in simple)
    assert {outcome.error for outcome in simple} == {"MissingAllowOriginHeader", ""}
    assert ran == len(foreign) == sum(outcome.handled for outcome in simple)
    assert (asked.handled, len(orders)) == (0, ran), "what no form could send did not run"


async def test_curl_is_answered_throughout(stage: Stage) -> None:
    """Whatever the browser keeps from the page: no preflight is sent, nothing is checked."""

    def policy(w: World) -> Policy:
        return Policy(origins=["https://app.example"])

    asked = [
        {"method": "GET"},
        {"method": "HEAD"},
        {"method": "POST", "headers": (("Content-Type", "text/plain"),)},
        {"method": "POST", "headers": (*JSON, *TOKEN)},
        {"method": "PUT", "credentials": "include"},
        {"method": "DELETE"},
        {"method": "PATCH", "headers": (("X-One", "1"),)},
        {"method": "OPTIONS"},
    ]
    async with stage(cors=policy, app=done) as w:
        requests = [
            PageRequest(page=page, url=w.url(f"/{number}/{page == NULL}"), **request)
            for number, request in enumerate(asked)
            for page in (w.app, NULL)
        ]
        outcomes = await w.ask(requests)
        before = sum(outcome.handled for outcome in outcomes)
        statuses = [(await w.curl(request))[0] for request in requests]
        ran = sum(len(seen) for seen in w.seen.values()) - sum(len(outcome.seen) for outcome in outcomes)
    assert not any(outcome.readable for outcome in outcomes)
    assert before == 6, "GET, HEAD and a form's POST, from two pages"
    assert statuses == [200] * len(requests)
    assert ran == len(requests)
