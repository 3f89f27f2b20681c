"""Responses read from bytes, and held against what a table expects. Strict: a bare LF is no line end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

STATUS = re.compile(r"HTTP/1\.1 ([0-9]{3}) [^\r\n]*")


class Answer(NamedTuple):
    """One response, whole."""

    status: int
    fields: list[tuple[str, str]]
    content: bytes

    def all(self, name: str) -> list[str]:
        """The values of every line of that name."""
        return [value for line, value in self.fields if line.lower() == name.lower()]


class Expected(NamedTuple):
    """What must come back. content: None stands for any. fields: the value of each, None for no such line."""

    status: int
    content: bytes | None = None
    fields: Mapping[str, str | None] = {}


def read(wire: bytes, heads: Sequence[bool] = ()) -> list[Answer]:
    """The responses in these bytes; heads: is the answer at that place one to HEAD? Raises ValueError."""
    found = []
    while wire:
        head, end, rest = wire.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        match = STATUS.fullmatch(first)
        if not end or match is None or any("\n" in line or ": " not in line for line in lines):
            raise ValueError(f"{wire[:80]!r} is no response")
        fields = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        answer = Answer(int(match[1]), fields, b"")
        silent = answer.status in (100, 204, 304) or (len(found) < len(heads) and heads[len(found)])
        lengths = answer.all("content-length")
        size = 0 if silent or not lengths else int(lengths[0])
        if len(lengths) > 1 or len(rest) < size:
            raise ValueError(f"{wire[:80]!r} has {len(rest)} of {' and '.join(lengths)} bytes of content")
        found.append(answer._replace(content=rest[:size]))
        wire = rest[size:]
    return found


def against(found: Sequence[Answer], expected: Sequence[Expected]) -> str:
    """How the answers differ from those expected; "" when they do not."""
    if [answer.status for answer in found] != [each.status for each in expected]:
        return f"expected {[each.status for each in expected]}, got {[answer.status for answer in found]}"
    for answer, each in zip(found, expected, strict=True):
        if each.content is not None and answer.content != each.content:
            return f"expected the content {each.content[:80]!r}, got {answer.content[:80]!r}"
        for name, value in each.fields.items():
            values = answer.all(name)
            if values != ([] if value is None else [value]):
                wanted = f"no {name}" if value is None else f"{name}: {value}"
                return f"expected {wanted}, got {values or 'none'}"
    return ""
