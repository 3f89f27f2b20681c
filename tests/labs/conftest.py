"""The toy lab and a learner to work at, both in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labs.runner.checking.forkserver import ForkServer
from labs.runner.learner.learner import Learner
from labs.runner.registry import Lab
from labs.runner.terminal import Terminal
from tests.labs import toy


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Lab]:
    """Write the toy, some of its files replaced: build(solution_py="…")."""
    return lambda **changed: toy.build(tmp_path / "labs", **changed)


@pytest.fixture
def lab(build: Callable[..., Lab]) -> Lab:
    """The toy as it should be."""
    return build()


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    """A learner who has done nothing yet."""
    return Learner.at(tmp_path / "work", Terminal())


@pytest.fixture(scope="session", autouse=True)
def fork_server() -> Iterator[ForkServer]:
    """One for all tests: pytest is loaded once, and it is there before any test counts its children."""
    with ForkServer() as server:
        yield server
