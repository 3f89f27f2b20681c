"""A CORS policy: which origins may do what. Frozen, checked when it is built, closed by default.

    Policy(origins=["https://app.example"], methods=["PUT"], request_headers=["Content-Type"])

Every mistake is reported, all at once (`PolicyError.mistakes`). What a policy means for one request is in
`decision`; policies per path are in `routes`. Left out on purpose: `null` origins, regular expressions,
callbacks, echoing what was asked, and Access-Control-Allow-Private-Network (no part of the Fetch standard).

Source: Fetch standard, sections "CORS protocol" and "CORS protocol and credentials".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from netlab.cors.decision import CORS_CHECK, PREFLIGHT_FETCH, TOKEN, Rules
from netlab.cors.mistakes import Mistake, PolicyError, shown
from netlab.cors.origin import OriginPattern, OriginSet, Refusal, parse_pattern

MAX_AGE_CAPS: Final = {"Firefox": 86_400, "Chromium": 7_200, "WebKit": 600}
"""Seconds that each engine keeps the answer to a preflight at most, whatever Access-Control-Max-Age says."""
DEFAULT_MAX_AGE: Final = 5
"""Seconds that browsers keep it if there is no Access-Control-Max-Age (CORS-preflight fetch, step 7.9)."""

# Methods that a page cannot send (Fetch, "forbidden method"), and those that it cannot send in lower case
# ("normalize": the browser upper-cases these six and no others).
FORBIDDEN_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})
NORMALIZED_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})

# Fetch, "forbidden request-header": the browser sets these itself, or strips them from what a page sets.
FORBIDDEN_REQUEST_HEADERS: Final = frozenset({
    "accept-charset", "accept-encoding", "access-control-request-headers", "access-control-request-method",
    "connection", "content-length", "cookie", "cookie2", "date", "dnt", "expect", "host", "keep-alive",
    "origin", "referer", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "via",
})  # fmt: skip

# Domains that strangers share: a pattern over all their subdomains trusts all of them. These are some of the
# best known, and no substitute for the Public Suffix List, which changes weekly: look yours up.
_SHARED_DOMAINS = frozenset({
    "appspot.com", "azurewebsites.net", "blogspot.com", "cloudfront.net", "co.jp", "co.nz", "co.uk", "co.za",
    "com.au", "com.br", "com.cn", "firebaseapp.com", "fly.dev", "github.io", "gitlab.io", "herokuapp.com",
    "netlify.app", "ngrok.io", "onrender.com", "org.uk", "pages.dev", "vercel.app", "web.app", "workers.dev",
})  # fmt: skip

_METHODS_STEP = f"{PREFLIGHT_FETCH}, step 7.5"
_HEADERS_STEP = f"{PREFLIGHT_FETCH}, step 7.7"
_EXPOSE_STEP = "Fetch, main fetch, step 14.1"
_CREDENTIALS_STEP = "Fetch, CORS protocol and credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What pages of other origins may do with the resources of a server (or of one path, see `Routes`).

    Raises PolicyError, with every mistake, if it cannot be built.
    """

    origins: Collection[str]
    """`https://app.example`, `https://*.example.com` (one or more labels), `http://localhost:*`, `*`."""
    methods: Collection[str] = ()
    """Beyond GET, HEAD and POST, which need no leave: case-sensitive names, or `*` (no credentials)."""
    request_headers: Collection[str] = ()
    """Header names a page may set, or `*` (no credentials); `Authorization` must always be listed by name."""
    expose_headers: Collection[str] = ()
    """Response header names a page may read beyond the seven safelisted ones, or `*` (no credentials)."""
    credentials: bool = False
    """True: cookies and the like may be sent and the response still be read. Bearer tokens do not need it."""
    max_age: int | None = None
    """Seconds that a browser may keep a preflight's answer: 0 (never) to 86400. None: it keeps it for 5."""
    success_status: int = 204
    """Status of the answer to an allowed preflight: 204, or 200 for old clients that know no other."""
    insecure_origins_with_credentials: bool = False
    """True: credentials even for origins that an attacker on the network path can impersonate (http://)."""
    debug: bool = False
    """True: a refused preflight also carries what is allowed. The browser's console then names what is
    refused: the method, the header or the origin. For development alone: a page of an allowed origin then
    learns which methods and headers the policy lists."""

    rules: Rules = field(init=False, repr=False, compare=False)
    """The policy made ready for `decide`."""

    def __post_init__(self) -> None:
        mistakes: list[Mistake] = []
        for setting in ("origins", "methods", "request_headers", "expose_headers"):
            names, wrong = _names(setting, getattr(self, setting))
            object.__setattr__(self, setting, names)
            mistakes += wrong
        patterns, wrong = _patterns(self.origins)
        mistakes += wrong
        for check in _CHECKS:
            mistakes += check(self)
        mistakes += _insecure(self, patterns)
        if mistakes:
            order = [setting.name for setting in fields(self)]
            raise PolicyError(sorted(mistakes, key=lambda mistake: order.index(mistake.setting)))
        object.__setattr__(self, "rules", Rules(self, OriginSet(patterns)))

    def policy_for(self, path: str) -> Policy:
        """This policy, whatever the path: so that a server takes a Policy or Routes alike."""
        return self

    @classmethod
    def closed(cls) -> Policy:
        """The policy that shares nothing with any origin: what a path has that no policy covers."""
        policy = object.__new__(cls)
        for setting in fields(cls):
            if setting.init:
                value = () if setting.name == "origins" else setting.default
                object.__setattr__(policy, setting.name, value)
        object.__setattr__(policy, "rules", Rules(policy, OriginSet(())))
        return policy

    @classmethod
    def for_origins(
        cls, origins: Collection[str], *, credentials: bool = False, debug: bool = False
    ) -> Policy:
        """What a JSON API commonly needs, for these origins: the policy behind `serve --cors-origin`.

        Opens, beyond GET, HEAD and POST: PUT, PATCH and DELETE, and the request headers Content-Type and
        Authorization. Preflights are kept for 600 s, which no browser cuts. `*` only without credentials.
        """
        return cls(
            origins=origins,
            methods=("PUT", "PATCH", "DELETE"),
            request_headers=("Authorization", "Content-Type"),
            credentials=credentials,
            max_age=600,
            debug=debug,
        )

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> Policy:
        """A policy from a table of settings, such as TOML gives. Unknown names are mistakes as well."""
        known = [setting.name for setting in fields(cls) if setting.init]
        mistakes = [_unknown(name, value, known) for name, value in settings.items() if name not in known]
        try:
            arguments = {name: settings[name] for name in known if name in settings}
            policy = cls(**{"origins": (), **arguments})
        except PolicyError as error:
            raise PolicyError([*mistakes, *error.mistakes]) from None
        if mistakes:
            raise PolicyError(mistakes)
        return policy


