"""Why a request across origins works, or does not: the whole way through browser and server, step by step.

`explain` plays one request of a page against a policy, without a network: the browser's steps from
`fetch_model`, the server's from `decision`. If the page may not read the answer, it also looks for the
changes of the policy that would let it, by making them and playing the request again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from netlab.cors.browser.fetch_model import (
    MAIN_FETCH,
    Check,
    HeaderList,
    PageRequest,
    actual_headers,
    cors_check,
    preflight_checks,
    preflight_headers,
    preflight_max_age,
    preflight_reasons,
    refused_by_the_browser,
    settled,
)
from netlab.cors.decision import (
    CORS_CHECK,
    HTTP_REQUESTS,
    PREFLIGHT_FETCH,
    Decision,
    Kind,
    decide,
    headers_refused,
    method_refused,
    origin_refused,
)
from netlab.cors.mistakes import PolicyError
from netlab.cors.policy import Policy
from netlab.cors.safelist import unsafe_headers

BROWSER, SERVER = "browser", "server"


class Policies(Protocol):
    """A Policy, or Routes: whatever knows the policy of a path."""

    def policy_for(self, path: str, /) -> Policy: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One question on the way, and its answer."""

    side: str
    """The side that asks: browser or server."""
    section: str
    """The section of the Fetch standard."""
    question: str
    outcome: str
    passed: bool = True
    """False if the way ends here (or, for the server's no to an actual request, would have to)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a policy that brings the request further."""

    settings: tuple[tuple[str, object], ...]
    """Each setting with its new value."""
    note: str = ""

    def __str__(self) -> str:
        text = ", ".join(f"{name} = {_toml(value)}" for name, value in self.settings)
        return f"{text} ({self.note})" if text and self.note else text or self.note


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of one request."""

    request: PageRequest
    steps: tuple[Step, ...]
    preflight: bool
    """True if the browser asks first."""
    handled: bool
    """True if the request itself reaches the handler, and runs."""
    readable: bool
    """True if the script may read the response."""
    error: str
    """What Chromium's DevTools (Network.CorsError) call the failure; empty if there is none of that kind."""
    changes: tuple[Change, ...]
    """The changes of the policy that would make it readable, in order; empty if it is, or if none would."""

    @property
    def first_change(self) -> Change | None:
        """The first policy change on the way to a readable response."""
        return self.changes[0] if self.changes else None


def explain(policy: Policies, request: PageRequest) -> Explanation:
    """Play `request` against `policy` (a Policy or Routes) and tell every step.

    Raises ValueError if the request's URL is no absolute http(s) URL.
    """
    own = policy.policy_for(request.path)
    run = _play(own, request)
    return Explanation(
        request=request,
        steps=tuple(run.steps),
        preflight=run.preflight,
        handled=run.handled,
        readable=run.readable,
        error=run.error,
        changes=_changes(own, request),
    )


class _Run:
    """The way of one request, recorded as it goes."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.preflight = self.handled = self.readable = False
        self.error = ""
        self.refused: str | None = None
        """The setting of the policy that ended the way."""

    def tell(self, side: str, section: str, question: str, outcome: str, passed: bool = True) -> bool:
        self.steps.append(Step(side, section, question, outcome, passed))
        return passed

    def check(self, check: Check) -> bool:
        if not check.passed:
            self.error = check.error
        return self.tell(BROWSER, check.section, check.question, check.outcome, check.passed)


def _play(policy: Policy, request: PageRequest) -> _Run:
    """The whole way: the script's call, the preflight if there is one, the request, the answer."""
    run = _Run()
    if not _script(run, request):
        return run
    request = settled(request)[0]
    if not request.cross_origin:
        run.handled = run.readable = True
        return run
    if not _mode(run, request):
        return run
    reasons = preflight_reasons(request)
    run.preflight = bool(reasons)
    outcome = "yes: " + "; ".join(reasons) if reasons else "no: a form could send this request as well"
    run.tell(BROWSER, MAIN_FETCH, "must the browser ask first (preflight)?", outcome)
    if reasons and not _preflight(run, policy, request):
        return run
    _actual(run, policy, request)
    return run


