"""The constraints of the lowest versions are the bounds of pyproject.toml."""

from __future__ import annotations

from tests import lowest


def test_each_bound_becomes_one_version() -> None:
    text = '[project]\ndependencies = ["b>=2", "c"]\noptional-dependencies.t = ["a-b>=1.0.3", "b>=2"]\n'
    assert lowest.constraints(text) == ["a-b==1.0.3", "b==2"]


def test_the_project_has_a_bound_for_what_netlab_needs() -> None:
    named = {line.partition("==")[0] for line in lowest.constraints(lowest.PYPROJECT.read_text())}
    assert {"cryptography", "psutil", "pytest"} <= named
