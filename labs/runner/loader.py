"""Load an exercise, a solution or a wrong program from its path: a fresh module each time."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from labs.runner.errors import LabError


def load(path: Path, name: str = "exercise") -> ModuleType:
    """Run the file as a module. Raises LabError, one line, for what does not compile or import."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise LabError(f"{path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    # dataclasses and typing look a class's module up by name while the class is made.
    sys.modules[name] = module
    try:
        # compile() rather than the loader: no .pyc is left beside the learner's file.
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        raise LabError(_syntax(path, error)) from None
    except (Exception, SystemExit) as error:
        raise LabError(f"{_place(path, error)}: does not import: {type(error).__name__}: {error}") from None
    return module


def _syntax(path: Path, error: SyntaxError) -> str:
    line = (error.text or "").strip()
    shown = f": `{line}`" if line else ""
    return f"{path}:{error.lineno}: not Python yet: {error.msg}{shown}"


def _place(path: Path, error: BaseException) -> str:
    """The last line of the file itself that the error passed through."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)
