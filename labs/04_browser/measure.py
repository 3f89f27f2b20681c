"""The evidence of lab 04: the application under measure, in a real browser, by the browser's own error codes.

Five scenes: requests of three pages to the API, the same requests by curl, answers with a mistake each, a
shared cache without Vary and with it, and one PUT, four times, against three Max-Ages. The servers are
netlab, the browser is the machine's Chromium, and what it says comes from its DevTools.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import chromium
import gallery
from stage import NULL, Outcome, Seen, Stage, stage

import netlab
from labs.runner import plots
from labs.runner.evidence import Measurement, NotShown, Plot, Run, Table, Verdict
from netlab.cors import PageRequest, Policy, Routes, explain

OURS, STRANGER, SANDBOXED = "ours", "stranger", "sandboxed"
JSON, TEXT = ("Content-Type", "application/json"), ("Content-Type", "text/plain")
TOKEN = ("Authorization", "Bearer abc")

AGES = (0, 5, 600)
PAUSE = 6.0  # seconds, as the prediction's question says: longer than 5, shorter than 600


class Case(NamedTuple):
    """What a script on a page asks of the API."""

    page: str
    story: str
    path: str
    request: dict[str, Any]
    body: str | None = None


COOKIES = {"credentials": "include"}
CASES = (
    Case(OURS, "reads the items", "/items", {}),
    Case(OURS, "replaces them, JSON with a token", "/items",
         {"method": "PUT", "headers": (JSON, TOKEN)}, '["figs"]'),
    Case(OURS, "makes itself known", "/me", {"method": "PUT", **COOKIES}, "ada"),
    Case(OURS, "asks who it is, with the cookie", "/me", COOKIES),
    Case(OURS, "reads a 500", "/items/crash", {}),
    Case(OURS, "orders, JSON", "/orders", {"method": "POST", "headers": (JSON,)}, '{"figs": 2}'),
    Case(OURS, "deletes: a method not listed", "/items", {"method": "DELETE"}),
    Case(OURS, "sends a header not listed", "/items", {"headers": (("X-Debug", "1"),)}),
    Case(OURS, "reads what is for all, with cookies", "/status", COOKIES),
    Case(OURS, "reads a path without a policy", "/admin", {}),
    Case(STRANGER, "reads what is for all", "/status", {}),
    Case(STRANGER, "reads the items", "/items", {}),
    Case(STRANGER, "asks who the visitor is, with the cookie", "/me", COOKIES),
    Case(STRANGER, "replaces the items", "/items", {"method": "PUT", "headers": (JSON,)}, "[]"),
    Case(STRANGER, "posts feedback, as a form could", "/feedback", {"method": "POST"}, "spam"),
    Case(STRANGER, "posts feedback, mode no-cors", "/feedback",
         {"method": "POST", "mode": "no-cors"}, "spam"),
    Case(STRANGER, "orders, JSON that calls itself text", "/orders",
         {"method": "POST", "headers": (TEXT,)}, '{"figs": 9}'),
    Case(SANDBOXED, "reads the items", "/items", {}),
    Case(SANDBOXED, "posts feedback, as a form could", "/feedback", {"method": "POST"}, "spam"),
)  # fmt: skip


@dataclass
class Evidence:
    """All that the scenes found."""

    browser: str = ""
    outcomes: list[Outcome] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    """What `explain` says of each case."""
    feedback: int = 0
    orders: int = 0
    by_hand: list[int] = field(default_factory=list)
    """The status of each case, sent without a browser."""
    hand: str = "curl"
    mistakes: list[Outcome] = field(default_factory=list)
    poisoned: dict[str, int] = field(default_factory=dict)
    through_the_cache: int = 0
    ages: dict[int, list[Seen]] = field(default_factory=dict)


async def measure(run: Run) -> Measurement:
    """Set the stage, play all scenes at once, judge."""
    logging.getLogger("netlab").setLevel(logging.CRITICAL)  # denials and the crash are what we came to see
    evidence = Evidence()
    try:
        async with stage(run.code, run.certs) as ready:
            evidence.browser = ready.browser.version
            run.say(f"Chromium {evidence.browser} opens the pages")
            await asyncio.gather(
                play_cases(ready, run, evidence),
                play_gallery(ready, evidence),
                play_caches(ready, evidence),
                play_ages(ready, evidence),
            )
    except chromium.Missing as missing:
        raise NotShown(str(missing)) from None
    return report(evidence)


# -- the scenes ---------------------------------------------------------------------------------------------


async def play_cases(on: Stage, run: Run, evidence: Evidence) -> None:
    """Each case in the browser, and then by hand; the side effects of the first are counted before."""
    shop = on.code.Shop(on.ours)
    api = await on.serve(shop, on.code.policies(on.ours))
    origins = {OURS: on.ours, STRANGER: on.stranger, SANDBOXED: NULL}
    requests = [
        PageRequest(page=origins[case.page], url=f"{api}{case.path}?{n}", **case.request)
        for n, case in enumerate(CASES)
    ]
    for case, request in zip(CASES, requests, strict=True):
        options = {} if case.body is None else {"body": case.body}
        evidence.outcomes.append(await on.ask(request, **options))
        evidence.told.append(explain(on.code.policies(on.ours), request))
    evidence.feedback, evidence.orders = len(shop.feedback), len(shop.orders)
    run.say(f"the same {len(CASES)} requests by hand")
    by_curl = shutil.which("curl")
    evidence.hand = "curl" if by_curl else "netlab's client"
    for case, request in zip(CASES, requests, strict=True):
        send = with_curl if by_curl else with_session
        evidence.by_hand.append(await send(request, case.body, run))


async def with_curl(request: PageRequest, body: str | None, run: Run) -> int:
    """The status that curl gets for the request, Origin and all; 0 if it gets no answer."""
    lines = [*request.headers, ("Origin", request.page)]
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", str(run.certs / "root.pem")]
    command += ["-X", request.method, request.url, *(["--data-binary", body] if body is not None else [])]
    command += [part for name, value in lines for part in ("-H", f"{name}: {value}")]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    printed, _ = await child.communicate()
    return int(printed or 0)


async def with_session(request: PageRequest, body: str | None, run: Run) -> int:
    """The same without curl: a plain HTTP client, which knows nothing of CORS."""
    from netlab.tls import client_context

    lines = [*request.headers, ("Origin", request.page)]
    async with (
        netlab.Session(tls=client_context(run.certs / "root.pem")) as session,
        session.request(request.method, request.url, fields=lines, data=body) as answer,
    ):
        return answer.status


async def play_gallery(on: Stage, evidence: Evidence) -> None:
    """Each mistake, as the browser judges it."""
    server = await on.serve(gallery.answers)
    for number, mistake in enumerate(gallery.GALLERY):
        request = PageRequest(page=on.ours, url=f"{server}/{number}", **mistake.request)
        evidence.mistakes.append(await on.ask(request))


async def play_caches(on: Stage, evidence: Evidence) -> None:
    """Two pages, both allowed, and a cache between them and the API: how often is one of them refused?"""

    async def forgetful(request: netlab.Request) -> netlab.Response:
        """The right origin in every answer, and no Vary in any."""
        origin = request.fields.get("origin")
        named = {"Access-Control-Allow-Origin": origin} if origin in (on.ours, on.stranger) else {}
        return netlab.Response(200, b"a list", {"Cache-Control": "max-age=60", **named})

    careful = Policy(origins=[on.ours, on.stranger])
    for label, app, policy in (
        ("without Vary", forgetful, None),
        ("with Vary", on.code.Shop(on.ours), careful),
    ):
        upstream = await on.enter(netlab.Server(app, cors=policy))
        session = await on.enter(netlab.Session())
        evidence.poisoned[label] = 0
        evidence.through_the_cache = 0
        for first in ("a page", "an image"):
            cache = await on.serve(on.code.SharedCache(upstream.url, session))
            if first == "an image":  # its request has no Origin, and the cache keeps the answer
                image = PageRequest(page=on.ours, url=f"{cache}/items", mode="no-cors")
                await on.ask(image, cache="no-store")
            for origin in (on.ours, on.stranger, on.ours, on.stranger):
                outcome = await on.ask(PageRequest(page=origin, url=f"{cache}/items"), cache="no-store")
                evidence.poisoned[label] += not outcome.reads
                evidence.through_the_cache += 1


async def play_ages(on: Stage, evidence: Evidence) -> None:
    """The same PUT four times against each Max-Age, with the pause after the second."""
    policies = {f"/{age}": Policy(origins=[on.ours], methods=["PUT"], max_age=age) for age in AGES}

    async def app(request: netlab.Request) -> netlab.Response:
        return netlab.Response(204)

    server = await on.serve(app, Routes(policies))
    requests = {age: PageRequest(page=on.ours, url=f"{server}/{age}", method="PUT") for age in AGES}
    for pause in (0.0, 0.3, PAUSE, 0.3):
        await asyncio.sleep(pause)
        for request in requests.values():
            await on.ask(request)
    evidence.ages = {age: on.log.seen[request.url] for age, request in requests.items()}


# -- the report ---------------------------------------------------------------------------------------------


def report(evidence: Evidence) -> Measurement:
    """Figures, verdict, tables and the picture."""
    outcomes = evidence.outcomes
    kept = [outcome for outcome in outcomes if not outcome.reads]
    asked = {age: sum(seen.preflight for seen in found) for age, found in evidence.ages.items()}
    alike = [
        (told.readable, told.error, told.preflight, told.handled)
        == (outcome.reads, outcome.error, outcome.asked, outcome.ran)
        for told, outcome in zip(evidence.told, outcomes, strict=True)
    ]
    errors = {outcome.error for outcome in (*outcomes, *evidence.mistakes)} - {""}
    figures: dict[str, float | int | str] = {
        "requests": len(outcomes),
        "kept_from_the_page": len(kept),
        "kept_but_ran": sum(outcome.ran for outcome in kept),
        "feedback_of_strangers": evidence.feedback,
        "orders_taken": evidence.orders,
        "by_hand_answered": sum(100 <= status <= 599 for status in evidence.by_hand),
        "explained_alike": sum(alike),
        "preflights": sum(asked.values()),
        **{f"preflights_max_age_{age}": count for age, count in asked.items()},
        "poisoned_without_vary": evidence.poisoned["without Vary"],
        "poisoned_with_vary": evidence.poisoned["with Vary"],
        "through_the_cache": evidence.through_the_cache,
        "kinds_of_error": len(errors),
        "chromium": evidence.browser,
    }
    verdict, condition = judge(figures)
    return Measurement(
        figures=figures,
        verdict=verdict,
        condition=condition,
        headline=(
            f"{evidence.hand} got {figures['by_hand_answered']} of {len(outcomes)} answers; Chromium kept "
            f"{len(kept)} from the page, of which {figures['kept_but_ran']} had run; preflights for Max-Age "
            f"{', '.join(f'{age}: {count}' for age, count in asked.items())}; a cache without Vary refused "
            f"{figures['poisoned_without_vary']} of {evidence.through_the_cache}, with Vary "
            f"{figures['poisoned_with_vary']}"
        ),
        tables=[cases_table(evidence), gallery_table(evidence)],
        plots=[Plot("One PUT, four times", plots.svg(lambda axes: draw(axes, evidence), height=2.6))],
        notes=[
            f"the API took {evidence.feedback} pieces of feedback from pages that may not read it, and "
            f"{evidence.orders} order: of those it looks at Origin and Content-Type first",
            f"Chromium {evidence.browser} verified the chain up to our own root",
        ],
    )


def judge(figures: dict[str, Any]) -> tuple[Verdict, str]:
    """Does curl ignore CORS? And is the browser's visitor protected?"""
    if figures["by_hand_answered"] < figures["requests"] or not figures["kept_from_the_page"]:
        return Verdict.FALSE, ""
    if not figures["kept_but_ran"]:
        return Verdict.TRUE, ""
    return Verdict.TRUE_ONLY_IF, (
        "“protects” means that a page cannot read the answer: "
        f"{figures['kept_but_ran']} of {figures['kept_from_the_page']} requests whose answer was kept from "
        "the page had run on the server"
    )


