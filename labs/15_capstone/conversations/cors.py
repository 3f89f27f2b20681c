"""CORS at the assembled server: policies that it starts with or refuses, and requests of pages. Lab 03."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import assembled

from conversations.answers import Expected, against, read

Settings = Mapping[str, Any]
CORS = "Fetch, CORS protocol"
PREFLIGHT = "Fetch, CORS-preflight request"
ORIGIN = "RFC 6454 §6.2"
VARY = "RFC 9110 §12.5.5"
APP = "https://app.example"

# -- policies: (the settings, the names of those that cannot be right) ---------------------------------------

SECRET = {"origins": [APP], "credentials": True}
STARTS: tuple[tuple[Settings, list[str]], ...] = (
    ({"origins": [APP], "methods": ["PUT", "PROPFIND", "patch"], "headers": ["x-a"], "max_age": 86_400}, []),
    ({"origins": ["*"], "methods": ["*"], "headers": ["*"], "max_age": 0}, []),
    ({**SECRET, "origins": ["https://*.app.example", "http://localhost:*", "http://a.localhost"]}, []),
    ({"origins": f"{APP}"}, ["origins"]),
    ({"origins": "*"}, ["origins"]),
    ({"origins": []}, ["origins"]),
    ({"origins": ["null"]}, ["origins"]),
    ({"origins": [f"{APP}/"]}, ["origins"]),
    ({"origins": [f"{APP}\n"]}, ["origins"]),
    ({"origins": [APP], "methods": "PUT"}, ["methods"]),
    ({"origins": [APP], "methods": ["put"]}, ["methods"]),
    ({"origins": [APP], "methods": ["PUT "]}, ["methods"]),
    ({"origins": [APP], "headers": ["x-a\r\nx-b"]}, ["headers"]),
    ({"origins": [APP], "expose": ["ETag:"]}, ["expose"]),
    ({"origins": [APP], "max_age": -5}, ["max_age"]),
    ({"origins": [APP], "max_age": 86_401}, ["max_age"]),
    ({**SECRET, "origins": ["*"]}, ["origins"]),
    ({**SECRET, "origins": ["http://app.example"]}, ["origins"]),
    ({**SECRET, "origins": ["http://localhost.evil.example"]}, ["origins"]),
    ({**SECRET, "methods": ["*"], "headers": ["*"], "expose": ["*"]}, ["methods", "headers", "expose"]),
    (
        {"origins": [], "methods": ["a b"], "headers": ["a:"], "max_age": -1},
        ["origins", "methods", "headers", "max_age"],
    ),
)


def starts(parts: Any, mine: Any) -> Iterator[str]:
    """The server starts with a policy that can be right, and names every setting of one that cannot."""
    for settings, expected in STARTS:
        policy = parts["preflight"].Policy(**settings)
        try:
            assembled.Talk(parts, mine, policy)
            found = []
        except assembled.Misconfigured as error:
            found = error.settings
        if found != expected:
            differs = f"expected {expected or 'a start'}, got {found or 'a start'}"
            yield f"the policy {settings}: {differs} ({CORS})"


# -- requests ------------------------------------------------------------------------------------------------

POLICIES: Mapping[str, Settings] = {
    "one origin": {"origins": [APP], "methods": ["PUT", "DELETE"], "headers": ["Content-Type"], "max_age": 0},
    "a port": {"origins": ["https://app.example:8443"]},
    "any port": {"origins": ["http://localhost:*", "https://app.example:*"]},
    "subdomains": {"origins": ["https://*.app.example"]},
    "two origins": {"origins": [APP, "https://*.other.example"], "methods": ["PUT"], "headers": ["x-track"]},
    "star": {"origins": ["*"], "methods": ["*"], "headers": ["*"]},
    "secret": {
        "origins": [APP, "https://b.example"],
        "methods": ["PUT"],
        "expose": ["ETag"],
        "credentials": True,
    },
    "exposed star": {"origins": ["*"], "expose": ["ETag"]},
}
ALL = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
SEEN = ("Origin", "Methods", "Headers", "Credentials", "Max-Age")
OK, RUNS = 204, 200


class Asked(NamedTuple):
    """A request: the policy by its name, the method, the field lines, and what must come back.

    allowed: the value of each Access-Control-Allow field (-Max-Age and -Expose-Headers by their own names);
    a field that is not named must not be there. vary: the whole Vary, None for no such field.
    """

    rule: str
    policy: str
    method: str
    lines: list[tuple[str, str]]
    status: int
    allowed: Mapping[str, str]
    vary: str | None
    target: str = "/"


def _origin(text: str, policy: str, allowed: bool) -> Asked:
    """A page of this origin asks for `/`."""
    fields = {"Allow-Origin": text} if allowed else {}
    return Asked(ORIGIN, policy, "GET", [("Origin", text)], RUNS, fields, "Origin")


def _preflight(
    policy: str, method: str, headers: list[str], allowed: Mapping[str, str] | None, origin: str = APP
) -> Asked:
    """A preflight for this method and these lines of header names; allowed: None when it is denied."""
    lines = [("Origin", origin), ("Access-Control-Request-Method", method)]
    lines += [("Access-Control-Request-Headers", line) for line in headers]
    return Asked(PREFLIGHT, policy, "OPTIONS", lines, 403 if allowed is None else OK, allowed or {}, ALL)


# Origins, and whether the policy lets them read the answer.
ORIGINS = (
    ("one origin", APP, True),
    ("one origin", "http://app.example", False),
    ("one origin", "https://app.example:8443", False),
    ("one origin", "HTTPS://APP.EXAMPLE", False),
    ("one origin", "https://app.example/path", False),
    ("one origin", "x https://app.example", False),
    ("one origin", "https://app.example.evil.example", False),
    ("one origin", "https://evil-app.example", False),
    ("one origin", "null", False),
    ("a port", "https://app.example:8443", True),
    ("a port", "https://app.example:08443", False),
    ("any port", "http://localhost", True),
    ("any port", "http://localhost:3000", True),
    ("any port", "http://localhost:99999", False),
    ("any port", "http://localhost:0", False),
    ("any port", "https://app.example:443", False),
    ("subdomains", "https://a.app.example", True),
    ("subdomains", "https://a.b.app.example", True),
    ("subdomains", APP, False),
    ("subdomains", "https://evilapp.example", False),
    ("subdomains", "https://a.appxexample", False),
    ("subdomains", "https://a.app.example.evil.example", False),
    ("subdomains", "https://a..app.example", False),
    ("subdomains", "https://-a.app.example", False),
    ("subdomains", "https://*.app.example", False),
    ("two origins", "https://a.other.example", True),
)

ONE = {"Allow-Origin": APP, "Allow-Methods": "PUT, DELETE", "Allow-Headers": "Content-Type", "Max-Age": "0"}
STAR = {"Allow-Origin": "*", "Allow-Methods": "*", "Allow-Headers": "*"}
TWO = {"Allow-Origin": APP, "Allow-Methods": "PUT", "Allow-Headers": "x-track"}
SECRETS = {"Allow-Origin": APP, "Allow-Credentials": "true"}

# Preflights: the policy, the method asked for, the lines of header names, the fields that allow it or None.
PREFLIGHTS: tuple[tuple[str, str, list[str], Mapping[str, str] | None], ...] = (
    ("one origin", "PUT", [], ONE),
    ("one origin", "POST", [], ONE),
    ("one origin", "DELETE", ["content-type"], ONE),
    ("one origin", "PUT", ["CONTENT-TYPE", " content-type\t,,content-type"], ONE),
    ("one origin", "put", [], None),
    ("one origin", "PATCH", [], None),
    ("one origin", "OPTIONS", [], None),
    ("one origin", "PUT", ["content-type, x-a"], None),
    ("one origin", "PUT", ["x-a, content-type"], None),
    ("one origin", "PUT", ["content-type" + "," * 16], ONE),
    ("one origin", "PUT", ["content-type" + "," * 17], None),
    ("one origin", "PUT", ["content-type" + "," * 9, "," * 9], None),
    ("one origin", "PUT", ["content type"], None),
    ("two origins", "PUT", ["x-trac"], None),
    ("two origins", "PUT", ["x-track"], TWO),
    ("star", "MOVE", ["x-z, x-a"], STAR),
    ("star", "PUT", ["authorization"], None),
    ("star", "PUT", ["x(a)"], None),
    ("star", "PU T", [], None),
    ("secret", "PUT", [], {**SECRETS, "Allow-Methods": "PUT"}),
)

ASKS: tuple[Asked, ...] = (
    *(_origin(text, policy, allowed) for policy, text, allowed in ORIGINS),
    *(_preflight(*each) for each in PREFLIGHTS),
    _preflight("one origin", "PUT", [], None, origin="https://evil.example"),
    Asked(
        PREFLIGHT,
        "one origin",
        "OPTIONS",
        [("Origin", APP), ("Origin", APP), ("Access-Control-Request-Method", "PUT")],
        403,
        {},
        ALL,
    ),
    Asked(PREFLIGHT, "one origin", "OPTIONS", [("Origin", APP)], RUNS, {"Allow-Origin": APP}, "Origin"),
    Asked(
        PREFLIGHT,
        "one origin",
        "GET",
        [("Origin", APP), ("Access-Control-Request-Method", "PUT")],
        RUNS,
        {"Allow-Origin": APP},
        "Origin",
    ),
    Asked(CORS, "one origin", "GET", [("Origin", APP), ("Origin", APP)], RUNS, {}, "Origin"),
    Asked(CORS, "one origin", "DELETE", [("Origin", "https://evil.example")], RUNS, {}, "Origin"),
    Asked(CORS, "one origin", "GET", [], RUNS, {}, "Origin"),
    Asked(CORS, "secret", "GET", [("Origin", APP)], RUNS, {**SECRETS, "Expose-Headers": "ETag"}, "Origin"),
    Asked(
        CORS,
        "exposed star",
        "GET",
        [("Origin", "null")],
        RUNS,
        {"Allow-Origin": "*", "Expose-Headers": "ETag"},
        None,
    ),
    Asked(CORS, "star", "GET", [], RUNS, {"Allow-Origin": "*"}, None),
    Asked(
        VARY,
        "one origin",
        "GET",
        [("Origin", APP)],
        RUNS,
        {"Allow-Origin": APP},
        "Accept-Encoding, origin",
        "/vary",
    ),
)


def asks(parts: Any, mine: Any) -> Iterator[str]:
    """Each request, on a connection of its own."""
    for asked in ASKS:
        wire = request(asked.method, asked.target, asked.lines)
        policy = parts["preflight"].Policy(**POLICIES[asked.policy])
        fields = {f"Access-Control-{name}": None for name in ("Max-Age", "Expose-Headers")}
        fields |= {
            f"Access-Control-Allow-{name}": None for name in ("Origin", "Methods", "Headers", "Credentials")
        }
        fields |= {f"Access-Control-{name}": value for name, value in asked.allowed.items()} | {
            "Vary": asked.vary
        }
        differs = _differs(
            assembled.Talk(parts, mine, policy).feed(wire), Expected(asked.status, None, fields)
        )
        if differs:
            yield f"the policy {dict(POLICIES[asked.policy])}, {wire!r}: {differs} ({asked.rule})"
    yield from _hostile(parts, mine)


def request(method: str, target: str, lines: list[tuple[str, str]]) -> bytes:
    """A request without content, as bytes."""
    text = [f"{method} {target} HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in lines), "", ""]
    return "\r\n".join(text).encode("latin-1")


def _differs(wire: bytes, expected: Expected) -> str:
    try:
        return against(read(wire), [expected])
    except ValueError as error:
        return str(error)


HOSTILE = 28_000  # bytes in a list of names: below the limit of a head
DEARER = 20  # times: to a linear reader, spaces cost as much as letters; one that backtracks needs hundreds


def _hostile(parts: Any, mine: Any) -> Iterator[str]:
    """The server's work for a list of names grows with its length, and not with its square."""
    letters, spaces = (min(_work(parts, mine, fill) for _ in range(3)) for fill in ("a", " "))
    if spaces > DEARER * letters + 0.01:
        times = spaces / max(letters, 1e-6)
        yield f"a list of names with {HOSTILE:,} spaces costs {times:.0f} times one of letters (RFC 9112 §11)"


def _work(parts: Any, mine: Any, fill: str) -> float:
    """Seconds of processor time for a preflight whose list of names is filled with this."""
    lines = [("Origin", APP), ("Access-Control-Request-Method", "PUT")]
    lines += [("Access-Control-Request-Headers", f"x{fill * HOSTILE}y")]
    talk, wire = assembled.Talk(parts, mine), request("OPTIONS", "/", lines)
    before = time.process_time()
    talk.feed(wire)
    return time.process_time() - before
