"""CORS on the server's side: which pages may read which answers. The Fetch standard, section "CORS protocol".

A browser lets a page *send* a great deal to other origins, as forms always could, but lets its script
*read* an answer only if the answer says so. What no form could send, it asks for beforehand: the preflight.

    browser                                               server
      OPTIONS /items                                 →      preflight(policy, request)
      Origin: https://app.example                           204 + what is allowed, or 403 + nothing
      Access-Control-Request-Method: PUT             ←
      Access-Control-Request-Headers: content-type

      PUT /items                                     →      the handler runs, in any case;
      Origin: https://app.example                    ←      actual(policy, request) says who may read

You write both halves of the question: when a browser asks (task 4), and what a server answers (tasks 1, 2,
3, 5 and 6). Field names are compared without regard to case, origins and methods letter by letter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

DEFAULT_PORTS = {"http": 80, "https": 443}

SAFELISTED_METHODS = {"GET", "HEAD", "POST"}
# A browser upper-cases these six before it sends them; no other method is touched (Fetch, "normalize").
NORMALIZED_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"}

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2: methods and field names
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")  # one part of a host name, as browsers send it

# CORS-unsafe request-header byte (Fetch): controls but HT, and the delimiters that HTTP grammars use.
UNSAFE_OCTET = re.compile(r'[\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')
LANGUAGE = re.compile(r"[0-9A-Za-z *,\-.;=]*")  # what Accept-Language and Content-Language may hold
RANGE = re.compile(r"bytes=[0-9]+-[0-9]*")  # the one form of Range that needs no leave
FORM_TYPES = {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}

MAX_EMPTY = 16  # empty elements of a list that a recipient reads past (RFC 9110 §5.6.1.2)

# What the answer to a preflight depends on. The answer to any other request depends on Origin alone.
PREFLIGHT_VARY = ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]

Headers = list[tuple[str, str]]


class Origin(NamedTuple):
    """Scheme, host, port. The port is None where the scheme's own is meant: https://a.example is port 443."""

    scheme: str
    host: str
    port: int | None


@dataclass(frozen=True)
class Pattern:
    """One entry of a policy's origins, taken apart: https://*.example.com:* has all four."""

    scheme: str
    host: str
    port: int | None = None
    subdomains: bool = False
    any_port: bool = False


@dataclass(frozen=True)
class Policy:
    """What pages of other origins may do. Nothing, unless it is listed."""

    origins: list[str]
    """https://app.example, https://*.example.com (one or more labels), http://localhost:*, or only *."""
    methods: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    expose: list[str] = field(default_factory=list)
    credentials: bool = False
    max_age: int | None = None


@dataclass(frozen=True)
class Request:
    """A request as the server sees it: the method and the field lines, in the order of the wire."""

    method: str
    lines: Headers

    def all(self, name: str) -> list[str]:
        """The values of every line of that name, which is compared without regard to case."""
        return [value for line, value in self.lines if line.lower() == name.lower()]


@dataclass(frozen=True)
class Answer:
    """What CORS makes of a request. A status answers it; without one, the handler runs."""

    status: int | None
    fields: dict[str, str]
    """The Access-Control fields of the response."""
    vary: list[str]
    """The names that its Vary must hold."""
    reason: str


def read_origin(text: str) -> Origin | None:
    """Read an Origin field's value: `read_origin("http://a.example:8080") == ("http", "a.example", 8080)`.

    A browser writes each origin in exactly one way: scheme and host in lower case, `://` between them, the
    port only where it is not the scheme's own (DEFAULT_PORTS), and nothing else; not even a slash. The
    scheme is a letter, then letters, digits, `+`, `-` and `.`. The host is labels (LABEL) with dots between
    them, or an IPv6 address in brackets. The port is 1 to 65535, in ASCII digits without a leading zero.

    Anything else is not an origin: None. So is `null`, which every sandboxed frame and local file sends.
    """
    # >>> task 1: read an origin
    found = re.fullmatch(r"([a-z][a-z0-9+.-]*)://([a-z0-9_.-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?", text)
    if found is None:
        return None
    scheme, host, digits = found.groups()
    if not host.startswith("[") and not all(LABEL.fullmatch(label) for label in host.split(".")):
        return None
    port = int(digits) if digits else None
    if port is not None and (port > 65535 or port == DEFAULT_PORTS.get(scheme)):
        return None
    return Origin(scheme, host, port)
    # <<< task 1


def read_pattern(text: str) -> Pattern | None:
    """Take one entry of a policy apart; None if it is neither an origin nor a pattern. (Given to you.)"""
    any_port, subdomains = text.endswith(":*"), "://*." in text
    origin = read_origin(text.removesuffix(":*").replace("://*.", "://", 1))
    if origin is None or (subdomains and "." not in origin.host) or (any_port and origin.port is not None):
        return None
    return Pattern(*origin, subdomains=subdomains, any_port=any_port)


