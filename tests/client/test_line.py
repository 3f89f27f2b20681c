"""The line against the plainest model there is: a list that is searched from its front."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.client.line import Line


@dataclass
class Someone:
    origin: str
    number: int = 0
    left: bool = True


# Each step: a waiter joins for a host, the n-th leaves, a host frees or fills a place, the first is served.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.sampled_from("abc")),
        st.tuples(st.just("leave"), st.integers(0, 30)),
        st.tuples(st.just("free"), st.sampled_from("abc")),
        st.tuples(st.just("serve"), st.none()),
    ),
    max_size=120,
)


@given(STEPS)
@settings(max_examples=100)
def test_the_line_serves_as_a_searched_list_would(steps: list[tuple[str, object]]) -> None:
    line: Line[Someone] = Line()
    model: list[Someone] = []
    free = dict.fromkeys("abc", 0)  # places that a host has left
    for what, value in steps:
        if what == "join":
            someone = Someone(str(value))
            line.join(someone)
            model.append(someone)
        elif what == "leave" and model:
            line.leave(model.pop(int(str(value)) % len(model)))
        elif what == "free":
            free[str(value)] += 1
            line.reopened(str(value))
        elif what == "serve":
            expected = next((waiter for waiter in model if free[waiter.origin]), None)
            first = line.first(lambda origin: not free[str(origin)])
            assert first is expected
            if first is not None:
                free[first.origin] -= 1
                line.leave(first)
                model.remove(first)
        assert line.length == len(model)


def test_those_who_gave_up_are_not_kept() -> None:
    line: Line[Someone] = Line()
    stays = Someone("a")
    line.join(stays)
    for _ in range(10_000):
        someone = Someone("a")
        line.join(someone)
        line.leave(someone)
        line.leave(someone)
    assert line.length == 1
    assert len(line._front) < 100
    assert line.first(lambda origin: False) is stays


def test_a_full_host_is_not_looked_at_again_and_again() -> None:
    """A release costs the logarithm of the line, though a thousand stand before the one who may go."""
    line: Line[Someone] = Line()
    for origin in ["full"] * 1000 + ["b"] * 1000:
        line.join(Someone(origin))
    asked = []

    def full(origin: object) -> bool:
        asked.append(origin)
        return origin == "full"

    for _ in range(1000):
        first = line.first(full)
        assert first is not None and first.origin == "b"
        line.leave(first)
    assert len(asked) == 2000  # each of the full host once, each served once
    assert line.first(full) is None
    line.reopened("full")
    first = line.first(lambda origin: False)
    assert first is not None and first.number == 0
