"""Another server beside netlab: the same page, policy and request, both answers, and why they differ.

`compare` plays the request through the browser's checks of `fetch_model`, once with netlab's answers and once
with those of a server of `netlab.cors.others`. Each difference that a browser or a cache can see has a
sentence in the tables below. A test proves that none lacks its sentence.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netlab.cors.browser.explain import Policies
from netlab.cors.browser.fetch_model import (
    Check,
    HeaderList,
    PageRequest,
    actual_headers,
    cors_check,
    preflight_checks,
    preflight_headers,
    preflight_reasons,
    refused_by_the_browser,
    settled,
)
from netlab.cors.decision import RequestFields
from netlab.cors.others import METHODS, ORIGIN, Answer, Other, netlab_answer
from netlab.cors.policy import Policy

_ERROR_STATUS = 404
"""A handler's error, to see if the page could read it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of a page, played against one server."""

    preflight: Answer | None = None
    """The answer to the preflight; None if the browser sends none."""
    actual: Answer | None = None
    """The answer to the request itself; None if the browser does not send it."""
    readable: bool = False
    """True if the page may read the response."""
    failed: Check | None = None
    """The browser's check that failed, if one did."""

    @property
    def handled(self) -> bool:
        """True if the request itself reaches the handler."""
        return self.actual is not None and self.actual.status is None


@dataclass(frozen=True, slots=True)
class Comparison:
    """netlab and another server, side by side."""

    server: Other
    policy: Policy
    """The policy of the request's path."""
    own: Exchange
    theirs: Exchange
    differences: tuple[str, ...]
    """One sentence for each difference, in the order of the exchange; empty if the answers are the same."""


def compare(server: Other, policy: Policies, request: PageRequest) -> Comparison:
    """Play `request` against netlab and against `server`, under the same policy (or Routes).

    Raises ValueError if the request's URL is no absolute http(s) URL.
    """
    rules = policy.policy_for(request.path)
    if rules.debug:
        rules = dataclasses.replace(rules, debug=False)  # netlab's plain refusal is what is compared
    own = play(request, lambda method, fields: netlab_answer(rules, method, fields))
    theirs = play(request, lambda method, fields: server.answer(rules, method, fields, 200))
    on_error = play(request, lambda method, fields: server.answer(rules, method, fields, _ERROR_STATUS))
    found = [*_preflight(own, theirs), *_actual(own, theirs)]
    if theirs.readable and not on_error.readable:
        found.append(("error", "fields", "missing"))
    return Comparison(
        server, rules, own, theirs, tuple(dict.fromkeys(sentence(server, key) for key in found))
    )


Respond = Callable[[str, RequestFields], Answer]


def play(request: PageRequest, respond: Respond) -> Exchange:
    """The browser's way of one request: preflight if needed, its checks, the request, the CORS check."""
    if refused_by_the_browser(request):
        return Exchange()
    request = settled(request)[0]
    if request.cross_origin and request.mode == "same-origin":
        return Exchange()
    preflight = None
    if preflight_reasons(request):
        preflight = respond("OPTIONS", preflight_headers(request))
        for check in preflight_checks(request, preflight.status or 200, HeaderList(preflight.fields)):
            if not check.passed:
                return Exchange(preflight, failed=check)
    actual = respond(request.method, actual_headers(request))
    if not request.cross_origin or request.mode == "no-cors":
        return Exchange(preflight, actual, readable=not request.cross_origin)
    check = cors_check(request, HeaderList(actual.fields))
    return Exchange(preflight, actual, check.passed, None if check.passed else check)


# What differs? ----------------------------------------------------------------------------------------------

Key = tuple[str, str, str]
"""The stage, what differs, and how: extra, missing or other than netlab's."""


def _preflight(own: Exchange, theirs: Exchange) -> Iterator[Key]:
    if own.preflight is None or theirs.preflight is None:
        return
    ours, others = own.preflight, theirs.preflight
    refuses = (others.status or 200) >= 400
    if (ours.status or 200) >= 400:
        yield "preflight", "denied", "allows" if theirs.actual else "refuses" if refuses else "permits"
        return
    if refuses:
        yield "preflight", "allowed", "refuses"
        return
    yield from _compared("preflight", ours, others)