def _unknown(name: str, value: object, known: list[str]) -> Mistake:
    near = difflib.get_close_matches(name, known, n=1)
    repair = f"write {near[0]}" if near else "the settings are " + ", ".join(known)
    return Mistake(name, shown(value), "there is no such setting", repair, "netlab.cors.Policy")


def _names(setting: str, given: object) -> tuple[tuple[str, ...], list[Mistake]]:
    """The strings given, each once and in order, and what is wrong with the form of the rest."""
    step = CORS_CHECK if setting == "origins" else PREFLIGHT_FETCH
    if isinstance(given, str | bytes):
        reason = "one string is no list: each of its letters would be an entry"
        return (), [Mistake(setting, shown(given), reason, f"write [{given!r}]", step)]
    if not isinstance(given, Iterable) or isinstance(given, Mapping):
        return (), [Mistake(setting, shown(given), "this is not a list of strings", 'write ["..."]', step)]
    entries = list(given)
    if setting == "origins" and not entries:
        reason = "no origin is listed, so the policy allows nothing"
        repair = 'write ["https://app.example"], or Policy.closed() in a table of routes'
        return (), [Mistake(setting, shown(given), reason, repair, step)]
    wrong = [
        Mistake(setting, shown(entry), "an entry is a string", "write it in quotes", step)
        for entry in entries
        if not isinstance(entry, str)
    ]
    return tuple(dict.fromkeys(entry for entry in entries if isinstance(entry, str))), wrong


def _patterns(origins: Iterable[str]) -> tuple[list[OriginPattern], list[Mistake]]:
    """The origins parsed, and a mistake for each that is none."""
    patterns, mistakes = [], []
    for text in origins:
        if text == "*":
            continue
        try:
            patterns.append(parse_pattern(text))
        except Refusal as refusal:
            mistakes.append(Mistake("origins", shown(text), refusal.reason, refusal.repair, refusal.step))
    return patterns, mistakes


def _origins(policy: Policy) -> Iterator[Mistake]:
    if "*" in policy.origins and len(policy.origins) > 1:
        repair = 'write ["*"], or leave "*" out'
        yield Mistake(
            "origins", shown([*policy.origins]), '"*" makes the other entries void', repair, CORS_CHECK
        )


def _methods(policy: Policy) -> Iterator[Mistake]:
    for method in policy.methods:
        told: tuple[str, str] | None = None
        if TOKEN.fullmatch(method) is None:
            told = "this is not a method (a token, RFC 9110 section 5.6.2)", 'write it like "PUT"'
        elif method.upper() in FORBIDDEN_METHODS:
            told = "no browser lets a page send it (forbidden method)", "leave it out"
        elif method.upper() in NORMALIZED_METHODS and method != method.upper():
            told = (
                "methods are case-sensitive, and browsers send this one in upper case",
                f"write {method.upper()}",
            )
        if told is not None:
            yield Mistake("methods", shown(method), *told, _METHODS_STEP)
    if "*" in policy.methods and len(policy.methods) > 1:
        given = shown([*policy.methods])
        yield Mistake(
            "methods",
            given,
            '"*" makes the other entries void',
            'write ["*"], or leave "*" out',
            _METHODS_STEP,
        )


