"""A learner's code beside the reference, function by function, with what differs marked.

Pure: two sources in, lines out. A function is found by its name, so the learner may have moved it.
"""

from __future__ import annotations

import ast
import difflib
import textwrap
from collections.abc import Iterator, Sequence

from labs.runner.authoring.regions import Region

_NARROW = 100  # columns: below it yours and the reference's stand one below the other
_GAP = " │ "
_ALIKE = 6  # lines in a row that are the same on both sides and still shown in full


def definitions(source: str) -> dict[str, list[str]]:
    """Qualified name to the lines of each function and class; empty when the source is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    lines = source.splitlines()
    return {name: lines[first - 1 : last] for name, first, last in _spans(tree.body, "")}


def enclosing(source: str, region: Region) -> str:
    """The qualified name of the innermost definition that holds a region; empty for one of the module."""
    inside = [
        (last - first, name)
        for name, first, last in _spans(ast.parse(source).body, "")
        if first <= region.start + 1 <= last
    ]
    return min(inside)[1] if inside else ""


def _spans(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, int, int]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{node.name}"
            yield name, node.lineno, node.end_lineno or node.lineno
            yield from _spans(node.body, f"{name}.")


def beside(yours: Sequence[str], reference: Sequence[str], width: int) -> Iterator[tuple[str, str]]:
    """(mark, line): "=" the same on both sides, "-" yours, "+" the reference's, "!" both and different."""
    left = textwrap.dedent("\n".join(yours)).splitlines()
    right = [
        line
        for line in textwrap.dedent("\n".join(reference)).splitlines()
        if not line.strip().startswith(("# >>> task", "# <<< task"))
    ]
    matcher = difflib.SequenceMatcher(None, [x.strip() for x in left], [x.strip() for x in right], False)
    for kind, at, end, at_right, end_right in matcher.get_opcodes():
        if kind == "equal" and end - at > _ALIKE:
            # A docstring, as a rule: its first lines say which function this is.
            yield from _part(kind, left[at : at + 2], right[at_right : at_right + 2], width)
            yield "=", f"    … {end - at - 3} lines are the same"
            at, at_right = end - 1, end_right - 1
        yield from _part(kind, left[at:end], right[at_right:end_right], width)


def _part(kind: str, left: Sequence[str], right: Sequence[str], width: int) -> Iterator[tuple[str, str]]:
    return _columns(kind, left, right, width) if width >= _NARROW else _stacked(kind, left, right)


def _stacked(kind: str, left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[str, str]]:
    if kind == "equal":
        yield from (("=", f"  {line}") for line in right)
        return
    yield from (("-", f"- {line}") for line in left)
    yield from (("+", f"+ {line}") for line in right)


def _columns(kind: str, left: Sequence[str], right: Sequence[str], width: int) -> Iterator[tuple[str, str]]:
    column = (width - len(_GAP)) // 2
    mark = "=" if kind == "equal" else "!"
    cells = [[part for line in side for part in _folded(line, column)] for side in (left, right)]
    for at in range(max(map(len, cells))):
        here, there = (side[at] if at < len(side) else "" for side in cells)
        yield mark, f"{here:<{column}}{_GAP if mark == '=' else ' ≠ '}{there}".rstrip()


def _folded(line: str, width: int) -> list[str]:
    """A long line in pieces, at words where it can be: nothing is cut off."""
    if len(line) <= width:
        return [line]
    margin = " " * min(len(line) - len(line.lstrip()) + 4, width // 2)
    return textwrap.wrap(line, width, subsequent_indent=margin, break_on_hyphens=False)
