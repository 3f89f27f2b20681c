"""A learner's code beside the reference: what is the same, what differs, nothing cut off."""

from __future__ import annotations

import pytest

from labs.runner.authoring import regions
from labs.runner.learner.beside import beside, definitions, enclosing
from tests.labs import toy

REFERENCE = ["def add(a, b):", "    # >>> task 2: add", "    return a + b", "    # <<< task 2"]
YOURS = ["def add(a, b):", "    total = a", "    return a - b"]


def test_each_region_is_found_in_its_function() -> None:
    source = toy.FILES["solution.py"]
    assert [enclosing(source, region) for region in regions.find(source)] == ["greet", "add"]
    assert definitions(source)["add"][0] == "def add(a: int, b: int) -> int:"
    assert definitions("def (") == {}


def test_on_a_narrow_terminal_both_stand_one_below_the_other() -> None:
    assert list(beside(YOURS, REFERENCE, 80)) == [
        ("=", "  def add(a, b):"),
        ("-", "-     total = a"),
        ("-", "-     return a - b"),
        ("+", "+     return a + b"),
    ]


@pytest.mark.parametrize("width", [100, 116])
def test_on_a_wide_terminal_they_stand_side_by_side(width: int) -> None:
    lines = list(beside([*YOURS, "# " + "x" * 150], REFERENCE, width))
    assert lines[0] == ("=", f"{'def add(a, b):':<{(width - 3) // 2}} │ def add(a, b):")
    assert any(mark == "!" and "≠     return a + b" in line for mark, line in lines)
    assert max(len(line) for _, line in lines) <= width
    assert "".join(line for _, line in lines).count("x") == 150
