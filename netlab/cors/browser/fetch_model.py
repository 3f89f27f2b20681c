"""The browser's half of CORS, as pure functions: does it preflight, and may the page read the answer?

A model of the Fetch standard, step by step, to hold our answers against: `explain` walks through it, and the
tests hold it against a real browser. It covers requests of script to http(s) URLs; what such a request may
hold without leave is in `safelist`. Left out: redirects, service workers, mixed content, Content Security
Policy.

Source: Fetch standard; each function names its algorithm. `error` names are those of Chromium's DevTools
(Network.CorsError), so that a verdict can be compared with what the browser itself reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from netlab.cors.decision import CORS_CHECK, PREFLIGHT_FETCH, SAFELISTED_METHODS, TOKEN, RequestFields
from netlab.cors.origin import DEFAULT_PORTS, Origin
from netlab.cors.policy import DEFAULT_MAX_AGE, FORBIDDEN_METHODS
from netlab.cors.safelist import (
    Headers,
    is_forbidden,
    normalize_method,
    unsafe_headers,
    why_not_safelisted,
)

MAIN_FETCH = "Fetch, main fetch, step 12"

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Fetch, "redirect status"."""

_NO_CORS_HEADERS = frozenset({"accept", "accept-language", "content-language", "content-type"})
_SAFELISTED_RESPONSE_HEADERS = frozenset({
    "cache-control", "content-language", "content-length", "content-type", "expires", "last-modified",
    "pragma",
})  # fmt: skip


class HeaderList(tuple[tuple[str, str], ...]):
    """Header lines of a message, with the two ways that Fetch looks at them."""

    __slots__ = ()

    def get_all(self, name: str, /) -> tuple[str, ...]:
        """Every value of `name`, in order."""
        return tuple(value for line, value in self if line.lower() == name.lower())


def combined(fields: RequestFields, name: str) -> str | None:
    """Fetch, "get": all values of a name as one, joined by a comma and a space; None if there is none."""
    values = fields.get_all(name)
    return ", ".join(values) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """What a script asks its browser for."""

    page: str
    """The serialized origin of the page, `null` for a sandboxed frame or a local file."""
    url: str
    """An absolute http or https URL."""
    method: str = "GET"
    headers: Headers = ()
    """The headers that the script sets; what the browser adds by itself is no matter of CORS."""
    credentials: str = "same-origin"
    """The credentials mode: omit, same-origin or include."""
    mode: str = "cors"
    """The request's mode: cors, no-cors or same-origin."""
    upload_listener: bool = False
    """True if the script listens to the upload's progress or sends a stream: the use-CORS-preflight flag."""

    @property
    def cross_origin(self) -> bool:
        """True if page and URL differ in scheme, host or port. An opaque origin differs from all."""
        return self.page != str(url_origin(self.url))

    @property
    def path(self) -> str:
        """The path of the URL, decoded no further."""
        return urlsplit(self.url).path or "/"


@dataclass(frozen=True, slots=True)
class Check:
    """One step of the browser, its question and what came of it."""

    passed: bool
    section: str
    question: str
    outcome: str
    error: str = ""
    """What Chromium's DevTools call the failure; empty if it passed."""


def url_origin(url: str) -> Origin:
    """The origin of an http(s) URL. Raises ValueError if it is another kind of URL, or malformed."""
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"not an absolute http or https URL: {url!r}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port
    return Origin(parts.scheme, host, None if port == DEFAULT_PORTS[parts.scheme] else port)


# What the script may ask at all -----------------------------------------------------------------------------


def refused_by_the_browser(request: PageRequest) -> str | None:
    """Why `fetch` throws before anything is sent (Fetch, Request constructor); None if it does not."""
    method = request.method
    if TOKEN.fullmatch(method) is None:
        return f"{method!r} is not a method"
    if method.upper() in FORBIDDEN_METHODS:
        return f"{method} is a forbidden method"
    if request.mode == "no-cors" and normalize_method(method) not in SAFELISTED_METHODS:
        return f"mode no-cors takes only GET, HEAD and POST, not {method}"
    for name, value in request.headers:
        if TOKEN.fullmatch(name) is None:
            return f"{name!r} is not a header name"
        if re.search(r"[\x00\r\n]", value.strip("\t\n\r ")):
            return f"the value of {name} is not a header value"
    return None