def _actual(own: Exchange, theirs: Exchange) -> Iterator[Key]:
    if own.actual is None or theirs.actual is None:
        return
    yield from _compared("request", own.actual, theirs.actual)


def _compared(stage: str, own: Answer, theirs: Answer) -> Iterator[Key]:
    """The status, then each field that is not the same."""
    if own.status != theirs.status:
        yield stage, "status", "other"
    ours, others = dict(own.fields), dict(theirs.fields)
    for name in dict.fromkeys((*ours, *others)):
        if name not in ours:
            yield stage, name, "extra" if ORIGIN in ours or name == ORIGIN else "useless"
        elif name not in others:
            yield stage, name, "missing"
        elif _elements(name, ours[name]) != _elements(name, others[name]):
            yield stage, name, "other"


def _elements(name: str, value: str) -> set[str]:
    """The elements of a list, without regard to order, and to case where the field has none."""
    items = {item.strip() for item in value.split(",")}
    return items if name in (METHODS, ORIGIN) else {item.lower() for item in items}


# The sentences ----------------------------------------------------------------------------------------------


def sentence(server: Other, key: Key) -> str:
    """Why this server differs here."""
    stage, name, kind = key
    return SENTENCES[server.name].get(key) or f"{stage}: {name} is {kind} in comparison with netlab."


_USELESS = (
    "It sends further CORS fields to a page that is not allowed. They open nothing without Allow-Origin."
)
_SAME_FOR_ALL = "It sends Vary: Origin, although the policy of this path allows no origin."
_CREDENTIALS = "Access-Control-Allow-Credentials"
_MAX_AGE = "Access-Control-Max-Age"
_EXPOSE = "Access-Control-Expose-Headers"
_HEADERS = "Access-Control-Allow-Headers"
_EVERY_OPTIONS = (
    "It answers every OPTIONS by itself, so a page's own OPTIONS request never reaches the handler."
)
_FIXED = "It names the one allowed origin to every page, and leaves the comparison to the browser."
_NO_REFUSAL = (
    "It refuses no preflight: it answers with its lists, and the browser finds what is missing there."
)

