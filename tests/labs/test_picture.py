"""README's picture shows the figures of its run, and the one in git is drawn by this code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from labs.runner.errors import LabError
from labs.runner.report import picture

ROOT = Path(__file__).parents[2]
RUN = {
    "machine": {"processor": "a <chip>", "Python": "CPython 3.99"},
    "labs": [
        {"lab": "raw_socket", "figures": {"packets_per_fetch": 13, "packets_per_fetch_reused": 4}},
        {"lab": "river", "figures": {"deaf_server_rise_mib": 0, "one_client_rise_mib": 0}},
    ],
}


def _texts(svg: str) -> list[str]:
    return [
        element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")
    ]


def test_the_picture_has_the_figures_of_its_run() -> None:
    texts = _texts(picture.svg(RUN))
    assert texts[:5] == [picture.PANELS[0].title, "on a new connection", "13", "on an open connection", "4"]
    assert "a <chip>" in texts[-1]


def test_the_bars_are_as_long_as_the_figures() -> None:
    lengths = re.findall(r'class="(?:first|second)" y="\d+" width="([\d.]+)"', picture.svg(RUN))
    assert float(lengths[0]) * 4 == pytest.approx(float(lengths[1]) * 13, rel=0.01)


def test_a_lab_that_was_not_measured_is_said() -> None:
    assert _texts(picture.svg(RUN)).count("not shown in this run") == len(picture.PANELS) - 2


def test_without_a_run_the_error_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="make labs"):
        picture.draw(tmp_path / "index.json", tmp_path / "picture.svg")
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(LabError, match="make labs"):
        picture.draw(tmp_path / "index.json", tmp_path / "picture.svg")


def test_the_picture_of_the_readme_is_drawn_by_this_code_and_lacks_nothing() -> None:
    drawn = (ROOT / "labs" / "picture.svg").read_text("utf-8")
    example = json.loads((ROOT / "labs" / "book" / "figures.json").read_text("utf-8"))
    assert drawn == picture.svg(example), "draw it anew: .venv/bin/python -m labs picture, without a run here"
    assert "not shown in this run" not in drawn and "…" not in drawn
    assert "labs/picture.svg" in (ROOT / "README.md").read_text()


def test_a_heading_takes_its_figure_from_the_run() -> None:
    (panel,) = [panel for panel in picture.PANELS if panel.lab == "keep_alive"]
    assert picture.title_of(panel, {"far_round_trip_ms": 20.0}) == "20 GETs over TLS, at 20 ms"
    assert picture.title_of(panel, {}) == "20 GETs over TLS, at … ms"


def test_a_shortened_run_is_said_in_its_picture() -> None:
    assert "QUICK=1" in _texts(picture.svg(RUN | {"quick": True}))[-1]
    assert "QUICK=1" not in _texts(picture.svg(RUN))[-1]


def test_without_a_run_here_the_command_draws_the_example_and_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "labs", "picture", "--report", str(tmp_path / "report")]
    drawn = tmp_path / "report" / "picture.svg"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "this is the example run. `make labs` measures this machine." in done.stdout
    example = json.loads((ROOT / "labs" / "book" / "figures.json").read_text("utf-8"))
    assert drawn.read_text("utf-8") == picture.svg(example)


def test_the_picture_is_drawn_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(json.dumps(RUN))
    assert picture.draw(tmp_path / "index.json", tmp_path / "p.svg").read_text() == picture.svg(RUN)
