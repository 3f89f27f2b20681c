"""What is printed fits the terminal, and nothing of it is cut off."""

from __future__ import annotations

from collections import Counter

import pytest

from labs.runner import layout

ROWS = [
    (
        "GET /x HTTP/1.1\\r\\nTransfer-Encoding: chunked",
        "refused: Content-Length beside Transfer-Encoding",
        "400",
    ),
    ("short", "", "200"),
]


@pytest.mark.parametrize("width", [116, 80, 60, 40, 24])
def test_a_table_fits_the_width_and_keeps_every_word(width: int) -> None:
    lines = [line for _, line in layout.table(("request", "netlab says", "status"), ROWS, width)]
    assert max(map(len, lines)) <= width
    shown = Counter("".join(lines))
    for letter, times in Counter("".join(cell for row in ROWS for cell in row).replace(" ", "")).items():
        assert shown[letter] >= times, f"a {letter!r} was cut off"


def test_a_narrow_table_is_one_block_a_row() -> None:
    lines = [line for _, line in layout.table(("request", "netlab says", "status"), [ROWS[1]], 16)]
    assert lines == ["", "short", "  status: 200"]


def test_each_line_of_a_table_knows_its_row() -> None:
    rows = [row for row, _ in layout.table(("a", "b"), [("x " * 9, "1"), ("y", "2")], 16)]
    assert rows == [-1, -1, 0, 0, 1]


def test_prose_wraps_at_words_and_hangs_under_its_first() -> None:
    assert layout.wrapped("  one two three", 11) == ["  one two", "  three"]
    assert layout.wrapped("one two three", 13, indent=3) == ["   one two", "   three"]


def test_a_command_is_not_broken() -> None:
    assert layout.wrapped("say `make hint-01 TASK=1` now", 24) == ["say", "`make hint-01 TASK=1`", "now"]
    assert layout.wrapped("x" * 90, 20) == ["x" * 90], "a path or an address stays whole"


def test_a_pipe_does_not_wrap_prose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert layout.wrapped("word " * 99, layout.width_of_lines()) == ["word " * 99]
    monkeypatch.setenv("COLUMNS", "60")
    assert layout.width_of_lines() == 60