def _script(run: _Run, request: PageRequest) -> bool:
    """What the browser makes of the script's call before anything is sent."""
    section = "Fetch, Request constructor"
    if refusal := refused_by_the_browser(request):
        return run.tell(BROWSER, section, "may a script ask for this at all?", f"no: {refusal}", False)
    taken, dropped = settled(request)
    if dropped:
        run.tell(BROWSER, section, "which headers stay the browser's own?", "dropped: " + ", ".join(dropped))
    if taken.method != request.method:
        run.tell(BROWSER, section, "which method is sent?", f"{taken.method}, upper-cased by the browser")
    cross = request.cross_origin
    outcome = f"yes: {request.page} asks {request.url}" if cross else "no: CORS has no say"
    return run.tell(BROWSER, MAIN_FETCH, "does the request cross origins?", outcome)


def _mode(run: _Run, request: PageRequest) -> bool:
    question = "what does the request's mode say?"
    if request.mode == "same-origin":
        run.error = "DisallowedByMode"
        return run.tell(BROWSER, MAIN_FETCH, question, "same-origin: the browser sends nothing", False)
    if request.mode == "no-cors":
        run.handled = True
        outcome = "no-cors: it is sent without asking, and the script gets an opaque response"
        return run.tell(BROWSER, MAIN_FETCH, question, outcome, False)
    return True


def _preflight(run: _Run, policy: Policy, request: PageRequest) -> bool:
    """The browser's OPTIONS, the server's decision, the browser's checks of the answer."""
    sent = preflight_headers(request)
    asked = ", ".join(f"{name}: {value}" for name, value in sent if name != "Accept")
    run.tell(
        BROWSER, "Fetch, CORS-preflight fetch, steps 1 to 6", "what does it ask?", f"OPTIONS with {asked}"
    )
    decision = decide(policy, "OPTIONS", sent)
    run.tell(
        SERVER, HTTP_REQUESTS, "is this a preflight?", "yes: OPTIONS, Origin, Access-Control-Request-Method"
    )
    _questions(run, policy, request, sent.get_all("Access-Control-Request-Headers"))
    run.tell(
        SERVER, "Fetch, HTTP responses", "what does it answer?", _answer(decision), decision.status != 403
    )
    fields = HeaderList(decision.fields)
    for check in preflight_checks(request, decision.status or 0, fields):
        if not run.check(check):
            run.refused = run.refused or _setting(check)
            return False
    seconds = preflight_max_age(fields)
    kept = f"{seconds} s, or less if the browser's cap is lower"
    return run.tell(BROWSER, "Fetch, CORS-preflight fetch, steps 7.8 to 7.10", "how long is this kept?", kept)


def _questions(run: _Run, policy: Policy, request: PageRequest, names: Sequence[str]) -> None:
    """The three questions that `decide` asks of a preflight, in its order, up to the first no."""
    rules = policy.rules
    asked = ", ".join(names) or "none"
    for setting, section, question, refusal in (
        ("origins", f"{CORS_CHECK}, step 4", f"is origin {request.page} allowed?",
         origin_refused(rules, (request.page,))),
        ("methods", f"{PREFLIGHT_FETCH}, step 7.5", f"is method {request.method} allowed?",
         method_refused(rules, (request.method,))),
        ("request_headers", f"{PREFLIGHT_FETCH}, step 7.7", f"are the headers allowed ({asked})?",
         headers_refused(rules, names)),
    ):  # fmt: skip
        if refusal is not None:
            run.refused = setting
            run.tell(SERVER, refusal[1], question, f"no: {refusal[0]}", False)
            return
        run.tell(SERVER, section, question, "yes")


