"""The counts of `python -m tests.bench.instructions`: what they read, and that every row is answered.

Two tests run the judges: one of them needs no program, the other one valgrind and strace (apt-get install).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from netlab.http1.parser import RequestParser
from netlab.tls.authority import Certificates
from tests.bench import instructions
from tests.bench.instructions import CONNECTIONS, JUDGES, ROWS, Failed, read_callgrind, read_strace


@pytest.mark.parametrize("name", ROWS)
def test_each_row_sends_one_whole_request(name: str) -> None:
    parser = RequestParser()
    parser.feed(ROWS[name].numbered(7))
    head = parser.next_head()
    assert head is not None
    assert not parser.buffered or parser.start_content(head.framing, parser.limits) is not None
    assert not parser.buffered
    assert head.persistent is ROWS[name].persistent


def test_heads_that_differ_do_differ() -> None:
    assert ROWS["heads"].numbered(1) != ROWS["heads"].numbered(2)
    assert ROWS["get"].numbered(1) == ROWS["get"].numbered(2)


def test_the_total_of_callgrind_is_read() -> None:
    assert read_callgrind("events: Ir\nsummary: 12345\n\nfn=(0)\n16 4\n\ntotals: 12399\n") == 12345
    with pytest.raises(Failed, match="no total"):
        read_callgrind("events: Ir\n")


def test_the_total_of_strace_is_read() -> None:
    table = (
        "% time     seconds  usecs/call     calls    errors syscall\n"
        " 60.00    0.000006           1       320           recvfrom\n"
        "100.00    0.000010           1       330         3 total\n"
    )
    assert read_strace(table) == 330
    with pytest.raises(Failed, match="no total"):
        read_strace("")


def test_an_unknown_row_is_an_error_of_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert instructions.main(["gte"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "'gte'" in said and "heads" in said


def test_without_valgrind_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "valgrind" else f"/bin/{name}")
    assert instructions.main(["get"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines() == [
        "instructions: not shown on this machine: needs valgrind (apt-get install valgrind)"
    ]


def test_a_server_counts_its_frames_and_answers_every_request(minted: Certificates, tmp_path: Path) -> None:
    few, many = (instructions.frames("heads", minted, batches, tmp_path) for batches in (2, 4))
    assert many - few >= 2 * CONNECTIONS * 5  # no request is answered by fewer than five functions


# valgrind needs ten seconds a row: what it counts differs from row to row in the request alone.
_COUNTED = [("instructions", name) for name in ("heads", "bare-tls")]
_COUNTED += [(judge, name) for judge in JUDGES if judge != "instructions" for name in ROWS]


@pytest.mark.soak
@pytest.mark.parametrize(("judge", "name"), _COUNTED)
def test_every_judge_counts_a_row(
    judge: str, name: str, minted: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, count, package = JUDGES[judge]
    if program and shutil.which(program) is None:
        assert os.environ.get("CI") != "true", f"CI has {program}"
        pytest.skip(f"needs {program} (apt-get install {package})")
    monkeypatch.setattr(instructions, "FEW", 2)
    monkeypatch.setattr(instructions, "MANY", 4)
    least = {"instructions": 1_000, "frames": 0, "system calls": 2}
    assert instructions.a_request(count, name, minted) >= least[judge]
