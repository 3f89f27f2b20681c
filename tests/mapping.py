"""The map from source files to tests: `python -m tests.mapping` writes tests/README.md from the code itself.

For each file of netlab: the tests that import it, or else its room's tests; the wire cases that concern it;
the sections of the RFCs that its head names. tests/test_architecture.py holds the map to be current.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE, TESTS = ROOT / "netlab", ROOT / "tests"
README = TESTS / "README.md"

_BEGIN, _END = "<!-- the map: made by python -m tests.mapping -->\n", "<!-- the end of the map -->\n"

# Which wire cases (netlab/check/wire) concern which files.
WIRE = {
    "netlab/http1/content.py": ("chunked", "end_of_input"),
    "netlab/http1/framing.py": ("content_length", "transfer_encoding", "smuggling"),
    "netlab/http1/heads.py": ("field_lines", "host", "methods_targets", "request_line"),
    "netlab/http1/parser.py": ("pipelining", "request_line"),
    "netlab/http1/plainhead.py": ("field_lines", "host", "request_line"),
    "netlab/http1/refusing.py": ("field_lines", "request_line"),
    "netlab/http1/trailers.py": ("chunked",),
    "netlab/server/body.py": ("chunked", "end_of_input", "expect"),
    "netlab/server/connection.py": ("connection", "end_of_input", "pipelining"),
    "netlab/server/exchange.py": ("connection", "expect"),
}

_SECTION = re.compile(r"RFC [0-9]{4}(?: (?:§|section )[0-9]+(?:\.[0-9]+)*)?")


def source_files() -> list[Path]:
    """Every file of netlab with a body: a package's `__init__` that only gathers names has none."""
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__init__.py"]


def module_of(path: Path) -> str:
    """netlab/http1/heads.py is netlab.http1.heads."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _exports(package: str) -> dict[str, str]:
    """What a package's `__init__` takes from its modules: name to module."""
    path = ROOT / Path(*package.split(".")) / "__init__.py"
    found: dict[str, str] = {}
    if path.is_file():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {alias.asname or alias.name: node.module for alias in node.names}
            elif isinstance(
                node, ast.Dict
            ):  # netlab's own names, loaded on first use: {"Server": "netlab.…"}
                pairs = zip(node.keys, node.values, strict=True)
                found |= {
                    str(key.value): str(value.value)
                    for key, value in pairs
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
                }
    return found


def imported_by(path: Path) -> set[str]:
    """The modules of netlab that a test file uses by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("netlab")}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("netlab"):
            for alias in node.names:
                found.add(_exports(node.module).get(alias.name, node.module))
                found.add(f"{node.module}.{alias.name}")
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "netlab"
        ):
            found.add(_exports("netlab").get(node.attr, "netlab"))
    return found


def tests_of_modules() -> dict[str, list[Path]]:
    """Module to the test files that import it."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for module in imported_by(path):
            found[module].append(path)
    return found


def room_tests(path: Path) -> list[Path]:
    """The folder of tests that stands for a file's room, if no test imports the file itself."""
    parts = path.relative_to(PACKAGE).parts
    for depth in range(len(parts) - 1, 0, -1):
        folder = TESTS.joinpath(*parts[:depth])
        if folder.is_dir():
            return [folder]
    if parts[0] == "cli":
        return _command_tests()
    named = [TESTS / path.stem, *sorted(TESTS.rglob(f"test_{path.stem}*.py"))]
    return [place for place in named if place.exists()]


@cache
def _command_tests() -> list[Path]:
    """The tests that run a command whole: part of a command is tested there, if no test imports it."""
    return [path for path in sorted(TESTS.rglob("test_*.py")) if '"netlab", ' in path.read_text("utf-8")]


def sections(path: Path) -> list[str]:
    """The sections that a file's head names, each once."""
    head = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return list(dict.fromkeys(found.replace("section ", "§") for found in _SECTION.findall(head)))


def table() -> str:
    """The map as Markdown: a table for each room."""
    tests = tests_of_modules()
    rooms: dict[str, list[str]] = defaultdict(list)
    for path in source_files():
        parts = path.relative_to(PACKAGE).parts
        places = tests.get(module_of(path)) or room_tests(path)
        shown = [place.relative_to(TESTS).as_posix() + ("/" if place.is_dir() else "") for place in places]
        name = path.relative_to(ROOT).as_posix()
        cells = [name, _few(shown), ", ".join(WIRE.get(name, ())), ", ".join(sections(path))]
        rooms[parts[0] if len(parts) > 1 else "netlab"].append("| " + " | ".join(cells) + " |")
    head = "| source | tests | wire cases | rules |\n|---|---|---|---|\n"
    return "\n".join(f"### {room}\n\n{head}" + "\n".join(rows) + "\n" for room, rows in sorted(rooms.items()))


def _few(names: list[str], most: int = 4) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def made() -> str:
    """tests/README.md with the map as the code has it now."""
    text = README.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


if __name__ == "__main__":
    README.write_text(made(), "utf-8")
    print(f"written: {README.relative_to(ROOT)}")