def allows(origins: list[str], text: str) -> bool:
    """Say whether a policy's `origins` allow the origin that a browser sent as `text`.

    `*` stands for every origin, `null` included. Any other entry is a pattern (`read_pattern`), compared
    with the origin part by part: the same scheme; the same host, or with `subdomains` one or more labels in
    front of it; the same port, or with `any_port` every port, the scheme's own included. What cannot be
    read allows nothing.
    """
    # >>> task 2: match a pattern
    if "*" in origins:
        return True
    origin = read_origin(text)
    if origin is None:
        return False
    for pattern in map(read_pattern, origins):
        if pattern is None or pattern.scheme != origin.scheme:
            continue
        below = pattern.subdomains and origin.host.endswith("." + pattern.host)
        same = not pattern.subdomains and origin.host == pattern.host
        if (below or same) and (pattern.any_port or pattern.port == origin.port):
            return True
    return False
    # <<< task 2


def mistakes(policy: Policy) -> list[str]:
    """Name the settings of a policy that cannot be right, each once, in the order of Policy's fields.

    - origins: a string instead of a list; empty; an entry that is neither `*` nor readable; with
      credentials an entry whose scheme is not https, unless its host is localhost (or below it), 127.0.0.1
      or [::1].
    - methods, headers, expose: a string instead of a list; an entry that is no token.
    - methods: one of NORMALIZED_METHODS in another case than upper: no browser will ever send it so.
    - all four lists: `*` with credentials, for there the browser takes it for a name.
    - max_age: neither None nor a number from 0 to 86400.

    A method of an unknown name is no mistake: there are no restrictions on methods.
    """
    # >>> task 3: refuse a policy that cannot be right
    wrong = []
    if isinstance(policy.origins, str) or not policy.origins or not sound_origins(policy):
        wrong.append("origins")
    for setting in ("methods", "headers", "expose"):
        names = getattr(policy, setting)
        odd = isinstance(names, str) or not all(TOKEN.fullmatch(name) for name in names)
        case = setting == "methods" and any(
            name.upper() in NORMALIZED_METHODS and name != name.upper() for name in names
        )
        if odd or case or (policy.credentials and "*" in names):
            wrong.append(setting)
    if policy.max_age is not None and not 0 <= policy.max_age <= 86_400:
        wrong.append("max_age")
    return wrong
    # <<< task 3


def sound_origins(policy: Policy) -> bool:
    """Whether every entry of `origins` can be right, as `mistakes` says of entries."""
    # >>> task 3: refuse a policy that cannot be right
    for entry in policy.origins:
        if entry == "*":
            if policy.credentials:
                return False
            continue
        pattern = read_pattern(entry)
        if pattern is None:
            return False
        local = pattern.host in ("localhost", "127.0.0.1", "[::1]") or pattern.host.endswith(".localhost")
        if policy.credentials and pattern.scheme != "https" and not local:
            return False
    return True
    # <<< task 3


def safelisted(name: str, value: str) -> bool:
    """Whether a page may set this header without asking (Fetch, "CORS-safelisted request-header").

    The value has at most 128 octets, and the name, in any case, is one of these:

    - accept: no UNSAFE_OCTET in the value.
    - accept-language, content-language: all of the value is LANGUAGE.
    - content-type: no UNSAFE_OCTET, and the media type, which is all before the first `;` without the white
      space around it, in lower case, is one of FORM_TYPES.
    - range: all of the value is RANGE.
    """
    # >>> task 4: ask first, or not
    if len(value) > 128:
        return False
    match name.lower():
        case "accept":
            return not UNSAFE_OCTET.search(value)
        case "accept-language" | "content-language":
            return bool(LANGUAGE.fullmatch(value))
        case "content-type":
            media_type = value.partition(";")[0].strip(" \t").lower()
            return not UNSAFE_OCTET.search(value) and media_type in FORM_TYPES
        case "range":
            return bool(RANGE.fullmatch(value))
    return False
    # <<< task 4


def asks_first(method: str, headers: Headers) -> list[str] | None:
    """What a browser must ask for before it sends a request to another origin; None if it just sends it.

    The names of headers, sorted, in lower case, each once; an empty list if it asks for the method alone.
    It asks if the method is not safelisted, or if a header is not; also if the values of the safelisted
    headers have more than 1024 octets together: then it asks for all of them.
    """
    # >>> task 4: ask first, or not
    safe = [(name, value) for name, value in headers if safelisted(name, value)]
    names = {name.lower() for name, value in headers if not safelisted(name, value)}
    if sum(len(value) for _, value in safe) > 1024:
        names |= {name.lower() for name, _ in safe}
    if names or method not in SAFELISTED_METHODS:
        return sorted(names)
    return None
    # <<< task 4


def requested(lines: list[str]) -> list[str] | None:
    """Read the values of all lines of Access-Control-Request-Headers into names, in lower case and in order.

    Names stand between commas, with spaces and tabs around them. Empty elements are skipped, up to
    MAX_EMPTY of them over all lines. None if there are more, or if an element is no TOKEN. The work grows
    with the length of the lines and no faster: anybody can send these lines.
    """
    # >>> task 5: answer the preflight
    names, empty = [], 0
    for line in lines:
        for element in line.split(","):
            name = element.strip(" \t")
            if not name:
                empty += 1
                if empty > MAX_EMPTY:
                    return None
            elif TOKEN.fullmatch(name) is None:
                return None
            else:
                names.append(name.lower())
    return names
    # <<< task 5


