"""The evidence of lab 03: twelve requests of pages, traced through a real server; and what the lists are for.

The server is netlab; the client here is a bare socket that behaves like a browser: it asks first when the
code under measure says so (`asks_first`), and checks each answer as the Fetch standard does
(`netlab.cors`). Every message is also put to the `decide` under measure, and its answer held against the
one on the wire.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import netlab
from labs.runner import plots
from labs.runner.evidence import Measurement, Plot, Run, Table, Verdict
from netlab.cors import HeaderList, PageRequest, Policy, Routes, cors_check, preflight_checks

APP, EVIL, SANDBOX = "https://app.example", "https://evilexample.com", "null"
FORM, JSON = ("Content-Type", "application/x-www-form-urlencoded"), ("Content-Type", "application/json")
TEXT, TOKEN = ("Content-Type", "text/plain"), ("Authorization", "Bearer abc")

# The twelve requests meet this policy. The lab's Policy takes the same settings, with two names of its own.
SETTINGS: dict[str, Any] = {
    "origins": [APP, "https://*.example.com"],
    "methods": ["PUT", "PATCH"],
    "request_headers": ["Authorization", "Content-Type"],
    "expose_headers": ["X-Total"],
    "max_age": 600,
}


class Call(NamedTuple):
    """What a script on a page asks for."""

    page: str
    method: str
    headers: tuple[tuple[str, str], ...]
    story: str


TWELVE = (
    Call(APP, "GET", (), "reads a list"),
    Call(APP, "POST", (FORM,), "sends a form"),
    Call(APP, "POST", (JSON, TOKEN), "sends JSON with a token: the article's example"),
    Call(APP, "PUT", (JSON,), "replaces an item"),
    Call("https://shop.eu.example.com", "GET", (TOKEN,), "reads with a token, two labels below a wildcard"),
    Call(APP, "DELETE", (), "deletes: not a listed method"),
    Call(APP, "patch", (JSON,), "patches, in lower case"),
    Call(APP, "GET", (("X-Debug", "1"),), "reads with a header of its own"),
    Call(EVIL, "GET", (), "reads the list from a neighbour's page"),
    Call(EVIL, "POST", (FORM,), "sends a form from a neighbour's page"),
    Call(EVIL, "POST", (JSON,), "sends JSON from a neighbour's page"),
    Call(SANDBOX, "POST", (TEXT,), "sends JSON, called text, from a sandboxed frame"),
)

# What the article says a server must reply with, and six requests that may or may not need it.
LISTS = {"origins": "Allow-Origin", "methods": "Allow-Methods", "request_headers": "Allow-Headers"}
SOURCE = {
    "origins": [APP],
    "methods": ["POST", "GET", "OPTIONS", "PUT"],
    "request_headers": ["Authorization", "Content-Type"],
}
SIX = (
    Call(APP, "GET", (), "GET"),
    Call(APP, "POST", (FORM,), "POST of a form"),
    Call(APP, "POST", (JSON,), "POST of JSON"),
    Call(APP, "POST", (JSON, TOKEN), "POST of JSON with a token (the article's)"),
    Call(APP, "PUT", (), "PUT without content"),
    Call(APP, "PUT", (JSON, TOKEN), "PUT of JSON with a token"),
)
OWN = SIX[3]


@dataclass
class Outcome:
    """What became of one call."""

    asked: bool = False
    preflight: int | None = None
    said: str = ""  # the reason in a denial's content
    ran: bool = False
    reads: bool = False
    error: str = ""  # what DevTools would call it


@dataclass
class World:
    """The server's counters, and the code under measure with what it answered."""

    code: Any
    port: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    different: list[str] = field(default_factory=list)

    async def app(self, request: netlab.Request) -> netlab.Response:
        """The handler: it counts, and would do whatever it is asked to."""
        self.runs[request.path] += 1
        return netlab.Response(200, b"done\n", {"Vary": "Accept", "X-Total": "1"})


def api() -> Routes:
    """One server, a policy for each question."""
    without = {
        "origins": {**SOURCE, "origins": ["https://other.example"]},
        "methods": {**SOURCE, "methods": []},
        "request_headers": {**SOURCE, "request_headers": []},
        "options": {**SOURCE, "methods": ["POST", "GET", "PUT"]},
    }
    policies = {f"/without/{name}": Policy(**settings) for name, settings in without.items()}
    return Routes({"/twelve": Policy(**SETTINGS), "/source": Policy(**SOURCE), **policies})


