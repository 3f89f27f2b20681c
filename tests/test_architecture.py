"""The house stands: floors, cycles, third parties, sizes, heads of files. Read from the source, not run."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "netlab"

# The floor of each room; a module imports only from floors below its own, or from its own room.
FLOORS = {
    "http1": 0, "cors": 0, "tls": 0, "capture": 0,
    "net": 1,
    "server": 2, "prefork": 2, "client": 2, "probes": 2, "relay": 2, "sniffer": 2,
    "asgi": 3, "testing": 3, "check": 3, "live": 3,
    "cli": 4, "__main__": 4,
}  # fmt: skip

THIRD_PARTIES = {"cryptography", "psutil"}

# Rooms of one floor that may lean on another of the same floor, each with its reason.
NEIGHBOURS = {
    ("__main__", "cli"): "it is the front door of the command line",
    ("prefork", "server"): "each of its processes is a server",
    ("testing", "asgi"): "a test gives its ASGI app as it is",
    ("tls", "http1"): "the tracer reads decrypted application data as HTTP/1.1; http1 knows nothing of tls",
}

FILES = sorted(PACKAGE.rglob("*.py"))


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "netlab"


def _module(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _imports(path: Path) -> frozenset[tuple[str, bool]]:
    """What a file imports: (module, is it only for the type checker?)."""
    tree = ast.parse(path.read_text())
    typing_only: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            typing_only.update(child for statement in node.body for child in ast.walk(statement))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name, node in typing_only) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            found.add((node.module or "", node in typing_only))
    return frozenset(found)


def _label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=_label)
def test_a_module_imports_only_from_floors_below(path: Path) -> None:
    room = _room(_module(path))
    if room == "netlab":  # the front door: public names, loaded on first use
        return
    assert room in FLOORS, f"{_label(path)} stands in no room of the house: give {room!r} a floor"
    for module, _ in _imports(path):
        if module == "netlab" or not module.startswith("netlab."):
            continue
        other = _room(module)
        allowed = other == room or FLOORS[other] < FLOORS[room] or (room, other) in NEIGHBOURS
        assert allowed, f"{_label(path)} (floor {FLOORS[room]}) imports {module} (floor {FLOORS[other]})"


@pytest.mark.parametrize("path", FILES, ids=_label)
def test_beyond_the_standard_library_only_cryptography_and_psutil(path: Path) -> None:
    for module, _ in _imports(path):
        top = module.split(".")[0]
        known = top in sys.stdlib_module_names or top in THIRD_PARTIES or top == "netlab"
        assert known, f"{_label(path)} imports {top}"


def test_no_import_cycle() -> None:
    """Imports under TYPE_CHECKING count, too: a reader follows them as well."""
    edges = {
        _module(path): {module for module, _ in _imports(path)}
        for path in FILES
        if _module(path) != "netlab"  # the front door: public names, loaded on first use
    }
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, "import cycle: " + " → ".join((*way, module))
        if module in done or module not in edges:
            return
        for other in edges[module]:
            # A package's own __init__ gathers the names of its modules; that is no cycle of theirs.
            if other != module and not module.startswith(other + "."):
                visit(other, (*way, module))
        done.add(module)

    for module in edges:
        visit(module, ())


@pytest.mark.parametrize("path", FILES, ids=_label)
def test_a_file_opens_by_saying_what_lives_in_it(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring and len(docstring) > 20, f"{_label(path)} has no head"


READ = [path for folder in ("labs", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", [*FILES, *READ], ids=_label)
def test_files_stay_readable_in_one_sitting(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    # Tests are read row by row: a few lines more.
    most = 435 if path.is_relative_to(ROOT / "tests") or path.name.startswith("test_") else 420
    assert lines <= most, f"{_label(path)} has {lines} lines: {most} is the limit"


@pytest.mark.parametrize("path", FILES, ids=_label)
def test_functions_stay_readable_at_a_glance(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0]
            is_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            start = first.end_lineno if is_doc else node.lineno
            lines = (node.end_lineno or 0) - (start or 0)
            assert lines <= 50, f"{_label(path)}: {node.name} has {lines} lines: about 40 is the limit"


LIGHT = {
    "netlab": {"asyncio", "ssl", "cryptography", "psutil"},
    "netlab.http1": {"asyncio", "socket", "ssl", "cryptography", "psutil"},
    "netlab.server.server": {"cryptography", "psutil", "netlab.client"},
    "netlab.server.running": {"cryptography", "psutil", "netlab.client"},
}


@pytest.mark.parametrize("module", LIGHT)
def test_a_module_loads_only_what_it_uses(module: str) -> None:
    script = f"import sys, {module}; print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert not LIGHT[module] & set(loaded), f"{module} loads {LIGHT[module] & set(loaded)}"


BRIDGE = [path for path in FILES if path.parent.name == "asgi"]


@pytest.mark.parametrize("path", BRIDGE, ids=_label)
def test_the_asgi_bridge_uses_public_names_alone(path: Path) -> None:
    source = path.read_text()
    assert "type: ignore" not in source
    own = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            assert "cast" not in names, f"{_label(path)} casts"
            assert not any(name.startswith("_") for name in names if name != "annotations"), names
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            on = node.value.id if isinstance(node.value, ast.Name) else ast.unparse(node.value)
            assert on in {"self", "cls", *own}, f"{_label(path)}: {on}.{node.attr} is not ours"


def test_two_files_of_tests_share_a_name_only_inside_packages() -> None:
    outside = [path for path in ROOT.glob("tests/**/test_*.py") if not (path.parent / "__init__.py").exists()]
    times = Counter(path.name for path in outside)
    # Of two modules with one name and no package, pytest can load one alone.
    assert [path for path in outside if times[path.name] > 1] == []


# Files of tests that another interpreter runs as a script, with their own folder alone on its path.
SCRIPTS = {"tests/tls/another_python.py"}


def _absolute_imports(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append(node.module or "")
    return found


def test_a_test_imports_another_file_of_the_tests_by_its_package() -> None:
    # A bare name such as `conftest` means the file that pytest has loaded first, in whichever folder that is.
    files = [path for path in ROOT.glob("tests/**/*.py") if _label(path) not in SCRIPTS]
    names = {path.stem for path in files} - {"__init__", "__main__"} - sys.stdlib_module_names
    bare = [
        f"{_label(path)} imports {module}"
        for path in files
        for module in _absolute_imports(path)
        if module.partition(".")[0] in names
    ]
    assert bare == [], "write `from tests.folder.name import …`"
