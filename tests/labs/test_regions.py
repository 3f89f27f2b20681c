"""One marked solution yields stub and wrong programs; a broken marker is named, never guessed at."""

from __future__ import annotations

import pytest

from labs.runner.authoring import regions
from labs.runner.errors import LabError

SOLUTION = '''import os

def one():
    """Doc."""
    # >>> task 1: say "one"
    x = 1
    return x
    # <<< task 1

class C:
    def two(self):
        # >>> task 2: two
        return 2
        # <<< task 2

    def more(self):
        # >>> task 2: and more
        return 22
        # <<< task 2
'''


def test_the_stub_raises_for_each_region_and_keeps_the_rest() -> None:
    stub = regions.stub(SOLUTION)
    assert stub.startswith('import os\n\ndef one():\n    """Doc."""\n    raise NotImplementedError(')
    assert ">>>" not in stub and "return" not in stub
    names: dict[str, object] = {}
    exec(stub, names)
    with pytest.raises(NotImplementedError, match=r'^task 1: say "one"$'):
        names["one"]()  # type: ignore[operator]
    with pytest.raises(NotImplementedError, match=r"^task 2: two$"):
        names["C"]().more()  # type: ignore[operator]


def test_a_stub_of_one_task_leaves_the_others_whole() -> None:
    stub = regions.stub(SOLUTION, {2})
    assert "return x" in stub and "return 2" not in stub
    assert stub.count("raise NotImplementedError") == 2


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("# >>> task 1: a\nx\n", "task 1 is never closed"),
        ("x\n# <<< task 1\n", "closes task 1, which is not open"),
        ("# >>> task 1: a\n# >>> task 2: b\nx\n# <<< task 2\n", "task 2 opens inside task 1"),
        ("# >>> task 1: a\nx\n# <<< task 2\n", "closes task 2"),
        ("# >>> task 1: a\n\n# <<< task 1\n", "task 1 is empty"),
        ("# >>> task one\nx\n", "not a marker"),
    ],
)
def test_a_broken_marker_is_named_with_its_line(source: str, complaint: str) -> None:
    with pytest.raises(LabError, match=complaint) as caught:
        regions.find(source, "solution.py")
    assert str(caught.value).startswith("solution.py: line ")


def test_all_broken_markers_are_reported_at_once() -> None:
    with pytest.raises(LabError) as caught:
        regions.find("# <<< task 3\n# >>> task x\n# >>> task 1: a\n")
    assert str(caught.value).count("line ") == 3
