"""The book: it builds without a warning, quotes what exists, links to what is there, and fits its pages."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from netlab.server.states import BEGINNINGS, TRANSITIONS

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "labs" / "book"
PAGES = 6  # of A4, at most, for a chapter
CHAPTERS = (
    "journey", "framing", "head", "chunks", "socket", "life", "deadlines", "backpressure", "pool", "cors",
    "certificates", "tricks",
)  # fmt: skip


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Run Sphinx as `make book` does."""
    if importlib.util.find_spec("sphinx") is None:  # type: ignore[attr-defined]
        message = "needs Sphinx (make book installs it)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-d", str(target / ".trees")]
    return subprocess.run(
        [*command, str(source), str(target)], capture_output=True, text=True, timeout=100, check=False
    )


class Anchors(HTMLParser):
    """The ids and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given["id"]} if "id" in given else set()
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("link", "script", "img") and (given.get("href") or given.get("src")):
            self.loaded.append(given.get("href") or given["src"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book, built once."""
    target = tmp_path_factory.mktemp("book")
    done = build(BOOK, target)
    assert done.returncode == 0, done.stderr
    return target


def test_each_chapter_ends_in_the_lab_that_builds_it() -> None:
    for name in CHAPTERS:
        text = (BOOK / f"{name}.md").read_text("utf-8")
        last = text.split("\n## ")[-1]
        assert last.startswith("Build it\n") and re.search(r"Lab \d\d \(`make lab-\d\d`\)", last), name


def test_each_number_that_a_run_gives_is_a_figure_of_the_kept_example(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = {
        lab["lab"]: lab["figures"] for lab in json.loads((BOOK / "figures.json").read_text("utf-8"))["labs"]
    }
    for path in BOOK.glob("*.md"):
        for lab, figure in re.findall(r"\{\{[^}]*?([a-z_]+)\.([a-z_0-9]+)[^}]*\}\}", path.read_text("utf-8")):
            assert lab == "run" or figure in kept[lab], f"{path.name}: {lab}.{figure}"


EXAMPLE = {
    "machine": {"processor": "an example", "Python": "CPython 3.11"},
    "labs": [{"lab": "river", "figures": {"rise": 1}}, {"lab": "pool", "figures": {"waited": 2}}],
}


@pytest.mark.parametrize(
    ("kept", "told", "rise"),
    [
        ({}, "an example run", 1),
        (
            {"labs": [{"lab": "river", "figures": {"rise": 9}}]},
            "what it lacks is of an example run: pool)",
            9,
        ),
        ({"quick": True}, "which QUICK=1 shortened", 1),
        ({"quick": False}, "the last `make labs` here", 1),
        (None, "an example run", 1),
    ],
)
def test_the_book_says_which_run_its_numbers_are_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: dict[str, object] | None, told: str, rise: int
) -> None:
    monkeypatch.syspath_prepend(str(BOOK))
    figures = importlib.import_module("run_figures").figures
    example, run = tmp_path / "figures.json", tmp_path / "index.json"
    example.write_text(json.dumps(EXAMPLE))
    if kept is None:
        run.write_text('{"labs": [')
    elif kept:
        run.write_text(json.dumps(EXAMPLE | {"machine": EXAMPLE["machine"]} | kept))
    found = figures(example, run)
    assert told in found["run"]["which"] and found["river"]["rise"] == rise
    assert found["pool"]["waited"] == 2
    assert ("shortened" in found["run"]["which"]) == bool(kept and kept.get("quick"))


def test_the_picture_of_a_connections_life_has_each_state_and_each_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(BOOK))
    drawn = importlib.import_module("lifeline").html()
    moves = [(a.value, b.value) for a, ends in TRANSITIONS.items() for b in ends]
    assert drawn.count("<rect") == len(TRANSITIONS)
    assert drawn.count('stroke-width="1.6"') == len(moves)
    for start, end in moves:
        assert f"<td>{start}</td><td>{end}</td>" in drawn
    assert drawn.count("<tr><td>") == len(moves) + len(BEGINNINGS)


@pytest.mark.soak
def test_every_link_inside_the_book_leads_somewhere_and_nothing_is_fetched(built: Path) -> None:
    pages = {path: Anchors(path.read_text("utf-8")) for path in built.glob("*.html")}
    assert {f"{name}.html" for name in CHAPTERS} <= {path.name for path in pages}
    for path, page in pages.items():
        assert [loaded for loaded in page.loaded if urlsplit(loaded).netloc] == [], path.name
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme == "https" and parts.netloc, f"{path.name}: {link}"
                continue
            target = path if not parts.path else (path.parent / unquote(parts.path))
            assert target.exists(), f"{path.name}: {link}"
            if parts.fragment and target in pages:
                assert parts.fragment in pages[target].ids, f"{path.name}: {link}"


@pytest.mark.soak
def test_a_renamed_function_breaks_the_build(tmp_path: Path) -> None:
    tree = tmp_path / "copy"
    for folder in ("labs/book", "netlab"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    renamed = tree / "netlab" / "http1" / "framing.py"
    renamed.write_text(renamed.read_text("utf-8").replace("def content_length(", "def length_of("), "utf-8")
    done = build(tree / "labs" / "book", tmp_path / "out")
    assert done.returncode != 0 and "content_length" in done.stderr
