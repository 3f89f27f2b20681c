"""Lab 15: the certificate, the wrong programs that the whole shows, the server made of a learner's parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from labs.runner import loader, plots, registry
from labs.runner.authoring import wrong
from labs.runner.evidence import Measurement, Run, Verdict
from labs.runner.learner import session
from labs.runner.learner.learner import Learner

FOLDER = Path(__file__).parents[2] / "labs/15_capstone"
SHOWN: dict[str, list[str]] = tomllib.loads((FOLDER / "shown.toml").read_text("utf-8"))
UNSEEN: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "unseen.toml").read_text("utf-8"))
CAPSTONE = next(lab for lab in registry.written() if lab.slug == "capstone")
ATTACKS = ("slow head", "slow body", "slow reader", "idle connections", "oversized head")


@pytest.fixture(scope="module", autouse=True)
def fonts() -> None:
    """matplotlib keeps its font files open from the first drawing on: that is before any test counts."""
    plots.svg(lambda axes: axes.set_title("Aé≈✓"))


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> Any:
    """measure.py and what it imports, from the lab's folder."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FOLDER))
    yield loader.load(FOLDER / "measure.py", "capstone_measure")
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def run(*, quick: bool = False, mine: bool = False) -> Run:
    """What a measurement is given."""
    return Run(ModuleType("code"), FOLDER, quick=quick, mine=mine)


def judged(measuring: Any, answered: float = 100.0, no_ratio: str = "") -> Any:
    """What a measurement has seen, without the two minutes that it takes."""
    servers = {}
    for name, speed in ((measuring.YOURS, 9000.0), ("netlab", 18000.0)):
        servers[name] = measuring.Found(answered=dict.fromkeys(ATTACKS, 100.0), idle=2.0, speed=speed)
    ours = servers[measuring.YOURS]
    ours.answered["oversized head"] = answered
    ours.verdicts = [verdict("passed"), verdict("failed")]
    checks = dict.fromkeys((*measuring.PARTS, "capstone"), (9, 9))
    wrongs = {slug: (["one"], 10) for slug in measuring.PARTS}
    return measuring.Judged({}, servers, no_ratio, checks, wrongs)


def verdict(outcome: str) -> Any:
    """A verdict of the judge on one MUST case."""
    from netlab.check.asking import Rule

    rule = Rule("host/x", "x", "a rule", "RFC 9112 §3.2", "MUST", "an answer")
    return rule.passed("as it must") if outcome == "passed" else rule.failed("another", "why")


# -- the verdict and the words ---------------------------------------------------------------------------


@pytest.mark.parametrize(("answered", "expected"), [(100.0, Verdict.TRUE_ONLY_IF), (40.0, Verdict.FALSE)])
def test_a_server_that_one_attack_brings_down_has_mastered_nothing(
    measuring: Any, answered: float, expected: Verdict
) -> None:
    assert measuring.told(run(), judged(measuring, answered)).verdict is expected


def test_the_wrong_programs_are_explained_with_their_counts(measuring: Any) -> None:
    text = " ".join(measuring.told(run(), judged(measuring)).notes)
    assert "show 7 of the 70 mistakes; the other 63 cannot be seen there, each for a reason" in text
    assert "each part must also pass the tests of its own lab" in text


def test_a_busy_machine_gives_no_ratio(measuring: Any) -> None:
    told = measuring.told(run(), judged(measuring, no_ratio="the machine was busy"))
    assert "answers a second" not in told.headline
    assert [row[-1] for row in told.tables[0].rows] == ["–", "–"]
    assert "no server's speed is compared with another's: the machine was busy" in told.notes
    quiet = measuring.told(run(), judged(measuring))
    assert "9,000 answers a second (netlab: 18,000)" in quiet.headline
    assert [row[-1] for row in quiet.tables[0].rows] == ["0.50", "1.00"]


@pytest.mark.parametrize(
    ("rounds", "others", "said"),
    [
        ([[100.0] * 7], 0.1, ""),
        ([[100.0] * 7], 0.5, "the machine was busy: other programs took 50 % of a core during the bench"),
        ([[100.0] * 7, [50.0, 60, 100, 100, 100, 150, 160]], 0.0, "the rounds of one server differ by 90 %"),
    ],
)
def test_rounds_are_compared_only_when_they_agree(
    measuring: Any, rounds: list[list[float]], others: float, said: str
) -> None:
    assert sys.modules["trials"].no_ratio(rounds, others) == said  # type: ignore[attr-defined]


def test_the_siege_has_the_five_attacks(measuring: Any) -> None:
    assert tuple(attack.name for attack in measuring.attacks(False)) == ATTACKS