SENTENCES: dict[str, dict[Key, str]] = {
    "starlette": {
        ("preflight", "denied", "refuses"): "It refuses the preflight with 400 and sends its lists; netlab's "
        "403 has no CORS field.",
        ("preflight", "denied", "permits"): "It answers 200 to a preflight that netlab refuses, and the "
        "browser refuses the answer.",
        ("preflight", "denied", "allows"): "It allows headers that the policy does not list: Accept, "
        "Accept-Language, Content-Language and Content-Type always, and with * every header, Authorization "
        "too.",
        ("preflight", "allowed", "refuses"): "It refuses with 400, because it compares the method with "
        "allow_methods even for GET, HEAD and POST (default: GET alone; * stands for eight methods): list "
        "the method.",
        ("preflight", "status", "other"): "It answers an allowed preflight with 200 and the text OK.",
        ("preflight", "Vary", "other"): "Its Vary also names Access-Control-Request-Private-Network.",
        ("preflight", METHODS, "extra"): "It lists GET if no method is set. Browsers need no list for GET.",
        ("preflight", METHODS, "other"): "It writes eight methods in place of *, so other methods fail.",
        ("preflight", _HEADERS, "extra"): "It always lists Accept, Accept-Language, Content-Language and "
        "Content-Type.",
        (
            "preflight",
            _HEADERS,
            "other",
        ): "It adds Accept, Accept-Language, Content-Language and Content-Type "
        "to the list, and in place of * it repeats the headers that were asked for.",
        ("preflight", _HEADERS, "missing"): "It sends no * for headers if the preflight asks for none.",
        ("preflight", _MAX_AGE, "extra"): "It lets browsers keep the answer for 600 s, where the policy says "
        "nothing.",
        (
            "request",
            "Vary",
            "extra",
        ): "It adds Vary: Origin to an answer that is the same for all origins, so "
        "a cache keeps one copy for each.",
        ("request", ORIGIN, "missing"): "It sends * only to a request with Origin; a cache may hand out the "
        "copy without it.",
        ("request", _EXPOSE, "missing"): "It sends no CORS field to a request without Origin.",
        ("request", "Vary", "useless"): _SAME_FOR_ALL,
        ("request", _CREDENTIALS, "useless"): _USELESS,
        ("request", _EXPOSE, "useless"): _USELESS,
    },
    "express": {
        ("preflight", "denied", "permits"): _NO_REFUSAL,
        ("preflight", "denied", "allows"): "It allows what the policy does not list: six methods by default, "
        "and every header that is asked for if allowedHeaders is not set.",
        ("preflight", "Vary", "other"): "Its Vary names only what its answer is made of, as no lists depend "
        "on the method.",
        ("preflight", "Vary", "missing"): "It sends no Vary, as its answer is the same for all requests.",
        (
            "preflight",
            METHODS,
            "extra",
        ): "It lists GET, HEAD, PUT, PATCH, POST and DELETE if no method is set.",
        ("preflight", _EXPOSE, "extra"): "It sends Expose-Headers on the preflight too, where no browser "
        "reads it.",
        ("request", "status", "other"): _EVERY_OPTIONS,
        ("request", METHODS, "extra"): _EVERY_OPTIONS,
        ("request", _HEADERS, "extra"): _EVERY_OPTIONS,
        ("request", _MAX_AGE, "extra"): _EVERY_OPTIONS,
        ("request", "Vary", "extra"): _EVERY_OPTIONS,
        ("request", "Vary", "other"): _EVERY_OPTIONS,
        ("request", METHODS, "useless"): _EVERY_OPTIONS,
        ("request", _HEADERS, "useless"): _EVERY_OPTIONS,
        ("request", _MAX_AGE, "useless"): _EVERY_OPTIONS,
        ("request", ORIGIN, "extra"): _FIXED,
        ("request", "Vary", "useless"): _SAME_FOR_ALL,
        ("request", _CREDENTIALS, "useless"): _USELESS,
        ("request", _EXPOSE, "useless"): _USELESS,
    },
    "nginx": {
        ("preflight", "denied", "permits"): _NO_REFUSAL,
        ("preflight", "denied", "allows"): "It allows what the policy does not list: the copied block brings "
        "methods and headers of its own where the policy names none.",
        ("preflight", "status", "other"): "It answers 204, whatever the policy's success_status.",
        (
            "preflight",
            "Vary",
            "missing",
        ): "It sends no Vary: a cache may hand one origin's answer to another.",
        (
            "preflight",
            METHODS,
            "extra",
        ): "The copied block lists GET, POST and OPTIONS where the policy names no method.",
        ("preflight", _HEADERS, "extra"): "The copied block lists seven headers, Content-Type among them, "
        "where the policy names none.",
        ("preflight", _MAX_AGE, "extra"): "The copied block says 1728000 s (20 days), which no browser keeps "
        "an answer for.",
        ("request", "status", "other"): _EVERY_OPTIONS,
        ("request", METHODS, "extra"): _EVERY_OPTIONS,
        ("request", _HEADERS, "extra"): _EVERY_OPTIONS,
        ("request", _MAX_AGE, "extra"): _EVERY_OPTIONS,
        ("request", METHODS, "useless"): _EVERY_OPTIONS,
        ("request", _HEADERS, "useless"): _EVERY_OPTIONS,
        ("request", _MAX_AGE, "useless"): _EVERY_OPTIONS,
        ("request", _EXPOSE, "missing"): _EVERY_OPTIONS,
        ("request", "Vary", "missing"): "It sends no Vary: a cache may hand one origin's answer to another.",
        ("request", ORIGIN, "extra"): _FIXED,
        ("request", _CREDENTIALS, "useless"): _USELESS,
        ("request", _EXPOSE, "useless"): _USELESS,
        ("error", "fields", "missing"): "Without `always` it adds no field to a 404 or 500, so the page "
        "cannot read the handler's errors.",
    },
}
