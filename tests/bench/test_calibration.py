"""The calibration run's choice, its words and its memory, with injected figures. Nothing is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench import calibration, command, contenders, options, setups
from tests.bench.calibration import calibrate
from tests.bench.machine import NotShown
from tests.bench.setups import ASYNCIO, Setup


@pytest.fixture(autouse=True)
def _nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Overlays and environments are named, not made; uvloop 0.23.0 is what stands here."""
    versions = {"uvloop": "0.23.0"}
    monkeypatch.setattr(setups, "installed", versions.get)
    monkeypatch.setattr(setups, "overlay_of", lambda package, setup, hint="": f"/packages/{package}")
    monkeypatch.setattr(
        setups, "environment_of", lambda program, python: Setup("0.23.0", "httptools", python, program)
    )


# Versions of Python that run no suite, so that none of them is the Python of this run.
OTHER, THIRD = "4.99.0", "4.98.0"

MICRO = {"0.23.0": 19e-6, "0.22.1": 14e-6, "0.21.0": 15e-6, ASYNCIO: 30e-6}


def by_loop(name: str, setup: Setup) -> float:
    """uvloop 0.22.1 is the fastest, httptools faster than h11, the other Python slower."""
    return MICRO[setup.uvloop] * (2 if setup.parser == "h11" else 1) * (1.1 if setup.python == OTHER else 1)


def test_the_fastest_version_of_uvloop_is_chosen_by_its_figure() -> None:
    found = calibrate(["uvicorn"], by_loop, [("/other", OTHER)])
    chosen = found.chosen["uvicorn"]
    assert (chosen.uvloop, chosen.parser, chosen.program) == ("0.22.1", "httptools", sys.executable)
    assert chosen.overlay == "/packages/uvloop==0.22.1"
    assert len(found.figures["uvicorn"]) == 6  # four loops, the other parser, the other Python


def test_another_python_and_another_parser_are_chosen_where_they_are_faster() -> None:
    def measure(name: str, setup: Setup) -> float:
        return (1.0 if setup.parser == "h11" else 2.0) * (0.5 if setup.python == OTHER else 1.0)

    chosen = calibrate(["uvicorn"], measure, [("/third", THIRD), ("/other", OTHER)]).chosen["uvicorn"]
    assert (chosen.parser, chosen.program) == ("h11", "/other")


def test_a_peer_without_a_choice_of_parsers_is_not_tried_with_h11() -> None:
    parsers = []
    calibrate(["aiohttp"], lambda name, setup: parsers.append(setup.parser) or 1.0, [])  # type: ignore[func-returns-value]
    assert set(parsers) == {"httptools"}


def test_netlab_runs_on_asyncio_and_takes_the_fastest_python_too() -> None:
    def measure(name: str, setup: Setup) -> float:
        return 1.0 if setup.python == OTHER else 2.0

    found = calibrate(["netlab"], measure, [("/py", OTHER)])
    chosen = found.chosen["netlab"]
    assert (chosen.program, chosen.uvloop, len(found.figures["netlab"])) == ("/py", ASYNCIO, 2)


def test_a_candidate_that_does_not_run_is_told_and_the_others_go_on() -> None:
    def measure(name: str, setup: Setup) -> float:
        if setup.uvloop == "0.22.1":
            raise NotShown("uvloop 0.22.1 cannot be installed")
        return by_loop(name, setup)

    found = calibrate(["uvicorn"], measure, [])
    assert found.chosen["uvicorn"].uvloop == "0.21.0"
    assert "a candidate was not tried: uvloop 0.22.1 cannot be installed" in found.lines()


def test_a_peer_of_which_no_candidate_runs_has_no_choice() -> None:
    def measure(name: str, setup: Setup) -> float:
        raise NotShown("it ends at once")

    found = calibrate(["granian"], measure, [])
    assert found.chosen == {} and "granian: no set-up of it runs here" in found.lines()


def test_the_choice_is_said_with_the_figures_of_the_others() -> None:
    (line,) = calibrate(["aiohttp"], by_loop, []).lines()
    assert line.startswith(
        f"aiohttp runs on Python {setups.this_python()}, uvloop 0.22.1: 14.0 µs of CPU a GET ("
    )
    assert "asyncio 30.0" in line


