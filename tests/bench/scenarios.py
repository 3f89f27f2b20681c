"""What is measured: a table of scenarios, and how much time each gets in a whole run and in a quick one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from tests.bench import checks, frameworks
from tests.bench.generators import Pattern
from tests.bench.loads import Handshakes, Idle, Load, Requests, Stream


@dataclass(frozen=True, slots=True)
class Pace:
    """How much of everything. `rounds` and `seconds` None: as each scenario has it."""

    quick: bool = False
    rounds: int | None = None
    seconds: int | None = None

    def seconds_of(self, usual: int) -> int:
        """The length of one wrk run."""
        return self.seconds or (1 if self.quick else usual)

    def rounds_of(self, usual: int, quick: int) -> int:
        """How often each server is visited."""
        return self.rounds or (quick if self.quick else usual)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One table of the result.

    absent: servers that take no part, each with the reason. usual: whether a run without arguments has it.
    app: what peers that speak ASGI serve. ours: what netlab serves; empty: its demonstration app. Where both
    serve the same app, nothing else takes part.
    """

    key: str
    title: str
    how: str
    load: Callable[[Pace], Load]
    tls: bool = False
    rounds: tuple[int, int] = (5, 3)  # in a whole run, in a quick one
    absent: Mapping[str, str] = field(default_factory=dict)
    usual: bool = True
    app: str = "tests.bench.apps:asgi"
    ours: str = ""

    @property
    def same_app(self) -> bool:
        """Whether all serve one ASGI app."""
        return self.app == self.ours


_NO_ECHO = {"nginx": "has no echo of its own"}
_KIB, _MIB = 1 << 10, 1 << 20


def _requests(
    pattern: Pattern,
    looks: Callable[..., None] = checks.hello,
    usual: int = 2,
    remark: Callable[..., None] | None = None,
) -> Callable[[Pace], Load]:
    return lambda pace: Requests({"": pattern}, pace.seconds_of(usual), looks, remark)


def _echo(size: int, connections: int) -> Callable[[Pace], Load]:
    pattern = Pattern(("echo", str(size)), "/echo", connections, content=size)
    return _requests(pattern, partial(checks.echo, size=size), usual=1)


def _with_idle(pace: Pace) -> Load:
    counts = (100, 1_000) if pace.quick else (100, 1_000, 10_000)
    return Requests({"": Pattern(content=17)}, pace.seconds_of(1), checks.hello, idle=counts)


def _one_among_idle(pace: Pace) -> Load:
    counts = (10, 1_000) if pace.quick else (10, 1_000, 10_000)
    return Requests({"": Pattern(content=17, connections=1)}, pace.seconds_of(1), checks.hello, idle=counts)


def _with_fields(pace: Pace) -> Load:
    patterns = {f"{count} field lines": Pattern(("fields", str(count)), content=17) for count in (2, 16, 64)}
    return Requests(patterns, pace.seconds_of(1), partial(checks.hello, field_lines=64))


def _stream(pace: Pace) -> Load:
    return Stream(256 if pace.quick else 512)


def _idle(pace: Pace) -> Load:
    return Idle((100, 200, 300) if pace.quick else (200, 400, 600, 800, 1_000))


_RAW = "tests.bench.apps:asgi"
_STARLETTE, _FASTAPI = "tests.bench.frameworks:starlette_app", "tests.bench.frameworks:fastapi_app"
_ROUTES = "tests.bench.frameworks:route_asgi", "tests.bench.frameworks:route_app"
_SAME_APP = "32 connections, the same app on each server"


def _route(pace: Pace) -> Load:
    pattern = Pattern(("route", frameworks.ROUTE), frameworks.ROUTE, content=40)
    return Requests({"": pattern}, pace.seconds_of(2), partial(checks.route, expected=frameworks.ANSWER))


def _json(pace: Pace) -> Load:
    pattern = Pattern(("json", str(_KIB)), "/json", content=10)
    return Requests({"": pattern}, pace.seconds_of(2), partial(checks.json_post, size=_KIB))


