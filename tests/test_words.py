"""The words of the project: a sentence names its actor, a name has one meaning. See netlab/GLOSSARY.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A sentence names its actor: client, server, handler, kernel. These words hide it.
HIDDEN_ACTOR = re.compile(r"\b(nobody|whoever|somebody)\b", re.IGNORECASE)

TEXTS = sorted(
    path
    for folder in ("netlab", "labs")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".md", ".toml") and "report" not in path.relative_to(ROOT).parts[:2]
)
TESTS = sorted([*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "labs").rglob("test_lab.py")])


@pytest.mark.parametrize("folder", ["netlab", "labs/runner"])
def test_a_sentence_names_its_actor(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}"
        for path in TEXTS
        if path.relative_to(ROOT).as_posix().startswith(f"{folder}/")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if HIDDEN_ACTOR.search(line)
    ]
    assert not found, "name the actor (client, handler, kernel, reader, …):\n" + "\n".join(found)


def test_a_tests_name_names_its_actor() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in TESTS
        for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
        if HIDDEN_ACTOR.search(name.replace("_", " "))
    ]
    assert not found, found