def test_a_calibration_is_kept_until_its_key_changes(tmp_path: Path) -> None:
    found = calibrate(["aiohttp"], lambda name, setup: 1.0 if setup.uvloop == "0.23.0" else 2.0, [])
    path, key = (
        tmp_path / "build" / "calibration.json",
        {"peers": ["aiohttp"], "versions": {"uvloop": "0.23.0"}},
    )
    assert calibration.load(path, key).chosen == {}
    calibration.save(path, key, found)
    kept = calibration.load(path, key)
    assert kept.chosen == found.chosen and kept.lines() == found.lines()
    assert calibration.load(path, {**key, "versions": {"uvloop": "0.24.0"}}).chosen == {}
    path.write_text("{")
    assert calibration.load(path, key).chosen == {}


def test_the_key_of_a_calibration_is_the_same_an_hour_later() -> None:
    facts = [("measured", "10:45"), ("processor", "one"), ("open files", "at most 20000")]
    later = [("measured", "11:45"), ("processor", "one"), ("open files", "at most 1024")]
    assert calibration.key(facts, []) == calibration.key(later, [])
    assert calibration.key(facts, []) != calibration.key([("processor", "another")], [])


def test_only_servers_that_are_not_known_are_measured() -> None:
    measured = []

    def measure(name: str, setup: Setup) -> float:
        measured.append(name)
        return by_loop(name, setup)

    known = calibrate(["aiohttp"], by_loop, [])
    found = calibrate(["aiohttp", "granian"], measure, [], known)
    assert set(measured) == {"granian"} and found.chosen.keys() == {"aiohttp", "granian"}
    assert len(found.lines()) == 2 and len(found.lines(["granian"])) == 1


def test_every_server_of_python_chooses_its_python_and_no_other_its_loop() -> None:
    def measure(name: str, setup: Setup) -> float:
        return 1.0 if setup.python == OTHER else 2.0

    names = [each.name for each in contenders.CONTENDERS.values() if each.runs_python]
    found = calibrate(names, measure, [("/py", OTHER), ("/third", THIRD)])
    assert {setup.program for setup in found.chosen.values()} == {"/py"}
    without_loop = {name for name in names if len(found.figures[name]) == 3}
    assert without_loop == {*names} - {"uvicorn", "granian", "aiohttp", "hypercorn"}
    assert found.words("fastwsgi") == f"fastwsgi on Python {OTHER}"
    assert found.words("uvicorn").endswith(f" on Python {OTHER}, uvloop 0.23.0, httptools")


def test_a_calibration_whose_programs_are_gone_is_not_used(tmp_path: Path) -> None:
    found = calibrate(["aiohttp"], by_loop, [])  # the choice lies in an overlay that is not there
    calibration.save(tmp_path / "kept", {}, found)
    assert calibration.load(tmp_path / "kept", {}).chosen == {}


def test_a_server_that_cannot_be_built_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(setups, "FOLDER", tmp_path)
    asked = []

    def fail(program: str, words: list[str]) -> None:
        asked.append(words[-1])
        raise NotShown("cannot be installed: no ev.h")

    monkeypatch.setattr(setups, "_pip", fail)
    found, lines = contenders.available(["bjoern", "fastwsgi"])
    assert found == [] and asked == ["bjoern", "setuptools<81"]
    assert lines[0].startswith(
        "bjoern: not shown on this machine: needs a C compiler, Python's headers and libev"
    )
    assert not list(tmp_path.glob("*/*"))


@pytest.mark.parametrize("only", ["netlab", "netlab,bare loop,bare epoll loop", "bare loop,nginx"])
def test_without_a_peer_nothing_is_calibrated_and_nothing_installed(
    only: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the other Pythons were asked for")

    monkeypatch.setattr(setups, "other_pythons", fail)
    given = options.parse(["--only", only])
    servers = [contenders.CONTENDERS[name] for name in given.servers]
    place: Any = None
    assert command._calibrated(given, servers, place, []).chosen == {}