def _asgi() -> tuple[Scenario, ...]:
    """The same ASGI app on netlab and on each peer that speaks ASGI."""
    hello = _requests(Pattern(content=17))
    return (
        Scenario("asgi", "a raw ASGI app", _SAME_APP, hello, app=_RAW, ours=_RAW),
        Scenario("asgi-tls", "a raw ASGI app over TLS 1.3", _SAME_APP, hello, tls=True, app=_RAW, ours=_RAW),
        Scenario("starlette", "a Starlette route", _SAME_APP, hello, app=_STARLETTE, ours=_STARLETTE),
        Scenario(
            "fastapi", "a FastAPI route with an async dependency", _SAME_APP, hello,
            app=_FASTAPI, ours=_FASTAPI,
        ),
        Scenario(
            "json", "Starlette, POST of 1 KiB of JSON", _SAME_APP, _json, app=_STARLETTE, ours=_STARLETTE
        ),
        Scenario(
            "asgi-stream", "Starlette's StreamingResponse", "pieces of 1 MiB, to curl", _stream,
            rounds=(5, 2), app=_STARLETTE, ours=_STARLETTE,
        ),
    )  # fmt: skip


_ONE_EACH = Pattern(persistent=False, content=17)
_LEFT_OPEN = (
    "persistent connections, each idle after one GET; memory per connection, as the slope over their number"
)
_CURL = "one answer, chunked in pieces of 1 MiB, to curl; nginx: a file of that size"

SCENARIOS: dict[str, Scenario] = {
    each.key: each
    for each in (
        Scenario(
            "get", "GET /, persistent connections",
            "32 connections, the same head in every request (netlab remembers such a head; see the next)",
            _requests(Pattern(content=17)),
        ),
        Scenario(
            "heads", "GET /, heads that differ",
            "32 connections, nine field lines as of a browser; target and cookie differ in every request",
            _requests(Pattern(("browser",), content=17), usual=1),
        ),
        Scenario(
            "tls", "GET /, persistent TLS 1.3 connections",
            "32 connections, the same head in every request",
            _requests(Pattern(content=17)), tls=True,
        ),
        Scenario(
            "close", "one request per connection",
            "32 at a time, Connection: close",
            _requests(_ONE_EACH, partial(checks.hello, persistent=False)),
        ),
        Scenario(
            "handshake", "one request per TLS 1.3 connection, full handshake",
            "8 clients (openssl s_time -new), no session resumed; a handshake costs the client more than the "
            "server, so CPU time decides",
            lambda pace: Handshakes(pace.seconds_of(1)), tls=True,
        ),
        Scenario(
            "resumed", "one request per TLS 1.3 connection, session resumed",
            "32 at a time, Connection: close; wrk keeps the session of each connection and resumes it",
            _requests(_ONE_EACH, partial(checks.hello, persistent=False), remark=checks.resumes),
            tls=True, usual=False,
        ),
        Scenario(
            "echo1k", "POST of 1 KiB, echoed", "32 connections", _echo(_KIB, 32), absent=_NO_ECHO,
        ),
        Scenario(
            "echo1m", "POST of 1 MiB, echoed", "8 connections", _echo(_MIB, 8), absent=_NO_ECHO,
        ),
        Scenario("idle", "an idle connection", _LEFT_OPEN, _idle, rounds=(2, 1)),
        Scenario("idle-tls", "an idle TLS 1.3 connection", _LEFT_OPEN, _idle, tls=True, rounds=(2, 1)),
        Scenario("stream", "a long stream", _CURL, _stream, rounds=(5, 2)),
        Scenario("stream-tls", "a long stream over TLS 1.3", _CURL, _stream, tls=True, rounds=(5, 2)),
        Scenario(
            "connections", "GET / while others are idle",
            "32 active connections among so many idle ones", _with_idle, rounds=(3, 1),
        ),
        Scenario(
            "connections-tls", "GET / over TLS 1.3 while others are idle",
            "one active connection among so many idle ones: does its latency (p50) grow?",
            _one_among_idle, tls=True, rounds=(3, 1), usual=False,
        ),
        Scenario(
            "fields", "GET / by the number of field lines",
            "32 connections, Host among the lines, the last line differs in every request",
            _with_fields, rounds=(3, 1),
        ),
        Scenario(
            "route", "a JSON route with a query and two path segments",
            "32 connections, the number of the order differs in every request; peers: a raw ASGI app",
            _route, absent={"aiohttp": "has no raw ASGI app", **_NO_ECHO}, app=_ROUTES[0], ours=_ROUTES[1],
        ),
        *_asgi(),
    )
}  # fmt: skip