def _actual(run: _Run, policy: Policy, request: PageRequest) -> None:
    """The request itself: it runs in any case, and the browser decides if the page may read the answer."""
    decision = decide(policy, request.method, actual_headers(request))
    run.handled = True
    run.tell(SERVER, HTTP_REQUESTS, "does the request reach the handler?", f"yes: {request.method} runs")
    allowed = decision.kind is not Kind.ACTUAL_DENIED
    run.tell(SERVER, decision.step, "may this origin read the response?", decision.reason, allowed)
    run.tell(SERVER, "Fetch, HTTP responses", "what does it add to the response?", _answer(decision))
    check = cors_check(request, HeaderList(decision.fields))
    run.readable = run.check(check)
    if not run.readable:
        run.refused = "origins" if not allowed else _setting(check)


def _setting(check: Check) -> str:
    """Which setting a check of the browser rests on."""
    credentials = ("WildcardOriginNotAllowed", "InvalidAllowCredentials")
    return "credentials" if check.error.removeprefix("Preflight") in credentials else "origins"


def _answer(decision: Decision) -> str:
    lines = [f"{name}: {value}" for name, value in decision.fields]
    lines += [f"Vary: {', '.join(decision.vary)}"] if decision.vary else []
    status = f"{decision.status}, " if decision.status else ""
    return status + (", ".join(lines) if lines else "no field of CORS")


# Which change of the policy would allow it? -----------------------------------------------------------------


def _changes(policy: Policy, request: PageRequest) -> tuple[Change, ...]:
    """Change what refuses, play again, until the script may read: a change per setting or header at most."""
    found: list[Change] = []
    for _ in range(4 + len(request.headers)):
        run = _play(policy, request)
        if run.readable or run.refused is None:
            break
        change = _change(policy, settled(request)[0], run.refused)
        found.append(change)
        if not change.settings:
            break
        try:
            policy = _changed(policy, change)
        except PolicyError as error:
            return (
                *found[:-1],
                Change((), f"no safe change: {error.mistakes[0].reason}; {error.mistakes[0].repair}"),
            )
    return tuple(found)


def _changed(policy: Policy, change: Change) -> Policy:
    """The policy with the change made; a closed one has to be built anew."""
    settings = {
        setting.name: getattr(policy, setting.name) for setting in dataclasses.fields(policy) if setting.init
    }
    return Policy(**{**settings, **dict(change.settings)})


def _change(policy: Policy, request: PageRequest, refused: str) -> Change:
    """The smallest change of the setting that refused."""
    if refused == "origins":
        if request.page == "null":
            return Change(
                (),
                "no change should: every sandboxed frame sends null; give the page an origin of its own",
            )
        return Change((("origins", [*policy.origins, request.page]),))
    if refused == "methods":
        upper = request.method.upper()
        note = f"or let the page send {upper}" if upper != request.method else ""
        return Change((("methods", [*policy.methods, request.method]),), note)
    if refused == "request_headers":
        missing = next(_missing(policy, request))
        return Change((("request_headers", [*policy.request_headers, missing]),))
    return _with_credentials(policy, request)


def _missing(policy: Policy, request: PageRequest) -> Iterator[str]:
    """The header names that the policy does not allow, as the script spells them."""
    for name in unsafe_headers(request.headers):
        if headers_refused(policy.rules, (name,)) is not None:
            yield next(spelled for spelled, _ in request.headers if spelled.lower() == name)


def _with_credentials(policy: Policy, request: PageRequest) -> Change:
    """Credentials forbid every `*`: what it stood for has to be named."""
    settings: list[tuple[str, object]] = []
    if "*" in policy.origins:
        settings.append(("origins", [request.page]))
    settings.append(("credentials", True))
    named = {
        "methods": [request.method],
        "request_headers": [
            name for name, _ in request.headers if name.lower() in unsafe_headers(request.headers)
        ],
        "expose_headers": [],
    }
    settings += [(name, values) for name, values in named.items() if "*" in getattr(policy, name)]
    note = 'credentials take names in place of "*"' if len(settings) > 1 else ""
    return Change(tuple(settings), note)


def _toml(value: object) -> str:
    """A setting's value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(f'"{entry}"' for entry in value) + "]"
    return str(value)
