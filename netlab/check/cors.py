"""The server's CORS policy by observation: which origins it lets read its answers, and how it says so.

Fetch standard, "CORS protocol". Only what the answers say is judged; the policy behind them is not known.
With `Target.origin`, an origin that the policy is said to allow, its neighbours are tried, too.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from netlab.check.asking import Rule, ask
from netlab.check.conversation import ObservedAnswer
from netlab.check.target import JudgedServer
from netlab.check.verdict import CaseVerdict

STRANGER = "https://stranger.example"
_THEFT = "Any web page that a signed-in user visits can read this user's answers from the server."
_FETCH = "Fetch, CORS protocol"

REFLECTED = Rule(
    "cors/any-origin-with-credentials", "A strange origin with credentials",
    "an unknown origin gets no access with credentials", f"{_FETCH} and credentials", "MUST NOT",
    "no Access-Control-Allow-Origin for the stranger, or no Allow-Credentials", _THEFT,
)  # fmt: skip
STAR = Rule(
    "cors/star-with-credentials", "* with credentials",
    "Allow-Origin: * does not go with Allow-Credentials: true: browsers refuse the pair",
    f"{_FETCH} and credentials", "MUST NOT", "not both in one answer",
)  # fmt: skip
NULL = Rule(
    "cors/null-origin", "Origin: null", "a sandboxed frame of any site has the origin null",
    f"{_FETCH}, CORS check", "SHOULD NOT", "no Access-Control-Allow-Origin: null", _THEFT,
)  # fmt: skip
VARY = Rule(
    "cors/vary", "Vary: Origin", "an answer that names one origin differs by origin, and says so to caches",
    f"{_FETCH} and HTTP caches", "SHOULD", "Vary: Origin beside a single allowed origin",
    "Cache poisoning: a shared cache gives one site's permission, or its lack, to another.",
)  # fmt: skip
MAX_AGE = Rule(
    "cors/max-age", "Access-Control-Max-Age", "Max-Age is a number of seconds, not below 0",
    f"{_FETCH}, Access-Control-Max-Age", "MUST", "ASCII digits",
)  # fmt: skip
NEIGHBOURS = Rule(
    "cors/neighbours", "Origins that look like the allowed one", "an origin is compared whole",
    f"{_FETCH}, CORS check", "MUST", "no access for any neighbour of the allowed origin", _THEFT,
)  # fmt: skip
RULES = (REFLECTED, STAR, NULL, VARY, MAX_AGE, NEIGHBOURS)


async def check_cors(target: JudgedServer) -> list[CaseVerdict]:
    """Every rule of this file."""
    stranger, preflight = await _ask(target, STRANGER), await _preflight(target, target.origin or STRANGER)
    null, friend = await _ask(target, "null"), await _ask(target, target.origin) if target.origin else None
    answers = [answer for answer in (stranger, preflight, null, friend) if answer is not None]
    if not any(_allowed(answer) for answer in answers):
        named = (
            f"for {target.origin} either" if target.origin else "(--origin names one that it should allow)"
        )
        return [rule.skipped(f"no answer allows an origin {named}") for rule in RULES]
    got = ", ".join(sorted({_allowed(answer) for answer in answers if _allowed(answer)}))
    single = [answer for answer in answers if _allowed(answer) not in ("", "*")]
    return [
        REFLECTED.held(
            _allowed(stranger) != STRANGER or not _credentials(stranger),
            got, f"{STRANGER} is allowed with credentials",
        ),
        STAR.held(
            not any(_allowed(a) == "*" and _credentials(a) for a in answers), got, "both in one answer",
        ),
        NULL.held(_allowed(null) != "null", got, "null is allowed"),
        VARY.held(all(_varies(a) for a in single), got, "a single origin without Vary: Origin")
        if single else VARY.skipped("no answer names a single origin"),
        _max_age(preflight),
        await _neighbours(target),
    ]  # fmt: skip


async def _ask(target: JudgedServer, origin: str) -> ObservedAnswer | None:
    answer, _ = await ask(target, "GET", f"Origin: {origin}")
    return answer


async def _preflight(target: JudgedServer, origin: str) -> ObservedAnswer | None:
    lines = (f"Origin: {origin}", "Access-Control-Request-Method: PUT")
    answer, _ = await ask(target, "OPTIONS", *lines, "Access-Control-Request-Headers: content-type")
    return answer


def _field(answer: ObservedAnswer | None, name: str) -> str:
    return str(answer.fields.get(name) or "") if answer is not None else ""


def _allowed(answer: ObservedAnswer | None) -> str:
    return _field(answer, "access-control-allow-origin")


def _credentials(answer: ObservedAnswer | None) -> bool:
    return _field(answer, "access-control-allow-credentials") == "true"


def _varies(answer: ObservedAnswer) -> bool:
    names = {name.strip().lower() for name in _field(answer, "vary").split(",")}
    return bool(names & {"origin", "*"})


def _max_age(preflight: ObservedAnswer | None) -> CaseVerdict:
    value = _field(preflight, "access-control-max-age")
    if not value:
        return MAX_AGE.skipped("the preflight's answer has no Access-Control-Max-Age")
    return MAX_AGE.held(value.isascii() and value.isdigit(), value, "it is no such number")


def neighbours(origin: str) -> list[str]:
    """Origins that a careless comparison takes for this one."""
    parts = urlsplit(origin)
    host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    other = "http" if parts.scheme == "https" else "https"
    hosts = [f"{host}.stranger.example", f"evil{host}", f"evil.{host}"]
    hosts += [host.replace(".", "x", 1)] if "." in host else []
    found = [f"{parts.scheme}://{name}{port}" for name in hosts]
    return [*found, f"{other}://{host}{port}", f"{parts.scheme}://{host}:{(parts.port or 443) + 1}"]


async def _neighbours(target: JudgedServer) -> CaseVerdict:
    if not target.origin:
        return NEIGHBOURS.skipped("name an allowed origin with --origin to try its neighbours")
    if _allowed(await _ask(target, target.origin)) == "*":
        return NEIGHBOURS.skipped("every origin is allowed (*)")
    taken = [o for o in neighbours(target.origin) if _allowed(await _ask(target, o)) == o]
    return NEIGHBOURS.held(not taken, ", ".join(taken) or "none allowed", f"{len(taken)} of them are allowed")
