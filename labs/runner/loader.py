"""Load an exercise, a solution or a wrong program from its path: a fresh module each time."""

from __future__ import annotations

import codecs
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
    data = _read(path)
    # dataclasses and typing look a class's module up by name while the class is made.
    sys.modules[name] = module
    try:
        # compile() rather than the loader: no .pyc is left beside the learner's file.
        exec(compile(data, str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        raise LabError(_syntax(path, error)) from None
    except (Exception, SystemExit) as error:
        raise LabError(f"{_place(path, error)}: does not import: {type(error).__name__}: {error}") from None
    return module


_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def _read(path: Path) -> bytes:
    """The file's bytes. Raises LabError for an encoding that Python does not read as source."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LabError(f"{path}: cannot be read: {error.strerror}") from None
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "")
    if not encoding and b"\0" in data:
        encoding = "UTF-16" if b"\0" in data[:2] else "something else than text"
    if encoding:
        raise LabError(f"{path}: saved as {encoding}; Python reads UTF-8: save it as UTF-8 in your editor")
    try:
        importlib.util.decode_source(data)
    except (UnicodeDecodeError, SyntaxError):
        raise LabError(
            f"{path}{_undecodable(data)}: not UTF-8, which Python reads: save it as UTF-8 in your editor"
        ) from None
    return data


def _undecodable(data: bytes) -> str:
    """ ":3", the line of the first byte that is no UTF-8; empty for a wrongly declared encoding."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return f":{line}"
    return ""


def _syntax(path: Path, error: SyntaxError) -> str:
    line = (error.text or "").strip()
    shown = f": `{line}`" if line else ""
    return f"{path}:{error.lineno}: not Python yet: {error.msg}{shown}"


def _place(path: Path, error: BaseException) -> str:
    """The last line of the file itself that the error passed through."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)
