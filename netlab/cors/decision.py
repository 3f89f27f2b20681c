"""One request, one decision: which CORS fields its response gets, and why. A pure function, no I/O.

`decide` never stops a request that is no preflight: CORS governs the *reading* of a response, so a denied
request still runs, and the browser withholds the answer from the page. What a policy may say lives in
`policy`; the browser's half of the protocol lives in `browser`.

Source: Fetch standard, sections "HTTP responses", "CORS-preflight fetch" and "CORS protocol and HTTP
caches". The order of the checks is the browser's own (CORS-preflight fetch, step 7), so that the first reason
we give is the one that the browser meets first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from netlab.cors.mistakes import shown
from netlab.cors.origin import OriginSet, parse_origin

# token = 1*tchar (RFC 9110 section 5.6.2), the form of methods and field names
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++")

# CORS-safelisted method (Fetch, "Methods"): a form could always send these, so no permission is needed.
SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})

MAX_EMPTY_ELEMENTS = 16
"""Empty elements read in Access-Control-Request-Headers: "a reasonable number" (RFC 9110 section 5.6.1.2)."""
MAX_NAMES = 128
"""Names read in Access-Control-Request-Headers: our limit of field lines, so no request could carry more."""

PREFLIGHT_VARY = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")
"""What the answer to a preflight depends on. No cache may keep it (RFC 9110 section 9.3.7), but some do."""

CORS_CHECK = "Fetch, CORS check"
PREFLIGHT_FETCH = "Fetch, CORS-preflight fetch"
HTTP_REQUESTS = "Fetch, CORS protocol, HTTP requests"


class RequestFields(Protocol):
    """All that a decision needs of a request's fields: every value of a name (in lower case), in order."""

    def get_all(self, name: str, /) -> Sequence[str]: ...


class Kind(Enum):
    """What a request is to CORS, and how it fared."""

    NOT_CORS = "not a CORS request"
    PREFLIGHT_ALLOWED = "preflight, allowed"
    PREFLIGHT_DENIED = "preflight, denied"
    ACTUAL_ALLOWED = "request, its response shared"
    ACTUAL_DENIED = "request, its response not shared"