def settled(request: PageRequest) -> tuple[PageRequest, tuple[str, ...]]:
    """The request as the browser takes it: method normalized, forbidden headers dropped (their names second).

    Source: Fetch, Request constructor and "forbidden request-header"; in mode no-cors only four names remain.
    """
    kept: list[tuple[str, str]] = []
    dropped: list[str] = []
    for name, value in request.headers:
        trimmed = value.strip("\t\n\r ")
        safe = request.mode != "no-cors" or (
            name.lower() in _NO_CORS_HEADERS and why_not_safelisted(name, trimmed) is None
        )
        if safe and not is_forbidden(name, trimmed):
            kept.append((name, trimmed))
        else:
            dropped.append(name)
    settled_request = PageRequest(
        page=request.page,
        url=request.url,
        method=normalize_method(request.method),
        headers=tuple(kept),
        credentials=request.credentials,
        mode=request.mode,
        upload_listener=request.upload_listener,
    )
    return settled_request, tuple(dropped)


# Does it preflight? -----------------------------------------------------------------------------------------


def preflight_reasons(request: PageRequest) -> tuple[str, ...]:
    """Why the browser asks before it sends (Fetch, main fetch, step 12); empty if it does not ask.

    `request` is settled. Same-origin requests and mode no-cors never ask.
    """
    if request.mode != "cors" or not request.cross_origin:
        return ()
    reasons = [f"{name}: {why}" for name, why in unsafe_headers(request.headers).items()]
    if request.method not in SAFELISTED_METHODS:
        reasons.insert(0, f"method {request.method} is not GET, HEAD or POST")
    if request.upload_listener:
        reasons.append("the script watches the upload (or sends a stream)")
    return tuple(reasons)


def preflight_headers(request: PageRequest) -> HeaderList:
    """The headers of the CORS-preflight request that matter (Fetch, CORS-preflight fetch, steps 2 to 5)."""
    lines = [("Accept", "*/*"), ("Access-Control-Request-Method", request.method)]
    if names := unsafe_headers(request.headers):
        lines.append(("Access-Control-Request-Headers", ",".join(names)))
    return HeaderList([*lines, ("Origin", request.page)])


def actual_headers(request: PageRequest) -> HeaderList:
    """The headers of the request itself that matter (Fetch, "append a request `Origin` header")."""
    cors = request.cross_origin and request.mode == "cors"
    sends_origin = cors or request.method not in ("GET", "HEAD")
    return HeaderList([*request.headers, *([("Origin", request.page)] if sends_origin else [])])


# May the page read the answer? ------------------------------------------------------------------------------


def cors_check(request: PageRequest, fields: RequestFields) -> Check:
    """Fetch, "CORS check": whether `fields` of a response let the page of `request` read it."""
    section, question = CORS_CHECK, "does the response name this page's origin?"
    allowed = combined(fields, "access-control-allow-origin")
    include = request.credentials == "include"
    if allowed is None:
        outcome = "no: there is no Access-Control-Allow-Origin"
        return Check(False, f"{section}, step 2", question, outcome, "MissingAllowOriginHeader")
    if not include and allowed == "*":
        return Check(
            True, f"{section}, step 3", question, "yes: * names every origin, as no credentials are sent"
        )
    if allowed == "*":
        outcome = "no: with credentials * is no wildcard"
        return Check(False, f"{section}, step 4", question, outcome, "WildcardOriginNotAllowed")
    if allowed != request.page:
        return Check(False, f"{section}, step 4", question, f"no: it names {allowed!r}", _mismatch(allowed))
    if not include:
        return Check(True, f"{section}, step 5", question, f"yes: {allowed}")
    credentials = combined(fields, "access-control-allow-credentials")
    if credentials == "true":
        return Check(True, f"{section}, step 7", question, f"yes: {allowed}, and allows credentials")
    outcome = f"yes, but Access-Control-Allow-Credentials is {credentials!r}, not 'true'"
    return Check(False, f"{section}, step 8", question, outcome, "InvalidAllowCredentials")


def _mismatch(allowed: str) -> str:
    """Chromium's three names for a value that is not the page's origin."""
    if re.search("[ ,]", allowed):
        return "MultipleAllowOriginValues"
    return "AllowOriginMismatch" if allowed == "null" or _is_url(allowed) else "InvalidAllowOriginValue"


def _is_url(text: str) -> bool:
    """Whether `text` parses as an absolute URL; http and https need a host, and a port only of digits."""
    try:
        parts = urlsplit(text)
        _ = parts.port
        return bool(parts.hostname if parts.scheme in DEFAULT_PORTS else parts.scheme)
    except ValueError:  # of a bracket that does not close, or a port that is no number
        return False