async def exchange(
    port: int, method: str, path: str, lines: list[tuple[str, str]]
) -> tuple[int, HeaderList, str]:
    """One request on a connection of its own: the status, the field lines, the content."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    own = [("Host", "api.example"), ("Connection", "close"), ("Content-Length", "0"), *lines]
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in own)
    writer.write(f"{head}\r\n".encode("latin-1"))
    answer = (await reader.read()).decode("latin-1")
    writer.close()
    await writer.wait_closed()
    top, _, content = answer.partition("\r\n\r\n")
    status, *rows = top.split("\r\n")
    pairs = [row.partition(":")[::2] for row in rows]
    return int(status.split(" ", 2)[1]), HeaderList((name, value.strip()) for name, value in pairs), content


async def browse(world: World, call: Call, path: str) -> Outcome:
    """Do as a browser does: ask first if need be, send, and look whether the page may read."""
    url = f"http://api.example{path}"
    request = PageRequest(page=call.page, url=url, method=call.method, headers=call.headers)
    outcome = Outcome()
    names = world.code.asks_first(call.method, list(call.headers))
    if names is not None:
        lines = [("Origin", call.page), ("Access-Control-Request-Method", call.method)]
        lines += [("Access-Control-Request-Headers", ",".join(names))] if names else []
        status, fields, content = await exchange(world.port, "OPTIONS", path, lines)
        compare(world, path, "OPTIONS", lines, status, fields)
        outcome.asked, outcome.preflight = True, status
        outcome.said = content.strip() if status == 403 else ""
        outcome.error = list(preflight_checks(request, status, fields))[-1].error
        if outcome.error:
            return outcome
    before = world.runs[path]
    lines = [*call.headers, ("Origin", call.page)]
    status, fields, _ = await exchange(world.port, call.method, path, lines)
    compare(world, path, call.method, lines, status, fields)
    outcome.ran = world.runs[path] > before
    check = cors_check(request, fields)
    outcome.reads, outcome.error = check.passed, check.error
    return outcome


def compare(
    world: World, path: str, method: str, lines: list[tuple[str, str]], status: int, fields: HeaderList
) -> None:
    """Hold the answer of the `decide` under measure against the one on the wire."""
    if not path.startswith("/twelve/"):
        return
    settings = {**SETTINGS, "headers": SETTINGS["request_headers"], "expose": SETTINGS["expose_headers"]}
    names = ("origins", "methods", "headers", "expose", "max_age")
    policy = world.code.Policy(**{name: settings[name] for name in names})
    mine = world.code.decide(policy, world.code.Request(method, lines))
    wire = {name: value for name, value in fields if name.lower().startswith("access-control-")}
    handlers_own = [] if mine.status else ["Accept"]
    vary = world.code.merge_vary(handlers_own, mine.vary)
    world.messages += 1
    same = (mine.fields, mine.status or 200, {n.strip().lower() for n in vary.split(",")})
    sent = (wire, status, {n.strip().lower() for n in ", ".join(fields.get_all("Vary")).split(",")})
    if same != sent:
        world.different.append(f"{method} {path}: `decide` says {same}, the server sent {sent}")


async def measure(run: Run) -> Measurement:
    """Trace the twelve, take the lists away one by one, send all of it by hand as well; then judge."""
    world = World(run.code)
    async with netlab.Server(world.app, port=0, cors=api()) as server:
        world.port = server.port
        run.say("twelve requests, as a browser sends them")
        traced = [await browse(world, call, f"/twelve/{n}") for n, call in enumerate(TWELVE, 1)]
        run.say("the same twelve, as curl sends them")
        for n, call in enumerate(TWELVE, 1):
            await exchange(
                world.port, call.method, f"/twelve/curl/{n}", [*call.headers, ("Origin", call.page)]
            )
        run.say("six requests, with one list taken away after the other")
        full = [await browse(world, call, "/source") for call in SIX]
        without = {
            name: [await browse(world, call, f"/without/{name}") for call in SIX]
            for name in (*LISTS, "options")
        }
    needs = {
        name: [whole.reads and not less.reads for whole, less in zip(full, without[name], strict=True)]
        for name in LISTS
    }
    return report(world, traced, full, without["options"], needs)


def report(
    world: World,
    traced: list[Outcome],
    full: list[Outcome],
    without_options: list[Outcome],
    needs: dict[str, list[bool]],
) -> Measurement:
    """Figures, verdict, tables and the picture."""
    denied = [outcome for outcome in traced if not outcome.reads]
    own = SIX.index(OWN)
    all_three = [all(column) for column in zip(*needs.values(), strict=True)]
    figures: dict[str, float | int | str] = {
        "requests": len(traced),
        "asked_first": sum(outcome.asked for outcome in traced),
        "denied": len(denied),
        "denied_that_ran": sum(outcome.ran for outcome in denied),
        "curl_answered": sum(world.runs[f"/twelve/curl/{n}"] for n in range(1, 13)),
        "messages": world.messages,
        "messages_answered_alike": world.messages - len(world.different),
        **{f"need_{label.lower().replace('-', '_')}": sum(needs[name]) for name, label in LISTS.items()},
        "need_all_three": sum(all_three),
        "need_options_listed": sum(a.reads != b.reads for a, b in zip(full, without_options, strict=True)),
        "the_sources_request_needs": ", ".join(LISTS[name] for name in LISTS if needs[name][own]),
    }
    verdict, condition = judge(needs, all_three)
    listed = figures["need_options_listed"]
    needed = f"{listed} of {len(SIX)} requests needed" if listed else "no request needed"
    return Measurement(
        figures=figures,
        verdict=verdict,
        condition=condition,
        headline=(
            f"{figures['denied']} of {len(traced)} requests are denied, and {figures['denied_that_ran']} of "
            f"these ran all the same; the article's own POST needs {figures['the_sources_request_needs']}; "
            f"{needed} OPTIONS in Allow-Methods"
        ),
        tables=[trace_table(traced), needs_table(full, needs)],
        plots=[Plot("How far twelve requests came", plots.svg(lambda axes: draw(axes, traced), height=4.2))],
        notes=[
            *world.different,
            f"all {figures['curl_answered']} were answered when a bare socket sent them without asking: "
            "the border guard is the browser",
        ],
    )


def judge(needs: dict[str, list[bool]], all_three: list[bool]) -> tuple[Verdict, str]:
    """Must the server reply with all three? For every request, for none, or for some."""
    if all(all_three):
        return Verdict.TRUE, ""
    if not any(all_three):
        return Verdict.FALSE, ""
    which = [SIX[index] for index, needed in enumerate(all_three) if needed]
    safe_method = any(call.method in ("GET", "HEAD", "POST") for call in which)
    plain = any(not call.headers for call in which)
    if safe_method or plain:
        return Verdict.TRUE_ONLY_IF, "the request is one of: " + "; ".join(call.story for call in which)
    return Verdict.TRUE_ONLY_IF, (
        "the request has both a method other than GET, HEAD and POST and a header that "
        f"an HTML form cannot send ({len(which)} of {len(SIX)} requests here)"
    )


def trace_table(traced: list[Outcome]) -> Table:
    """The decision trace."""
    rows = [
        [
            number,
            call.page,
            call.method,
            call.story,
            f"yes: {outcome.preflight}" if outcome.asked else "no",
            "yes" if outcome.ran else "no",
            "yes" if outcome.reads else "no",
            outcome.said or outcome.error,
        ]
        for number, (call, outcome) in enumerate(zip(TWELVE, traced, strict=True), 1)
    ]
    columns = ["", "page", "method", "what it does", "asks first", "handler runs", "page reads", "why not"]
    return Table("The decision trace of twelve requests", columns, rows)


def needs_table(full: list[Outcome], needs: dict[str, list[bool]]) -> Table:
    """Which list each of the six cannot do without."""
    rows = []
    for n, call in enumerate(SIX):
        cells = ("needed" if needs[name][n] else "–" for name in LISTS)
        rows.append([call.story, "yes" if full[n].asked else "no", *cells])
    return Table("What the server must reply with", ["request", "asks first", *LISTS.values()], rows)


def draw(axes: Any, traced: list[Outcome]) -> None:
    """A line for each request, from the script to as far as it came."""
    ends = {
        3: (plots.GREEN, "-", "o", "the page reads"),
        2: (plots.RED, "--", "X", "the request ran, the page reads nothing"),
        1: (plots.AMBER, ":", "X", "denied before it was sent"),
    }
    told = set()
    for row, outcome in enumerate(traced):
        reached = 3 if outcome.reads else 2 if outcome.ran else 1
        colour, style, mark, meaning = ends[reached]
        axes.plot([0, reached], [row, row], color=colour, linestyle=style)
        if outcome.asked and reached > 1:
            axes.plot(1, row, "D", color=colour)
        if reached > 2:
            axes.plot(2, row, "s", color=colour)
        label = None if meaning in told else meaning
        axes.plot(reached, row, mark, color=colour, markersize=8, label=label)
        told.add(meaning)
    labels = [f"{n}  {call.method}  {call.page.removeprefix('https://')}" for n, call in enumerate(TWELVE, 1)]
    axes.set_yticks(range(len(TWELVE)), labels)
    axes.invert_yaxis()
    axes.set_xticks(range(4), ["the script asks", "preflight", "the handler runs", "the page reads"])
    axes.set_xlim(-0.1, 3.3)
    axes.grid(axis="y", visible=False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, fontsize=8)