def cases_table(evidence: Evidence) -> Table:
    """What became of each case."""
    rows = [
        [
            case.page, case.story, f"{case.request.get('method', 'GET')} {case.path}",
            yes(outcome.asked), yes(outcome.ran), yes(outcome.reads), said(outcome), status,
        ]
        for case, outcome, status in zip(CASES, evidence.outcomes, evidence.by_hand, strict=True)
    ]  # fmt: skip
    columns = [
        "page",
        "what it does",
        "request",
        "asks first",
        "runs",
        "reads",
        "Chromium says",
        evidence.hand,
    ]
    return Table("Three pages and an API", columns, rows)


def gallery_table(evidence: Evidence) -> Table:
    """What the browser calls each mistake."""
    rows = [
        [mistake.story, yes(outcome.ran), said(outcome), outcome.parameter or "–"]
        for mistake, outcome in zip(gallery.GALLERY, evidence.mistakes, strict=True)
    ]
    columns = ["the answer's mistake", "the request ran", "Chromium says", "of"]
    return Table("Mistakes, and what the browser calls them", columns, rows)


def said(outcome: Outcome) -> str:
    """The browser's word for what it kept back. An opaque response is no error, and tells nothing."""
    return outcome.error or ("opaque" if outcome.script.get("type") == "opaque" else "–")


def yes(what: bool) -> str:
    return "yes" if what else "no"


def draw(axes: Any, evidence: Evidence) -> None:
    """The requests of each Max-Age over time."""
    started = min(seen.at for found in evidence.ages.values() for seen in found)
    for row, age in enumerate(AGES):
        for seen in evidence.ages[age]:
            at = seen.at - started
            mark, colour = ("D", plots.RED) if seen.preflight else ("o", plots.BLUE)
            lift = -0.16 if seen.preflight else 0.16
            axes.plot(at, row + lift, mark, color=colour, markersize=6)
    axes.plot([], [], "D", color=plots.RED, label="preflight")
    axes.plot([], [], "o", color=plots.BLUE, label="PUT")
    axes.set_yticks(range(len(AGES)), [f"Max-Age {age}" for age in AGES])
    axes.set_ylim(len(AGES) - 0.5, -0.5)
    axes.set_xlabel("seconds")
    axes.grid(axis="y", visible=False)
    axes.legend(loc="upper center", ncols=2, fontsize=8)
