"""Conversations with the assembled server: what is sent, what must come back, and the rule that says so.

Each file has tables of data and the few lines that play them. A kind of conversation names the labs whose
parts take part in it: `whole_with_wrong.py` puts each wrong program of those labs into the server and plays.
Not here: the wire cases of `netlab check` (wire_judge.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

Parts = Mapping[str, ModuleType]
Play = Callable[[Parts, Any], Iterator[str]]


@dataclass(frozen=True)
class Kind:
    """Conversations of one kind. play: gives a sentence for each one that goes otherwise than it must."""

    name: str
    labs: frozenset[str]
    play: Play


def kinds() -> tuple[Kind, ...]:
    """Every kind, the cheapest first."""
    from conversations import cors, films, pages, side, sieges, upstream, wire

    return (
        Kind("policies", frozenset({"preflight"}), cors.starts),
        Kind("CORS", frozenset({"preflight", "keep_alive"}), cors.asks),
        Kind("pages", frozenset({"preflight"}), pages.fetches),
        Kind("the gateway's connections", frozenset({"pool"}), upstream.plays),
        Kind("the gateway's content", frozenset({"chunked"}), upstream.contents),
        Kind("requests", frozenset({"framing", "keep_alive", "chunked", "river", "siege"}), wire.says),
        Kind("the side door", frozenset({"framing", "keep_alive", "chunked"}), side.says),
        Kind("parts of a film", frozenset({"river"}), films.ranges),
        Kind("readers of a film", frozenset({"river"}), films.watches),
        Kind("the door", frozenset({"siege"}), sieges.accepts),
        Kind("sieges", frozenset({"siege"}), sieges.stands),
        Kind("the side door's socket", frozenset({"keep_alive"}), side.speaks),
    )


def of(slug: str) -> list[str]:
    """The names of the kinds in which a lab's part speaks."""
    return [kind.name for kind in kinds() if slug in kind.labs]


def broken(parts: Parts, mine: Any, names: Collection[str]) -> Iterator[str]:
    """A sentence for each conversation of these kinds that goes otherwise than it must."""
    for kind in kinds():
        if kind.name in names:
            yield from (f"{kind.name}: {sentence}" for sentence in kind.play(parts, mine))
