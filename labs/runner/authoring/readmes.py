"""What a README promises, checked: make targets, commands and their options, files, quoted source.

Only what stands in code (`…` or a fenced block) is read as a promise.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from labs.runner.registry import ROOT

_FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_TARGET = re.compile(r"\bmake ((?:[A-Z]+=\S+ )*)([a-z][a-z0-9-]*(?:NN)?)")
_COMMAND = re.compile(r"python3? -m (netlab|labs)(?: ([a-z][\w-]*))?([^\n|;&#`]*)")
_BARE = re.compile(r"(?<!\.venv/bin/)(?<![\w.-])(python3? -m (?:netlab|labs)\b|pip3? install\b)")
_FILE = re.compile(r"(?<![\w/.:])((?:netlab|labs|tests|\.ci)/[\w./-]*\w|Makefile|pyproject\.toml)(?![\w…])")
_MADE = "labs/report"  # a run makes it
_SOURCE = re.compile(r"^# ((?:netlab|labs|tests)/\S+\.py)\b.*$")
_ELISION = re.compile(r"^\s*(#\s*)?(…|\.\.\.)\s*$")


def errors(text: str, root: Path = ROOT) -> list[str]:
    """Every promise of the text that the project does not keep."""
    fences = [(match["language"], match["body"]) for match in _FENCE.finditer(text)]
    prose = _FENCE.sub("", text)
    spans = _INLINE.findall(prose)
    shell = [body for language, body in fences if language in ("", "sh", "bash", "shell", "console", "text")]
    found: list[str] = []
    for code in [*spans, *shell]:
        found += _targets(code, root)
        found += _commands(code, root)
    for span in spans:
        found += [
            f"names {path}, which does not exist"
            for path in _FILE.findall(span)
            if "NN" not in path and not path.startswith(_MADE) and not (root / path.rstrip("/")).exists()
        ]
    for language, body in fences:
        if language in ("python", "py"):
            found += _quotation(body, root)
    return list(dict.fromkeys(found))


def bare(text: str) -> list[str]:
    """Every command that would meet a Python without netlab's libraries: the learner's own, not .venv's."""
    return [
        f"says bare `{command}`, which a fresh clone cannot run: write `.venv/bin/{command}`"
        for command in dict.fromkeys(_BARE.findall(text))
    ]


def _targets(code: str, root: Path) -> Iterator[str]:
    for _, target in _TARGET.findall(code):
        if not re.search(_known_targets(root), target.replace("NN", "01")):
            yield f"says `make {target}`, but the Makefile has no such target"


@functools.cache
def _known_targets(root: Path) -> str:
    """One pattern that matches every target, `lab-%` included."""
    makefile = root / "Makefile"
    rules = re.findall(
        r"^([a-z][\w% -]*?):(?!=)", makefile.read_text("utf-8") if makefile.exists() else "", re.MULTILINE
    )
    names = [re.escape(name).replace("%", r"\S+") for rule in rules for name in rule.split()]
    return rf"^({'|'.join(names)})$" if names else "$^"


def _commands(code: str, root: Path) -> Iterator[str]:
    for program, command, rest in _COMMAND.findall(code):
        overview = _help(program, "", root)
        if not command:
            continue
        if not re.search(rf"\b{re.escape(command)}\b", overview):
            yield f"says `python -m {program} {command}`, but there is no such command"
            continue
        explained = _help(program, command, root)
        for option in re.findall(r"(?<!\S)(--?[a-z][\w-]*)", rest):
            if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", explained):
                yield f"says `python -m {program} {command} {option}`, but there is no such option"


@functools.cache
def _help(program: str, command: str, root: Path) -> str:
    words = [sys.executable, "-m", program, *([command] if command else []), "--help"]
    return subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=30, check=False).stdout


def _quotation(body: str, root: Path) -> Iterator[str]:
    """A block that names its file must quote it: its lines are there, in this order."""
    lines = body.splitlines()
    named = _SOURCE.match(lines[0]) if lines else None
    if named is None:
        return
    source = root / named[1]
    if not source.is_file():
        yield f"quotes {named[1]}, which does not exist"
        return
    there = iter([line.strip() for line in source.read_text("utf-8").splitlines()])
    for line in lines[1:]:
        if line.strip() and not _ELISION.match(line) and line.strip() not in there:
            yield f"quotes {named[1]}, but this line is not there (or not in this order): {line.strip()}"
            return