def _request_headers(policy: Policy) -> Iterator[Mistake]:
    wildcard = "*" in policy.request_headers
    for name in policy.request_headers:
        lower = name.lower()
        told: tuple[str, str] | None = None
        if TOKEN.fullmatch(name) is None:
            told = "this is not a field name (a token, RFC 9110 section 5.1)", 'write it like "Content-Type"'
        elif lower in FORBIDDEN_REQUEST_HEADERS or lower.startswith(("proxy-", "sec-")):
            told = "the browser alone sets it, a page cannot (forbidden request-header)", "leave it out"
        elif lower.startswith("access-control-"):
            told = "this is a response header of CORS itself", "leave it out"
        elif wildcard and lower not in ("*", "authorization"):
            told = '"*" covers it already', 'leave it out ("*" leaves out Authorization alone)'
        if told is not None:
            yield Mistake("request_headers", shown(name), *told, _HEADERS_STEP)


def _expose_headers(policy: Policy) -> Iterator[Mistake]:
    for name in policy.expose_headers:
        lower = name.lower()
        told: tuple[str, str] | None = None
        if TOKEN.fullmatch(name) is None:
            told = "this is not a field name (a token, RFC 9110 section 5.1)", 'write it like "X-Request-Id"'
        elif lower in ("set-cookie", "set-cookie2"):
            told = "no page may ever read it (forbidden response-header name)", "leave it out"
        elif lower == "origin" or lower.startswith("access-control-"):
            told = "this is a header of CORS itself, of no use to a page", "leave it out"
        elif "*" in policy.expose_headers and lower != "*":
            told = '"*" covers it already', "leave it out"
        if told is not None:
            yield Mistake("expose_headers", shown(name), *told, _EXPOSE_STEP)


def _max_age(policy: Policy) -> Iterator[Mistake]:
    given = policy.max_age
    caps = ", ".join(f"{engine} {seconds} s" for engine, seconds in MAX_AGE_CAPS.items())
    told: tuple[str, str] | None = None
    if given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int):
        told = "this is not a whole number of seconds", "write a number such as 600"
    elif given < 0:
        told = "seconds cannot be negative", "write 0 to have no preflight kept"
    elif given > max(MAX_AGE_CAPS.values()):
        told = f"no browser keeps a preflight that long ({caps})", "write 86400 or less"
    if told is not None:
        yield Mistake("max_age", shown(given), *told, f"{PREFLIGHT_FETCH}, steps 7.8 to 7.10")


def _switches(policy: Policy) -> Iterator[Mistake]:
    for setting in ("credentials", "insecure_origins_with_credentials", "debug"):
        given = getattr(policy, setting)
        if not isinstance(given, bool):
            reason = "this is neither true nor false, and a text is always true"
            yield Mistake(
                setting, shown(given), reason, "write true or false, without quotes", _CREDENTIALS_STEP
            )
    if isinstance(policy.success_status, bool) or policy.success_status not in (200, 204):
        step = f"{PREFLIGHT_FETCH}, step 7"
        given = shown(policy.success_status)
        yield Mistake(
            "success_status", given, "an allowed preflight is answered 204 or 200", "write 204", step
        )


def _wildcards(policy: Policy) -> Iterator[Mistake]:
    """With credentials the browser reads `*` as a name like any other: it matches nothing."""
    if policy.credentials is not True:
        return
    for setting in ("origins", "methods", "request_headers", "expose_headers"):
        if "*" in getattr(policy, setting):
            reason = 'with credentials "*" is no wildcard: browsers refuse it'
            repair = "list each one by name, or leave out credentials"
            yield Mistake(setting, "'*'", reason, repair, _CREDENTIALS_STEP)


_CHECKS: tuple[Callable[[Policy], Iterator[Mistake]], ...] = (
    _origins, _methods, _request_headers, _expose_headers, _max_age, _switches, _wildcards,
)  # fmt: skip


def _insecure(policy: Policy, patterns: Iterable[OriginPattern]) -> Iterator[Mistake]:
    """With credentials, trust only origins that no stranger can speak for."""
    if policy.credentials is not True:
        return
    for pattern in patterns:
        if not pattern.secure and policy.insecure_origins_with_credentials is not True:
            reason = (
                "an attacker on the network path can serve a page from it and use your visitors' credentials"
            )
            repair = re.sub("^http:", "https:", str(pattern))
            repair = f"write {repair}, or set insecure_origins_with_credentials"
            yield Mistake("origins", shown(str(pattern)), reason, repair, _CREDENTIALS_STEP)
        if pattern.subdomains and pattern.host in _SHARED_DOMAINS:
            reason = (
                f"strangers can have a name below {pattern.host}, and would get your visitors' credentials"
            )
            repair = f"write https://yours.{pattern.host}"
            yield Mistake("origins", shown(str(pattern)), reason, repair, _CREDENTIALS_STEP)