class AccessControlConflict(ValueError):
    """A handler set an Access-Control field itself, behind the policy's back."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about CORS for one request."""

    kind: Kind
    fields: tuple[tuple[str, str], ...]
    """Field lines to add to the response."""
    vary: tuple[str, ...]
    """Names to merge into the response's Vary."""
    status: int | None
    """The status of the answer to a preflight; None if the handler answers."""
    reason: str
    """Why, in one line of printable ASCII: fit for the log and for the content of a 403."""
    step: str
    """The step of the Fetch standard that decided."""

    @property
    def preflight(self) -> bool:
        """True if the request is answered here, and the handler never sees it."""
        return self.status is not None

    def apply(self, fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The response's field lines with this decision's own added and Vary merged into one line.

        Applies to every response alike: 2xx, 4xx, 5xx, streamed. Raises AccessControlConflict if `fields`
        holds an Access-Control field: the policy alone speaks for CORS, for two answers make none.
        """
        merged: list[tuple[str, str]] = []
        varies: list[str] = []
        for name, value in fields:
            lower = name.lower()
            if lower.startswith("access-control-"):
                raise AccessControlConflict(
                    f"the handler set {shown(name)} itself: leave CORS fields to the policy of this path"
                )
            if lower == "vary":
                varies.append(value)
            else:
                merged.append((name, value))
        merged.extend(self.fields)
        if vary := merge_vary(varies, self.vary):
            merged.append(("Vary", vary))
        return merged


def merge_vary(values: Iterable[str], names: Iterable[str]) -> str:
    """One Vary value of the handler's `values` and our `names`, each name once; `*` swallows the rest.

    Source: RFC 9110 section 12.5.5.
    """
    kept: dict[str, str] = {}
    for value in values:
        for name in value.split(","):
            if bare := name.strip(" \t"):
                kept.setdefault(bare.lower(), bare)
    for name in names:
        kept.setdefault(name.lower(), name)
    return "*" if "*" in kept else ", ".join(kept.values())


class Settings(Protocol):
    """The settings of a policy that a decision rests on. `policy.Policy` has them, and checks them."""

    @property
    def origins(self) -> Collection[str]: ...
    @property
    def methods(self) -> Collection[str]: ...
    @property
    def request_headers(self) -> Collection[str]: ...
    @property
    def expose_headers(self) -> Collection[str]: ...
    @property
    def credentials(self) -> bool: ...
    @property
    def max_age(self) -> int | None: ...
    @property
    def success_status(self) -> int: ...
    @property
    def debug(self) -> bool: ...


class Rules:
    """A policy made ready for the hot path: an answer that does not depend on the request is built once."""

    __slots__ = (
        "any_header",
        "any_method",
        "any_origin",
        "closed",
        "debug",
        "headers",
        "known_actual",
        "known_preflight",
        "methods",
        "origins",
        "shared",
        "shared_preflight",
        "status",
        "without_origin",
    )

    def __init__(self, policy: Settings, origins: OriginSet) -> None:
        self.origins = origins
        self.any_origin = "*" in policy.origins
        self.closed = not policy.origins
        self.any_method = "*" in policy.methods
        self.methods = frozenset(policy.methods) | SAFELISTED_METHODS
        self.any_header = "*" in policy.request_headers
        self.headers = frozenset(name.lower() for name in policy.request_headers)
        self.status = policy.success_status
        self.debug = policy.debug
        credentials = _listed("Access-Control-Allow-Credentials", ("true",) if policy.credentials else ())
        self.shared = credentials + _listed("Access-Control-Expose-Headers", policy.expose_headers)
        self.shared_preflight = (
            credentials
            + _listed("Access-Control-Allow-Methods", policy.methods)
            + _listed("Access-Control-Allow-Headers", policy.request_headers)
            + _listed("Access-Control-Max-Age", () if policy.max_age is None else (str(policy.max_age),))
        )
        self.without_origin = self._without_origin(policy)
        exact = ("*",) if self.any_origin else origins.exact
        self.known_actual = {origin: self.share(origin) for origin in exact}
        self.known_preflight = {origin: self.permit(origin) for origin in exact}

    def _without_origin(self, policy: Settings) -> Decision:
        """The decision for a request without Origin, which a cache may keep and hand to one with it."""
        reason, step = "the request has no Origin: not a CORS request", HTTP_REQUESTS
        if self.any_origin:
            # The same answer for all, so nothing varies (Fetch, CORS protocol and HTTP caches).
            fields = (("Access-Control-Allow-Origin", "*"), *self.shared)
            return Decision(Kind.NOT_CORS, fields, (), None, reason, step)
        vary = () if self.closed else ("Origin",)
        return Decision(Kind.NOT_CORS, (), vary, None, reason, step)

    def share(self, origin: str) -> Decision:
        """The response may be read by `origin` (or by all, `*`)."""
        fields = (("Access-Control-Allow-Origin", origin), *self.shared)
        vary = () if origin == "*" else ("Origin",)
        reason = "every origin is allowed" if origin == "*" else f"origin {shown(origin)} is allowed"
        return Decision(Kind.ACTUAL_ALLOWED, fields, vary, None, reason, CORS_CHECK)

    def permit(self, origin: str) -> Decision:
        """The preflight of `origin` succeeds: answered is what is configured, never what was asked."""
        fields = (("Access-Control-Allow-Origin", origin), *self.shared_preflight)
        reason = "origin, method and headers are allowed"
        step = f"{PREFLIGHT_FETCH}, step 7"
        return Decision(Kind.PREFLIGHT_ALLOWED, fields, PREFLIGHT_VARY, self.status, reason, step)


def _listed(name: str, values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The field line that lists `values`, or none at all."""
    value = ", ".join(values)
    return ((name, value),) if value else ()


class Ruled(Protocol):
    """A policy with its rules: `policy.Policy`."""

    @property
    def rules(self) -> Rules: ...


def decide(policy: Ruled, method: str, fields: RequestFields) -> Decision:
    """Decide one request. Pure and quick: without Origin it costs one look at the fields.

    `method` is compared as it stands, for methods are case-sensitive. `fields.get_all(name)` gives all
    values of a field (names are asked for in lower case). Raises nothing, whatever the request holds.
    """
    origins = fields.get_all("origin")
    rules = policy.rules
    if not origins:
        return rules.without_origin
    if method == "OPTIONS":
        # OPTIONS with Origin alone is a page's own OPTIONS request, and the handler's affair.
        methods = fields.get_all("access-control-request-method")
        if methods:
            return _preflight(rules, origins, methods, fields.get_all("access-control-request-headers"))
    return _actual(rules, origins)


def _actual(rules: Rules, origins: Sequence[str]) -> Decision:
    """A request that is no preflight: the handler runs in any case; does the browser show the answer?"""
    refusal = origin_refused(rules, origins)
    if refusal is not None:
        return Decision(Kind.ACTUAL_DENIED, (), rules.without_origin.vary, None, *refusal)
    origin = "*" if rules.any_origin else origins[0]
    return rules.known_actual.get(origin) or rules.share(origin)


def _preflight(
    rules: Rules, origins: Sequence[str], methods: Sequence[str], headers: Sequence[str]
) -> Decision:
    """The browser asks before it sends: may this origin use this method and these headers?"""
    refusal = origin_refused(rules, origins)
    if refusal is not None:
        return Decision(Kind.PREFLIGHT_DENIED, (), PREFLIGHT_VARY, 403, *refusal)
    origin = "*" if rules.any_origin else origins[0]
    permission = rules.known_preflight.get(origin) or rules.permit(origin)
    refusal = method_refused(rules, methods) or headers_refused(rules, headers)
    if refusal is None:
        return permission
    if rules.debug:
        return _denied_aloud(permission, refusal)
    return Decision(Kind.PREFLIGHT_DENIED, (), PREFLIGHT_VARY, 403, *refusal)


def _denied_aloud(permission: Decision, refusal: Refused) -> Decision:
    """The refusal of a policy with `debug`: the browser's own check fails, and its console names what failed.

    The answer has an ok status and the configured lists, in which the asked method or header is missing. A
    403 without fields is the same to the page, but the console then blames the origin, whatever was refused.
    Without Access-Control-Max-Age: the developer's next attempt must ask again.
    """
    fields = tuple(line for line in permission.fields if line[0] != "Access-Control-Max-Age")
    return Decision(Kind.PREFLIGHT_DENIED, fields, PREFLIGHT_VARY, permission.status, *refusal)


Refused = tuple[str, str]
"""Reason and step."""


def origin_refused(rules: Rules, origins: Sequence[str]) -> Refused | None:
    """The browser's CORS check, step 4: is the page's origin among ours?"""
    step = f"{CORS_CHECK}, step 4"
    if rules.any_origin:
        return None
    if rules.closed:
        return "no CORS policy covers this path", step
    if len(origins) != 1:
        return f"{len(origins)} Origin lines: a browser sends one", step
    origin = origins[0]
    if origin in rules.origins:
        return None
    if origin == "null":
        return "origin null is never allowed: every sandboxed frame and local file sends it", step
    if parse_origin(origin) is None:
        return f"{shown(origin)} is not an origin as a browser writes it", step
    return f"origin {shown(origin)} is not allowed", step


def method_refused(rules: Rules, methods: Sequence[str]) -> Refused | None:
    """CORS-preflight fetch, step 7.5: safelisted methods pass, the rest is compared letter by letter."""
    step = f"{PREFLIGHT_FETCH}, step 7.5"
    if len(methods) != 1:
        return f"{len(methods)} Access-Control-Request-Method lines: a browser sends one", step
    method = methods[0]
    if method in rules.methods:
        return None
    if TOKEN.fullmatch(method) is None:
        return f"{shown(method)} is not a method", step
    if rules.any_method:
        return None
    if method.upper() in rules.methods or method.lower() in rules.methods:
        return f"method {shown(method)} is not allowed: methods are case-sensitive", step
    return f"method {shown(method)} is not allowed", step


def headers_refused(rules: Rules, lines: Sequence[str]) -> Refused | None:
    """CORS-preflight fetch, steps 7.6 and 7.7: every name asked for must be listed, in any order and split.

    Linear in what is read, and little is read: each piece costs one lookup, the first bad one ends it.
    """
    step = f"{PREFLIGHT_FETCH}, step 7.7"
    empty = names = 0
    for line in lines:
        # At most one piece more than we would read: the rest of a hostile line is never even split.
        for piece in line.split(",", MAX_NAMES + MAX_EMPTY_ELEMENTS):
            name = piece.strip(" \t").lower()
            if not name:
                empty += 1
                if empty > MAX_EMPTY_ELEMENTS:
                    return (
                        f"more than {MAX_EMPTY_ELEMENTS} empty elements in Access-Control-Request-Headers",
                        step,
                    )
                continue
            names += 1
            if names > MAX_NAMES:
                return f"more than {MAX_NAMES} names in Access-Control-Request-Headers", step
            if name in rules.headers and piece.isascii():  # a few letters outside ASCII lower into it
                continue
            if TOKEN.fullmatch(piece.strip(" \t")) is None:
                return f"{shown(piece)} in Access-Control-Request-Headers is not a field name", step
            if name == "authorization":
                return (
                    "header 'authorization' is not allowed: it must be listed by name, `*` leaves it out",
                    (f"{PREFLIGHT_FETCH}, step 7.6"),
                )
            if not rules.any_header:
                return f"header {shown(name)} is not allowed", step
    return None
