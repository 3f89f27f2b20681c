"""What a lab's tests call and the learner's file does not have, or has with other parameters.

Takes the exception and the reference; gives one line that says what to put back. Without it,
a learner that renamed or deleted a function would read "module 'exercise' has no attribute 'greet'".
"""

from __future__ import annotations

import ast
import re
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

_MODULE = "exercise"  # the name under which labs.runner.loader runs the learner's file
_CALL = re.compile(r"(?:[\w<>]+\.)*(\w+)\(\) (?:takes|missing|got)\b")


def absent(error: BaseException, reference: Path, exercise: Path) -> str:
    """ "exercise.py has no `greet`: put back `def greet(name: str) -> bytes:`"; empty for other errors."""
    if isinstance(error, AttributeError):
        owner = _owner(getattr(error, "obj", None))
        name = error.name or ""
        line = _definition(reference, owner, name) if owner is not None else ""
        inside = f"`{owner}` has no `{name}`" if owner else f"no `{name}` is there"
        return f"{exercise.name}: {inside}: put back `{line}`" if line else ""
    if isinstance(error, TypeError) and not _passed_through(error, exercise):
        called = _CALL.match(str(error))
        line = _definition(reference, None, called[1]) if called else ""
        return f"{exercise.name}: {error}: the checks call it as `{line}`" if line else ""
    return ""


def _owner(thing: Any) -> str | None:
    """Whose attribute is missing: "" for the module, the class's name for a class or an object; else None."""
    if isinstance(thing, ModuleType):
        return "" if thing.__name__ == _MODULE else None
    kind = thing if isinstance(thing, type) else type(thing)
    return kind.__name__ if getattr(kind, "__module__", "") == _MODULE else None


def _passed_through(error: BaseException, exercise: Path) -> bool:
    """Whether the error was raised by a line of the learner's file."""
    return any(frame.filename == str(exercise) for frame in traceback.extract_tb(error.__traceback__))


def _definition(reference: Path, owner: str | None, name: str) -> str:
    """How the reference begins a definition of its module (owner ""), of a class, or (None) of either."""
    try:
        tree = ast.parse(reference.read_bytes())
    except (OSError, SyntaxError):
        return ""
    places: list[list[ast.stmt]] = [tree.body] if not owner else []
    places += [
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and (owner is None or node.name == owner)
    ]
    for node in (node for body in places for node in body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return _signature(node)
        if isinstance(node, ast.ClassDef) and node.name == name:
            return f"class {name}"
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return f"{name} = …"
    return ""


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{word} {node.name}({ast.unparse(node.args)}){returned}:"
