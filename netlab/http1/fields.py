"""Field lines as a value: an ordered multimap whose names ignore case. RFC 9110 §5.

Here lives the container. What a field *means* for a message's length lives in `framing`; how lines are
read from the wire lives in `parser`, how they are written in `serializer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from netlab.http1.grammar import FIELD_PAIRS

Pairs = Iterable[tuple[str, str]]
Index = dict[str, str | tuple[str, ...]]


class Fields(Mapping[str, str]):
    """Field lines in wire order, immutable, looked up without regard to case.

    Values are text decoded as latin-1, one character an octet. Several lines of one name read as one
    value joined by ", " (RFC 9110 §5.2), except Set-Cookie, whose values contain commas: read it with
    `get_all` (RFC 9110 §5.3).
    """

    __slots__ = ("_index", "lines")

    def __init__(self, lines: Mapping[str, str] | Pairs = ()) -> None:
        pairs = lines.items() if isinstance(lines, Mapping) else lines
        self.lines: tuple[tuple[str, str], ...] = tuple(pairs)
        """The field lines as (name, value), names as they were written, in wire order."""
        self._index = _indexed([(name.lower(), value) for name, value in self.lines])

    @classmethod
    def of_section(cls, section: str) -> Fields:
        """From a field section that is valid: each line ends with CRLF (RFC 9112 §5)."""
        return cls(read_pairs(section, 0, len(section)))

    def get_all(self, name: str) -> tuple[str, ...]:
        """The values of every line of that name, in wire order; empty when there is none."""
        found = self._index.get(name.lower())
        if found is None:
            return ()
        return (found,) if isinstance(found, str) else found

    def get(self, name: str, default: Any = None) -> Any:
        """The value of that name, several lines joined; `default` when there is none."""
        # Mapping's own would raise and catch KeyError: 0.4 µs for a field that most requests do not have.
        found = self._index.get(name.lower())
        if found is None:
            return default
        return found if isinstance(found, str) else ", ".join(found)

    def __getitem__(self, name: str) -> str:
        found = self._index[name.lower()]
        return found if isinstance(found, str) else ", ".join(found)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._index

    def __iter__(self) -> Iterator[str]:
        """Each name once, in lower case, in the order of first appearance."""
        return iter(self._index)

    def __len__(self) -> int:
        """The number of different names; `len(fields.lines)` counts lines."""
        return len(self._index)

    def __repr__(self) -> str:
        return f"Fields({list(self.lines)!r})"

    def __eq__(self, other: object) -> bool:
        """Equal when the same lines stand in the same order, names compared without regard to case."""
        if not isinstance(other, Fields):
            return NotImplemented
        return [(n.lower(), v) for n, v in self.lines] == [(n.lower(), v) for n, v in other.lines]

    def __hash__(self) -> int:
        return hash(tuple((name.lower(), value) for name, value in self.lines))


def _indexed(found: Sequence[tuple[str, str]]) -> Index:
    """What stands under which name; a tuple where it stands on several lines. Linear in their number."""
    index: Index = dict(found)
    if len(index) == len(found):
        return index
    groups: dict[str, list[str]] = {}
    for key, value in found:
        groups.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else tuple(values) for key, values in groups.items()}


def read_pairs(text: str, begin: int, end: int) -> list[tuple[str, str]]:
    """(name, value) of each field line between the two positions, where the text is known to be valid."""
    return [(name, value.rstrip(" \t")) for name, value in FIELD_PAIRS.findall(text, begin, end)]


NO_FIELDS = Fields()