def preflight_checks(request: PageRequest, status: int, fields: RequestFields) -> Iterator[Check]:
    """Fetch, "CORS-preflight fetch", step 7: the checks of a preflight's answer, up to the first failure."""
    section = f"{PREFLIGHT_FETCH}, step 7"
    # Chromium stops at a redirect before it looks at the fields; the standard comes to the same, later.
    redirect = status in REDIRECTS and bool(fields.get_all("location"))
    check = cors_check(request, fields)
    error = check.error and ("PreflightDisallowedRedirect" if redirect else "Preflight" + check.error)
    yield Check(check.passed, check.section, check.question, check.outcome, error)
    if not check.passed:
        return
    ok = 200 <= status <= 299
    error = "" if ok else "PreflightDisallowedRedirect" if redirect else "PreflightInvalidStatus"
    yield Check(ok, section, "is the status of the answer 2xx?", f"{'yes' if ok else 'no'}: {status}", error)
    if not ok:
        return
    methods = listed(fields, "access-control-allow-methods")
    names = listed(fields, "access-control-allow-headers")
    if methods is None or names is None:
        which = "Methods" if methods is None else "Headers"
        outcome, error = (
            f"no: Access-Control-Allow-{which} is malformed",
            f"InvalidAllow{which}PreflightResponse",
        )
        yield Check(False, f"{section}.3", "can its lists be read?", outcome, error)
        return
    if request.upload_listener and not fields.get_all("access-control-allow-methods"):
        methods = (request.method,)  # step 7.4
    for question in (
        _method_check(request, methods),
        _authorization_check(request, names),
        _names_check(request, names),
    ):
        if question is not None:
            yield question
            if not question.passed:
                return


def _method_check(request: PageRequest, methods: Sequence[str]) -> Check:
    section, question = f"{PREFLIGHT_FETCH}, step 7.5", f"is method {request.method} allowed?"
    if request.method in methods:
        return Check(True, section, question, "yes: it is listed")
    if request.method in SAFELISTED_METHODS:
        return Check(True, section, question, "yes: it is safelisted")
    if "*" in methods and request.credentials != "include":
        return Check(True, section, question, "yes: * is listed, and no credentials are sent")
    outcome = "no: with credentials * is no wildcard" if "*" in methods else f"no: listed are {list(methods)}"
    return Check(False, section, question, outcome, "MethodDisallowedByPreflightResponse")


def _authorization_check(request: PageRequest, names: Sequence[str]) -> Check | None:
    section = f"{PREFLIGHT_FETCH}, step 7.6"
    if not any(name.lower() == "authorization" for name, _ in request.headers):
        return None
    question = "is Authorization, which * never covers, listed by name?"
    if "authorization" in map(str.lower, names):
        return Check(True, section, question, "yes")
    return Check(
        False, section, question, f"no: listed are {list(names)}", "HeaderDisallowedByPreflightResponse"
    )


def _names_check(request: PageRequest, names: Sequence[str]) -> Check | None:
    section = f"{PREFLIGHT_FETCH}, step 7.7"
    unsafe = unsafe_headers(request.headers)
    if not unsafe:
        return None
    question = f"are the headers {', '.join(unsafe)} allowed?"
    lower = {name.lower() for name in names}
    missing = [name for name in unsafe if name not in lower]
    if not missing:
        return Check(True, section, question, "yes: they are listed")
    if "*" in lower and request.credentials != "include":
        return Check(True, section, question, "yes: * is listed, and no credentials are sent")
    outcome = f"no: {missing[0]} is missing" + (
        ", and with credentials * is no wildcard" if "*" in lower else ""
    )
    return Check(False, section, question, outcome, "HeaderDisallowedByPreflightResponse")


def listed(fields: RequestFields, name: str) -> tuple[str, ...] | None:
    """Fetch, "extract header list values" of a list of tokens: empty if absent, None if malformed."""
    values = [item.strip("\t ") for line in fields.get_all(name) for item in line.split(",")]
    items = tuple(item for item in values if item)
    return items if all(TOKEN.fullmatch(item) for item in items) else None


def preflight_max_age(fields: RequestFields) -> int:
    """Seconds to keep the answer, before the browser's own cap (CORS-preflight fetch, steps 7.8 and 7.9)."""
    values = fields.get_all("access-control-max-age")
    if len(values) == 1 and re.fullmatch(r"[0-9]{1,19}", values[0].strip("\t "), re.ASCII):
        return int(values[0])
    return DEFAULT_MAX_AGE


def readable_headers(request: PageRequest, fields: RequestFields, names: Sequence[str]) -> tuple[str, ...]:
    """Which of a shared response's header `names` the script can read (Fetch, main fetch, step 14.1).

    Those safelisted, those exposed, and with `*` (no credentials) all; Set-Cookie never.
    """
    exposed = {name.lower() for name in listed(fields, "access-control-expose-headers") or ()}
    everything = "*" in exposed and request.credentials != "include"
    readable = _SAFELISTED_RESPONSE_HEADERS | exposed
    return tuple(
        name
        for name in names
        if (everything or name.lower() in readable) and name.lower() not in ("set-cookie", "set-cookie2")
    )
