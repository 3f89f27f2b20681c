"""A README's promises are kept, or the promise that is broken is named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from labs.runner import registry
from labs.runner.authoring import readmes, verify
from labs.runner.registry import ROOT, Lab


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small project: a Makefile and one source file."""
    (tmp_path / "Makefile").write_text("labs test:\n\ttrue\nlab-%: setup\n\ttrue\nPY := x\n")
    (tmp_path / "netlab").mkdir()
    (tmp_path / "netlab" / "thing.py").write_text("def one():\n    return 1\n\n\ndef two():\n    return 2\n")
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "Run `make lab-03` or `make lab-NN`.",
        "```\nmake labs\nQUICK=1 make test\n```",
        "You can make nothing of it; `make test QUICK=1`.",
        "See `netlab/thing.py` and `netlab/`.",
        "Yours is `work/03_preflight/exercise.py`, the lab `labs/NN_slug/README.md`.",
        "```python\n# netlab/thing.py\ndef one():\n    ...\n    return 2\n```",
        "```python\nanything = 1\n```",
        "```python\n# netlab/thing.py, near the end\n\n    return 2\n```",
    ],
)
def test_kept(root: Path, text: str) -> None:
    assert readmes.errors(text, root) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Run `make laps`.", "says `make laps`, but the Makefile has no such target"),
        ("```sh\nmake hint-01\n```", "says `make hint-01`, but the Makefile has no such target"),
        ("See `netlab/other.py`.", "names netlab/other.py, which does not exist"),
        ("```python\n# netlab/other.py\nx\n```", "quotes netlab/other.py, which does not exist"),
        (
            "```python\n# netlab/thing.py\n    return 2\ndef one():\n```",
            "quotes netlab/thing.py, but this line is not there (or not in this order): def one():",
        ),
    ],
)
def test_broken(root: Path, text: str, complaint: str) -> None:
    assert readmes.errors(text, root) == [complaint]


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("python -m labs status", ""),
        ("python -m labs measure 3 --mine", ""),
        ("python -m labs juggle 3", "says `python -m labs juggle`, but there is no such command"),
        (
            "python -m labs measure --nonesuch",
            "says `python -m labs measure --nonesuch`, but there is no such option",
        ),
    ],
)
def test_commands_and_their_options_are_asked_of_the_program(code: str, complaint: str) -> None:
    assert readmes.errors(f"`{code}`", ROOT) == ([complaint] if complaint else [])


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("    .venv/bin/python -m netlab serve", []),
        ("`.venv/bin/pip install h11` or `.venv/bin/python3 -m labs status`", []),
        ("    python3 -m http.server", []),
        ("    python -m netlab serve", ["python -m netlab"]),
        (
            "(python3 -m netlab probe -- python3 -m netlab serve; pip install h11)",
            ["python3 -m netlab", "pip install"],
        ),
    ],
)
def test_a_command_without_the_environment_is_refused(text: str, commands: list[str]) -> None:
    assert readmes.bare(text) == [
        f"says bare `{command}`, which a fresh clone cannot run: write `.venv/bin/{command}`"
        for command in commands
    ]


def test_every_target_that_the_runner_itself_names_exists() -> None:
    sources = " ".join(path.read_text("utf-8") for path in (ROOT / "labs" / "runner").rglob("*.py"))
    named = set(re.findall(r"`make ([a-z]+(?:-[a-z]+)*(?:-\{[^}]*\})?)[` ]", sources))
    assert {"status", "lab-{lab.number:02d}"} <= named
    spoken = " ".join(f"`make {re.sub('{.*}', '01', name)}`" for name in named)
    assert readmes.errors(spoken, ROOT) == []


@pytest.mark.parametrize("name", ["README.md", "labs/README.md", "certs/README.md", "netlab/cli/README.md"])
def test_the_projects_own_readmes_keep_their_word(name: str) -> None:
    assert readmes.errors((ROOT / name).read_text("utf-8"), ROOT) == []


@pytest.mark.parametrize("name", ["README.md", "labs/README.md", "netlab/cli/README.md"])
def test_every_link_of_a_readme_leads_to_a_file(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text("utf-8"))
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []
    assert links or name == "labs/README.md"


def test_the_readme_is_about_a_screen_and_keeps_its_promises() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 90, "more belongs into a page that it links"
    headings = ["Two commands", "The labs", "For your FastAPI app", "How to read on", "Measured"]
    assert re.findall(r"^## (.*)$", text, re.M) == headings
    assert all(f"| {lab.number:02d} | {lab.slug} |" in text for lab in registry.written())


@pytest.mark.parametrize("lab", registry.written(), ids=lambda lab: lab.slug)
def test_what_the_texts_of_a_lab_promise_and_quote_is_there(lab: Lab) -> None:
    """labs-verify finds this, too; here the author of quoted code sees it at once."""
    assert list(verify._readme_keeps_its_word(lab)) == []


@pytest.mark.parametrize("lab", registry.written(), ids=lambda lab: lab.slug)
def test_the_article_is_named_and_linked_in_each_lab(lab: Lab) -> None:
    readme = (lab.folder / "README.md").read_text("utf-8")
    assert f"[{registry.ARTICLE}]({registry.ARTICLE_URL})" in readme
    for path in (*lab.folder.glob("*.md"), lab.folder / "lab.toml"):
        told = re.findall(
            r"[Tt]he source(?:'s| goes| says| calls| gives| thinks)[^.]*", path.read_text("utf-8")
        )
        assert told == [], f"{path.name}: the article is meant"
    explanation = lab.explanation.read_text("utf-8")
    assert "rticle" not in explanation or f"]({registry.ARTICLE_URL})" in explanation


@pytest.mark.parametrize("lab", registry.written(), ids=lambda lab: lab.slug)
def test_an_explanation_ends_in_what_the_reader_uses_and_in_answered_questions(lab: Lab) -> None:
    text = lab.explanation.read_text("utf-8")
    assert re.search(r"^## In (?:FastAPI|your browser|requests)\b", text, re.M)
    further = text.split("\n## Go further")[1]
    assert "<summary>Answer" in further and further.count("<details>") == further.count("</details>")


@pytest.mark.parametrize("lab", registry.written(), ids=lambda lab: lab.slug)
def test_the_readme_gives_each_task_the_minutes_of_the_lab(lab: Lab) -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \|", (lab.folder / "README.md").read_text("utf-8"), re.M)
    assert [(int(task), int(minutes)) for task, minutes in rows] == [(t.number, t.minutes) for t in lab.tasks]
    assert sum(task.minutes for task in lab.tasks) == lab.minutes


@pytest.mark.parametrize("lab", registry.written(), ids=lambda lab: lab.slug)
def test_a_measurement_of_the_reference_does_not_call_it_the_readers(lab: Lab) -> None:
    """`run.owner` says "your" or "the reference's". What is not shown may name the learner's code."""
    tree = ast.parse((lab.folder / "measure.py").read_text("utf-8"))
    spared = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]  # docstrings
    spared += [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
    left = {id(part) for whole in spared for part in ast.walk(whole) if "say" not in ast.dump(whole)[:90]}
    said = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left
    ]
    assert [text for text in said if re.search(r"(?<![a-z])yours?(?![a-z])", text)] == []
