"""Field lines as a value: an ordered multimap whose names ignore case. RFC 9110 §5.

Here lives the container. What a field *means* for a message's length lives in `framing`; how lines are
read from the wire lives in `parser`, how they are written in `serializer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Pairs = Iterable[tuple[str, str]]
Index = dict[str, str | tuple[str, ...]]


class Fields(Mapping[str, str]):
    """Field lines in wire order, immutable, looked up without regard to case.

    Values are text decoded as latin-1, one character an octet. Several lines of one name read as one
    value joined by ", " (RFC 9110 §5.2), except Set-Cookie, whose values contain commas: read it with
    `get_all` (RFC 9110 §5.3).
    """

    __slots__ = ("_index", "_pairs")

    def __init__(self, lines: Mapping[str, str] | Pairs = ()) -> None:
        pairs = lines.items() if isinstance(lines, Mapping) else lines
        self._pairs: tuple[tuple[str, str], ...] = tuple(pairs)
        index: Index = {name.lower(): value for name, value in self._pairs}
        if len(index) < len(self._pairs):
            index = self._with_repeated()
        self._index = index

    @classmethod
    def of_lines(cls, lines: Sequence[tuple[str, str, str]]) -> Fields:
        """From lines as a parser has them, (name, value, name in lower case): nothing is computed twice."""
        fields = cls.__new__(cls)
        fields._pairs = tuple([(name, value) for name, value, _ in lines])
        fields._index = {key: value for _, value, key in lines}
        if len(fields._index) < len(lines):
            fields._index = fields._with_repeated()
        return fields

    def _with_repeated(self) -> Index:
        """The index where some name stands on several lines: linear in the number of lines."""
        groups: dict[str, list[str]] = {}
        for name, value in self._pairs:
            groups.setdefault(name.lower(), []).append(value)
        return {key: found[0] if len(found) == 1 else tuple(found) for key, found in groups.items()}

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

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The field lines as (name, value), names as they were written, in wire order."""
        return self._pairs

    def __repr__(self) -> str:
        return f"Fields({list(self._pairs)!r})"

    def __eq__(self, other: object) -> bool:
        """Equal when the same lines stand in the same order, names compared without regard to case."""
        if not isinstance(other, Fields):
            return NotImplemented
        return [(n.lower(), v) for n, v in self._pairs] == [(n.lower(), v) for n, v in other._pairs]

    def __hash__(self) -> int:
        return hash(tuple((name.lower(), value) for name, value in self._pairs))


NO_FIELDS = Fields()
