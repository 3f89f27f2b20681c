"""The fuzzers themselves, for a second; and every input that has ever broken something, replayed."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import blind, tls
from tests.fuzz.__main__ import ROOT, keep
from tests.fuzz.seeds import FINDS, OWN, WORDS, seeds, wire
from tests.fuzz.targets import TARGETS

FOUND = sorted(path.name for path in FINDS.iterdir() if path.name != "README.md")


@pytest.mark.parametrize("name", FOUND)
def test_what_once_broke_holds(name: str) -> None:
    TARGETS[name.partition("-")[0]]((FINDS / name).read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_holds_and_they_differ(name: str) -> None:
    assert len({TARGETS[name](data) for data in OWN[name]}) >= 2
    for data in wire() if name == "requests" else ():
        TARGETS[name](b"\0\0" + data)


@pytest.mark.parametrize("name", TARGETS)
def test_some_hundred_mutations_hold(name: str) -> None:
    result = blind.fuzz(TARGETS[name], [*OWN[name], *wire()[:40]], WORDS[name], inputs=300)
    assert result.broke is None, f"{result.broke!r}: {result.error!r}"
    assert result.outcomes >= 3


def test_a_planted_fault_is_found_by_its_outcomes_and_kept(tmp_path: Path) -> None:
    """Three words one behind the other: by chance alone, about one input in a million."""

    def brittle(data: bytes) -> str:
        depth = 0
        for word in (b"Host", b"close", b"\0\0"):
            at = data.find(word)
            if at < 0:
                break
            data, depth = data[at + len(word) :], depth + 1
        assert depth < 3, "all three"
        return str(depth)

    result = blind.fuzz(
        brittle, [b"nothing"], [b"Host", b"close", b"\0\0", *WORDS["requests"]], inputs=30_000
    )
    assert result.broke is not None and isinstance(result.error, AssertionError)
    path = keep("requests", result.broke, tmp_path)
    assert path.read_bytes() == result.broke
    assert keep("requests", result.broke, tmp_path) == path, "the same find has the same name"


def test_the_loop_is_repeatable() -> None:
    results = [
        blind.fuzz(TARGETS["cors"], seeds("cors"), WORDS["cors"], inputs=500, seed=7) for _ in range(2)
    ]
    assert results[0] == results[1]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=50
    )


def test_the_command_counts_what_it_did() -> None:
    done = command("--seconds", "0.5", "--blind", "--target", "cors", "--target", "chunks")
    assert done.returncode == 0, done.stderr
    _, cors, chunks = done.stdout.splitlines()
    assert cors.startswith("cors ") and chunks.startswith("chunks ") and "inputs" in cors


def test_a_mistake_is_one_line_and_status_2() -> None:
    done = command("--seconds", "0")
    assert done.returncode == 2 and "give a number above 0" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.soak
def test_atheris_runs_where_it_is_installed() -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("needs atheris (pip install atheris)")
    done = command("--seconds", "1", "--target", "requests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "branches covered" in done.stdout


def test_ctrl_c_is_clean() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz", "--seconds", "60", "--blind"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline().startswith("60 s for")
    child.send_signal(signal.SIGINT)
    _, complaints = child.communicate(timeout=20)
    # Where the signal comes while CPython executes a string (a dataclass being made), it ends by the signal
    # itself although the interrupt was handled; a shell shows 130 for both.
    assert child.returncode in (130, -signal.SIGINT)
    assert complaints == "\nfuzz: stopped\n"


@pytest.mark.soak
@pytest.mark.parametrize("damage", ["random", "a byte in a thousand", "a byte in fifty"])
def test_a_megabyte_of_tls_raises_nothing(damage: str) -> None:
    """A long conversation of RFC 8448 again and again, damaged; and noise alone."""
    chance = random.Random(damage)
    data = bytearray(tls.conversation() * 400)[: 1 << 20]
    if damage == "random":
        data = bytearray(chance.randbytes(1 << 20))
    else:
        for _ in range(len(data) // (1000 if "thousand" in damage else 50)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    TARGETS["tracer"](b"\0" + bytes(data))
    TARGETS["messages"](b"\x03\0" + bytes(data))
    TARGETS["secrets"](bytes(data))
