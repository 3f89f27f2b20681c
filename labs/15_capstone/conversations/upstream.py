"""The gateway and its upstream: which connection carries which request, and what is left open. Lab 11, 12.

A step is a sentence: `x asks a` (also `x asks a POST`), `1 accepts`, `1 answers`, `1 answers last`,
`1 speaks`, `1 breaks S R` (S bytes of the request went out, R of the response came), `1 ends` (the upstream
closes it while it is idle), `x leaves`, `30 pass`, `30 pass busy` (no timer runs). `&` joins the steps of a
turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import gateway

PERSISTENCE = "RFC 9112 §9.3"
LIMITS = "RFC 9112 §9.4"
CLOSING = "RFC 9112 §9.5"
REPEAT = "RFC 9110 §9.2.2"
CODING = "RFC 9112 §7.1"
TRAILERS = "RFC 9110 §6.5.1"


class Played(NamedTuple):
    """The options of the pool, the steps, and what upstream and clients see; connections have numbers."""

    rule: str
    options: Mapping[str, Any]
    steps: str
    seen: list[str]


def _opened(*names: str, host: str = "a") -> list[str]:
    """What is seen of requests that each get a new connection, and of their answers."""
    opens = [f"{number} opens to {host}" for number in range(1, len(names) + 1)]
    gets = [f"{number} gets {name}" for number, name in enumerate(names, 1)]
    return opens + gets + [f"{name} is answered" for name in names]


TWO = "x asks a; y asks a; 1 accepts; 2 accepts; 1 answers; 2 answers"
ONE = "x asks a; 1 accepts; 1 answers"
ONCE = ["1 opens to a", "1 gets x", "x is answered"]
PLAYED = (
    # Which connection
    Played(PERSISTENCE, {}, f"{TWO}; z asks a", [*_opened("x", "y"), "2 gets z"]),
    Played(PERSISTENCE, {}, f"{ONE}; z asks b", [*ONCE, "2 opens to b"]),
    Played(
        LIMITS,
        {"limit": 2},
        "x asks a; y asks a; z asks a; 1 accepts; 1 answers",
        ["1 opens to a", "2 opens to a", "1 gets x", "x is answered", "1 gets z"],
    ),
    Played(
        LIMITS, {"limit": 1}, f"{ONE}; z asks b; 2 accepts", [*ONCE, "1 closes", "2 opens to b", "2 gets z"]
    ),
    Played(LIMITS, {"limit": 2}, f"{TWO}; z asks b", [*_opened("x", "y"), "1 closes", "3 opens to b"]),
    Played(LIMITS, {"limit_per_host": 1}, "x asks a; y asks a; z asks b", ["1 opens to a", "2 opens to b"]),
    Played(LIMITS, {"limit": 0}, "x asks a; y asks a", ["1 opens to a", "2 opens to a"]),
    # The queue
    Played(
        LIMITS,
        {"limit": 1},
        "x asks a; y asks a; z asks a; 1 accepts; 1 answers; 1 answers",
        ["1 opens to a", "1 gets x", "x is answered", "1 gets y", "y is answered", "1 gets z"],
    ),
    Played(
        LIMITS,
        {"limit": 2, "limit_per_host": 1},
        "x asks a; y asks b; z asks a; w asks c; 1 accepts; 2 accepts; 2 answers last; 3 accepts",
        [
            "1 opens to a",
            "2 opens to b",
            "1 gets x",
            "2 gets y",
            "y is answered",
            "2 closes",
            "3 opens to c",
            "3 gets w",
        ],
    ),
    Played(
        PERSISTENCE,
        {"limit": 1},
        "x asks a; y asks a; 1 accepts; 1 answers last; 2 accepts",
        ["1 opens to a", "1 gets x", "x is answered", "1 closes", "2 opens to a", "2 gets y"],
    ),
    Played(
        PERSISTENCE,
        {},
        "x asks a; 1 accepts; 1 answers last; y asks a",
        ["1 opens to a", "1 gets x", "x is answered", "1 closes", "2 opens to a"],
    ),
    Played(
        PERSISTENCE,
        {"limit": 1},
        f"{ONE}; y asks a; x leaves; 1 answers",
        [*ONCE, "1 gets y", "y is answered"],
    ),
    # Clients that leave
    Played(
        CLOSING,
        {"limit": 1},
        f"{ONE}; y asks a; z asks a; 1 answers & z leaves; w asks a",
        [*ONCE, "1 gets y", "y is answered", "1 gets w"],
    ),
    Played(
        CLOSING,
        {"limit": 1},
        "x asks a; y asks a; z asks a; y leaves; 1 accepts; 1 answers",
        ["1 opens to a", "1 gets x", "x is answered", "1 gets z"],
    ),
    Played(
        CLOSING,
        {"limit": 1},
        "x asks a; y asks a; x leaves; 2 accepts",
        ["1 opens to a", "1 closes", "2 opens to a", "2 gets y"],
    ),
    Played(
        CLOSING,
        {"limit": 1},
        "x asks a; y asks b; 1 accepts; x leaves; 2 accepts",
        ["1 opens to a", "1 gets x", "1 closes", "2 opens to b", "2 gets y"],
    ),
    Played(
        CLOSING,
        {"limit": 1},
        "x asks a; y asks a; 1 accepts; x leaves; 2 accepts",
        ["1 opens to a", "1 gets x", "1 closes", "2 opens to a", "2 gets y"],
    ),
    Played(
        CLOSING,
        {"limit": 1},
        "x asks a; 1 accepts; y asks a; z asks a; 1 answers & y leaves; 1 answers",
        ["1 opens to a", "1 gets x", "x is answered", "1 gets z", "z is answered"],
    ),
    # Idle connections
    Played(CLOSING, {"keepalive_timeout": 30}, f"{ONE}; 29 pass; y asks a", [*ONCE, "1 gets y"]),
    Played(CLOSING, {"keepalive_timeout": 30}, f"{ONE}; 30 pass", [*ONCE, "1 closes"]),
    Played(
        CLOSING,
        {"keepalive_timeout": 30},
        "x asks a; y asks a; 1 accepts; 2 accepts; 1 answers; 10 pass; 2 answers; 20 pass; z asks a",
        [
            "1 opens to a",
            "2 opens to a",
            "1 gets x",
            "2 gets y",
            "x is answered",
            "y is answered",
            "1 closes",
            "2 gets z",
        ],
    ),
    Played(
        CLOSING,
        {"keepalive_timeout": 30},
        "x asks a; 1 accepts; y asks b; 2 accepts; 2 answers; 99 pass; 1 answers",
        [
            "1 opens to a",
            "1 gets x",
            "2 opens to b",
            "2 gets y",
            "y is answered",
            "2 closes",
            "x is answered",
        ],
    ),
    Played(
        CLOSING,
        {"keepalive_timeout": 30},
        f"{ONE}; 30 pass busy; y asks a; 2 accepts",
        [*ONCE, "1 closes", "2 opens to a", "2 gets y"],
    ),
    Played(
        CLOSING,
        {},
        f"{TWO}; 1 ends; 2 ends; z asks a; 3 accepts",
        [*_opened("x", "y"), "2 closes", "1 closes", "3 opens to a", "3 gets z"],
    ),
    Played(
        CLOSING,
        {"limit": 1},
        f"{ONE}; 1 ends; y asks a & z asks a; 2 accepts",
        [*ONCE, "1 closes", "2 opens to a", "2 gets y"],
    ),
    Played(CLOSING, {}, "x asks a; 1 speaks; 1 accepts", ["1 opens to a", "1 gets x"]),
    # A connection that breaks under a request
    Played(REPEAT, {}, f"{ONE}; y asks a POST; 1 breaks 9 0", [*ONCE, "1 gets y", "1 closes", "y fails"]),
    Played(
        REPEAT,
        {},
        f"{ONE}; y asks a POST; 1 breaks 0 0; 2 accepts",
        [*ONCE, "1 gets y", "1 closes", "2 opens to a", "2 gets y"],
    ),
    Played(
        REPEAT,
        {},
        f"{ONE}; y asks a PUT; 1 breaks 9 0; 2 accepts; 2 answers",
        [*ONCE, "1 gets y", "1 closes", "2 opens to a", "2 gets y", "y is answered"],
    ),
    Played(REPEAT, {}, f"{ONE}; y asks a; 1 breaks 9 5", [*ONCE, "1 gets y", "1 closes", "y fails"]),
    Played(
        REPEAT, {}, "x asks a; 1 accepts; 1 breaks 9 0", ["1 opens to a", "1 gets x", "1 closes", "x fails"]
    ),
    Played(
        REPEAT,
        {},
        f"{TWO}; z asks a; 2 breaks 9 0; 3 accepts; 3 breaks 9 0",
        [*_opened("x", "y"), "2 gets z", "2 closes", "3 opens to a", "3 gets z", "3 closes", "z fails"],
    ),
    Played(
        REPEAT,
        {"limit": 1},
        f"{ONE}; y asks a POST & z asks b; 1 breaks 9 0; 2 accepts",
        [*ONCE, "1 gets y", "1 closes", "2 opens to b", "y fails", "2 gets z"],
    ),
)


def plays(parts: Any, mine: Any) -> Iterator[str]:
    """Each conversation between clients, gateway and upstream."""
    for played in PLAYED:
        opened = gateway.Gateway(parts, **played.options)
        for turn in played.steps.split("; "):
            for step in turn.split(" & "):
                _step(opened, step.split())
            opened.settle()
        book = opened.pool.counts()["open"]
        if opened.seen != played.seen:
            differs = f"expected {played.seen}, got {opened.seen}"
            yield f"{dict(played.options)} {played.steps}: {differs} ({played.rule})"
        elif book != len(opened.open):
            yield f"{played.steps}: {len(opened.open)} are open, the pool counts {book} ({LIMITS})"


def _step(opened: gateway.Gateway, words: list[str]) -> None:
    """Play one sentence."""
    subject, verb, *rest = words
    if verb == "asks":
        opened.asks(subject, *rest)
    elif verb == "leaves":
        opened.leaves(subject)
    elif verb == "accepts":
        opened.accepts(int(subject))
    elif verb == "answers":
        opened.answers(int(subject), last=bool(rest))
    elif verb == "breaks":
        opened.breaks(int(subject), *map(int, rest))
    elif verb in ("ends", "speaks"):
        opened.readable.add(int(subject))
    else:
        opened.passes(float(subject), busy=bool(rest))


# -- what goes to the upstream in chunks: (pieces, trailers, the bytes or the rule that refuses them) -------

LONG = b"x" * 26
CONTENTS: tuple[tuple[list[bytes], list[tuple[str, str]], bytes | str], ...] = (
    ([b"hello", b"", LONG], [], b"5\r\nhello\r\n1a\r\n" + LONG + b"\r\n0\r\n\r\n"),
    ([" é\r\n".encode()], [], b"5\r\n \xc3\xa9\r\n\r\n0\r\n\r\n"),
    ([], [("Digest", "abc"), ("x", "")], b"0\r\nDigest: abc\r\nx: \r\n\r\n"),
    ([], [("Content-Length", "5")], "FORBIDDEN"),
    ([], [("x", "a\r\nb: c")], "TRAILER"),
    ([], [("x: 1, y", "2")], "TRAILER"),
)


def contents(parts: Any, mine: Any) -> Iterator[str]:
    """What the upstream gets of each content."""
    for pieces, trailers, expected in CONTENTS:
        try:
            found: bytes | str = gateway.content(parts, pieces, trailers)
        except parts["chunked"].Refused as error:
            found = error.rule.name
        if found != expected:
            rule = TRAILERS if trailers else CODING
            yield f"{pieces} with the trailers {trailers}: expected {expected!r}, got {found!r} ({rule})"