def test_trouble_in_a_trial_becomes_a_sentence(measuring: Any) -> None:
    found = measuring.Found()

    def trial(*_: object) -> None:
        raise KeyError("x")

    measuring.one_trial(trial, run(), "a server", found)
    assert found.trouble == ["a server: KeyError: 'x'"]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise SystemExit('no')", "the server did not start within .* s: no"),
        ("print('127.0.0.1:1', flush=True); import time; time.sleep(60)", "gave no answer to GET / within"),
    ],
)
def test_a_server_that_does_not_serve_is_named_in_one_line(
    measuring: Any, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    trials = sys.modules["trials"]
    monkeypatch.setattr(trials, "_command", lambda *_, **__: ["-c", program])
    with pytest.raises(measuring.LabError, match=said), trials.server(run(), "the server"):  # type: ignore[attr-defined]
        pass


# -- shown.toml and unseen.toml ---------------------------------------------------------------------------


def test_each_wrong_program_is_shown_or_has_a_reason() -> None:
    for lab in registry.written():
        if lab.slug in SHOWN:
            known = [program.name for program in wrong.read(lab.wrong.read_text("utf-8"))]
            listed = [*SHOWN[lab.slug], *UNSEEN.get(lab.slug, {})]
            assert sorted(listed) == sorted(known), lab.slug


def test_the_texts_count_the_wrong_programs_that_are_shown() -> None:
    shown = sum(map(len, SHOWN.values()))
    total = shown + sum(map(len, UNSEEN.values()))
    text = " ".join((FOLDER / "explain.md").read_text("utf-8").split())
    assert f"{shown} of {total} mistakes" in text
    assert f"The other {total - shown}" in text


# The labs whose wrong programs are judged without a wait: one of each is shown here, all of them in the soak.
QUICK = {"framing": "any_major_version", "preflight": "echoes_any_origin", "keep_alive": "latest_first",
         "pool": "released_twice", "chunked": "size_with_spaces_around", "river": "never_waits",
         "siege": "everybody_is_welcome"}  # fmt: skip


@pytest.mark.parametrize(("slug", "name"), QUICK.items())
def test_a_wrong_program_in_the_place_of_its_part_is_shown(
    measuring: Any, tmp_path: Path, slug: str, name: str
) -> None:
    import conversations

    from labs.runner.checking.capstone_parts import Parts

    lab = next(lab for lab in registry.written() if lab.slug == slug)
    programs = {program.name: program for program in wrong.read(lab.wrong.read_text("utf-8"))}
    path = tmp_path / "wrong.py"
    path.write_text(wrong.program_text(lab.solution.read_text("utf-8"), programs[name]), "utf-8")
    mine, names = loader.load(FOLDER / "solution.py"), conversations.of(slug)
    good, bad = Parts(FOLDER.parent), Parts(FOLDER.parent, [f"{slug}={path}"])
    assert next(conversations.broken(good, mine, names), "") == ""
    assert next(conversations.broken(bad, mine, names), "")


@pytest.mark.soak
def test_shown_toml_is_what_the_whole_shows() -> None:
    script = [sys.executable, str(FOLDER / "whole_with_wrong.py")]
    found: dict[str, Any] = json.loads(subprocess.check_output(script, text=True, timeout=300))
    for slug, (names, _) in found.items():
        assert not set(SHOWN[slug]) - set(names), "run whole_with_wrong.py --write"
        # A slow machine may show what is only slow: "joins_as_it_goes" copies each content again and again.
        assert set(names) - set(SHOWN[slug]) <= set(UNSEEN.get(slug, {})), "run whole_with_wrong.py --write"
    assert found.keys() == SHOWN.keys()


# -- a learner's parts -------------------------------------------------------------------------------------


def solved(root: Path, *slugs: str) -> Learner:
    """A learner who has solved these labs."""
    learner = Learner.at(root, _quiet())
    for lab in registry.written():
        if lab.slug in slugs:
            path = learner.work.exercise(lab)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("# mine\n" + lab.solution.read_text("utf-8"), "utf-8")
            assert session.check(learner, lab, path)
    return learner


def _quiet() -> Any:
    from labs.runner.terminal import Terminal

    return Terminal()


def command(root: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command of the labs on the learner's work."""
    environment = {**os.environ, "LABS_WORK": str(root), "NO_COLOR": "1", **more}
    arguments = [sys.executable, "-m", "labs", *words]
    return subprocess.run(
        arguments, cwd=FOLDER.parents[1], env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.soak
def test_a_learners_parts_are_measured_and_the_missing_ones_named(tmp_path: Path) -> None:
    learner = solved(tmp_path, "keep_alive", "chunked", "siege", "capstone")
    labs = {lab.slug: lab for lab in registry.written()}
    broken = {"framing": "def parse(:\n", "preflight": "while True: pass\n", "river": "x = 1\n"}
    for slug, text in broken.items():
        path = learner.work.exercise(labs[slug])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with learner.work.exercise(labs["chunked"]).open("a") as changed:
        changed.write("# more\n")
    done = command(tmp_path, "measure", "15", "--mine", "--all", QUICK="1")
    text = " ".join(done.stdout.split())
    assert done.returncode == 0 and "Traceback" not in done.stdout + done.stderr
    assert "lab 02: where a message ends the reference's: yours does not pass yet" in text
    assert "lab 11: the client's pool the reference's: not begun" in text
    assert "lab 12: the chunked coding the reference's: yours has changed, so run make lab-12 again" in text
    assert "lab 14: deadlines, limits, drain the learner's" in text


@pytest.mark.parametrize("text", ["def x(:\n", "while True: pass\n", "x = 1\n"])
def test_joints_that_do_not_pass_are_not_measured(tmp_path: Path, text: str) -> None:
    path = Learner.at(tmp_path, _quiet()).work.exercise(CAPSTONE)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    done = command(tmp_path, "measure", "15", "--mine")
    assert done.returncode == 2
    assert done.stderr.strip() == "labs: your lab 15 capstone does not pass yet: run `make lab-15` first"


def test_the_server_says_whose_each_part_is(measuring: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("LABS_WORK", str(tmp_path))
    serve = loader.load(FOLDER / "serve.py", "capstone_serve")
    said = serve.filled_in({"framing": Path("x")}, joints=False)
    assert said.startswith("yours: lab 02; the reference fills in: lab 03 (not begun), ")
    assert said.endswith("lab 15 (not begun)")


def test_a_measurement_survives_the_way_to_the_page(measuring: Any) -> None:
    told = measuring.told(run(), judged(measuring))
    assert Measurement.from_json(told.to_json()).to_json() == told.to_json()
