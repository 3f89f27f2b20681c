"""Ladders in plain text: each line fits a narrow terminal, and each arrow points its way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labs.runner.ladders import WIDTH, Step, ladder


def test_a_ladder_shows_time_direction_label_and_note() -> None:
    lines = ladder(
        [Step(0.0, True, "SYN", "win=5"), Step(0.0025, False, "SYN, ACK")], "me", "you"
    ).splitlines()
    assert lines[0] == " time, ms  me" + " " * 44 + "you"
    assert lines[1].startswith("    0.000  |---")
    assert lines[1].endswith("-- SYN --------------------->|")
    assert lines[2].strip(" |") == "win=5"
    assert lines[3].startswith("    2.500  |<---")
    assert " SYN, ACK " in lines[3]


def test_a_ladder_of_nothing_is_its_head() -> None:
    assert ladder([]).splitlines() == [" time, µs  client" + " " * 37 + "server"]


@given(
    st.lists(st.builds(Step, st.floats(0, 99), st.booleans(), st.text("ab c", max_size=90), st.text("xy z")))
)
def test_no_line_is_wider_than_a_narrow_terminal(steps: list[Step]) -> None:
    assert all(len(line) <= WIDTH for line in ladder(steps).splitlines())
