"""The pages that explain the source keep their word: quotations, files, state diagram, map of tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labs.runner.authoring import readmes
from netlab.server.states import diagram
from tests import mapping

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "netlab").glob("*.md"))
_PLACE = re.compile(r"`((?:asgi|capture|check|client|cors|http1|net|server|tls|prefork|probes)/[\w./]+)`")
_TEST = re.compile(r"`(tests/[\w./]+)`")


def test_the_pages_are_there() -> None:
    assert [page.name for page in PAGES] == ["BENCH.md", "FAST.md", "GLOSSARY.md", "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_quotes_and_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not readmes.errors(text)
    named = [ROOT / "netlab" / place for place in _PLACE.findall(text)]
    named += [ROOT / place for place in _TEST.findall(text)]
    assert [str(path) for path in named if not path.exists()] == []
    links = [page.parent / link for link in re.findall(r"\]\(([^)#:]+)\)", text)]
    assert [str(path) for path in links if not path.exists()] == []


def test_the_diagram_is_drawn_from_the_table_that_the_server_executes() -> None:
    drawn = re.search(
        r"```mermaid\n(.*?)\n```", (ROOT / "netlab" / "README.md").read_text("utf-8"), re.DOTALL
    )
    assert drawn is not None and drawn[1] == diagram()


STEPS = {
    1: "netlab/server/server.py",
    2: "netlab/server/connection.py",
    3: "netlab/server/exchange.py",
    4: "netlab/server/exchange.py",
    5: "netlab/server/exchange.py",
    6: "netlab/server/exchange.py",
    7: "netlab/server/connection.py",
}


@pytest.mark.parametrize("number", STEPS)
def test_each_step_of_a_request_is_numbered_in_the_page_and_where_it_happens(number: int) -> None:
    assert f"\n**{number}. " in (ROOT / "netlab" / "README.md").read_text("utf-8")
    assert re.search(rf"\b[Ss]teps? {number}\b", (ROOT / STEPS[number]).read_text("utf-8"))


def test_every_file_is_reached_from_the_map_of_tests() -> None:
    tests = mapping.tests_of_modules()
    for path in mapping.source_files():
        assert tests.get(mapping.module_of(path)) or mapping.room_tests(path), f"no test reaches {path}"


def test_the_map_of_tests_is_current() -> None:
    now = mapping.README.read_text("utf-8")
    assert now == mapping.made(), "run .venv/bin/python -m tests.mapping"