def preflight(policy: Policy, request: Request) -> Answer:
    """Answer a preflight (OPTIONS, Origin, Access-Control-Request-Method); it never reaches the handler.

    Denied: status 403, no field at all, and a reason whose first word is what failed, in the browser's order:

    - `origin`: there is more than one Origin, or the policy does not allow it.
    - `method`: it is not in the policy's methods, nor safelisted, nor covered by `*`. Or it is no TOKEN.
    - `headers`: the list cannot be read, or one of its names is neither in the policy's headers nor covered
      by `*`. `*` never covers `authorization`: that one must be listed.

    Allowed: status 204 and the policy's lists, whatever was asked: Access-Control-Allow-Origin (the origin,
    or `*` if that is what the policy says), -Allow-Methods and -Allow-Headers (names joined by ", "; left
    out if the list is empty), -Allow-Credentials (`true`; left out if they are not allowed), -Max-Age (left
    out if None).

    Both vary with PREFLIGHT_VARY.
    """
    # >>> task 5: answer the preflight
    origin, method = request.all("Origin"), request.all("Access-Control-Request-Method")[0]
    names = requested(request.all("Access-Control-Request-Headers"))
    listed = {name.lower() for name in policy.headers}
    known = method in SAFELISTED_METHODS or method in policy.methods
    reason = ""
    if len(origin) != 1 or not allows(policy.origins, origin[0]):
        reason = "origin is not allowed"
    elif not TOKEN.fullmatch(method) or not (known or "*" in policy.methods):
        reason = "method is not allowed"
    elif names is None:
        reason = "headers cannot be read"
    elif not all(name in listed or ("*" in listed and name != "authorization") for name in names):
        reason = "headers are not allowed"
    if reason:
        return Answer(403, {}, PREFLIGHT_VARY, reason)
    fields = {"Access-Control-Allow-Origin": "*" if "*" in policy.origins else origin[0]}
    if policy.methods:
        fields["Access-Control-Allow-Methods"] = ", ".join(policy.methods)
    if policy.headers:
        fields["Access-Control-Allow-Headers"] = ", ".join(policy.headers)
    if policy.credentials:
        fields["Access-Control-Allow-Credentials"] = "true"
    if policy.max_age is not None:
        fields["Access-Control-Max-Age"] = str(policy.max_age)
    return Answer(204, fields, PREFLIGHT_VARY, "allowed")
    # <<< task 5


def actual(policy: Policy, request: Request) -> Answer:
    """Say what CORS adds to the response of any other request. The handler runs anyway: the status is None.

    - A policy of `*` says so to everybody, with or without an Origin: Access-Control-Allow-Origin: *. So
      nothing varies.
    - Otherwise a request with one Origin, and an allowed one, gets its own origin back in
      Access-Control-Allow-Origin, and -Allow-Credentials (`true`) if the policy allows them.
    - With either, Access-Control-Expose-Headers lists the policy's `expose`, if there is any.
    - All others get no field. But every answer without `*` varies with Origin: to an origin that may read, to
      one that may not, and to a request without Origin. A cache may hand that last answer to the other two.
    """
    # >>> task 6: answer the request
    fields = {}
    origin = request.all("Origin")
    if "*" in policy.origins:
        fields["Access-Control-Allow-Origin"] = "*"
    elif len(origin) == 1 and allows(policy.origins, origin[0]):
        fields["Access-Control-Allow-Origin"] = origin[0]
        if policy.credentials:
            fields["Access-Control-Allow-Credentials"] = "true"
    if fields and policy.expose:
        fields["Access-Control-Expose-Headers"] = ", ".join(policy.expose)
    reason = "may be read" if fields else "may not be read"
    return Answer(None, fields, [] if "*" in policy.origins else ["Origin"], reason)
    # <<< task 6


def decide(policy: Policy, request: Request) -> Answer:
    """One request, one answer: `preflight` for a preflight, `actual` for all others.

    A preflight is OPTIONS with an Origin and an Access-Control-Request-Method. A page may also send OPTIONS
    for its own ends; that one is the handler's.
    """
    # >>> task 6: answer the request
    asks = request.all("Origin") and request.all("Access-Control-Request-Method")
    return preflight(policy, request) if request.method == "OPTIONS" and asks else actual(policy, request)
    # <<< task 6


def merge_vary(values: list[str], names: list[str]) -> str:
    """Join the values of the handler's own Vary lines and our `names` into one value, each name once.

    The handler's names come first, in their own spelling; names are the same in any case; `*` swallows all.
    """
    # >>> task 6: answer the request
    found: dict[str, str] = {}
    for name in [part.strip(" \t") for value in values for part in value.split(",")] + names:
        if name:
            found.setdefault(name.lower(), name)
    return "*" if "*" in found else ", ".join(found.values())
    # <<< task 6
