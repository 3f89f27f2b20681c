"""The bench itself: how it reads wrk, its arithmetic, its order, its words; and a short run of it all.

No figure of a run decides a test: how fast a machine is says nothing about whether the bench is right.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.bench import options, readme, report
from tests.bench.contenders import CONTENDERS
from tests.bench.figures import Column, Result, Row, Spread, growth, ratio, rounds
from tests.bench.generators import Disqualified, read_wrk
from tests.bench.machine import NotShown, tool
from tests.bench.record import Run, as_json
from tests.bench.runner import generator_bound, taking_part
from tests.bench.scenarios import SCENARIOS, Pace
from tests.kit.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent

RATE = Column("rate", "requests/s", "requests/s", better=1)
CPU = Column("cpu", "CPU µs/request", "CPU", digits=1, better=-1)


def row(name: str, rates: list[float], cpus: list[float] | None = None, case: str = "", **more: float) -> Row:
    samples = [{"rate": rate, **more} for rate in rates]
    for sample, cpu in zip(samples, cpus or [], strict=False):
        sample["cpu"] = cpu
    return Row(name, case, name != "nginx", samples)


def result(*rows: Row) -> Result:
    return Result("get", "GET /", "32 connections", (RATE, CPU), list(rows))


# Reading wrk.


def said(**changes: object) -> str:
    """What wrk prints, with the script's line at its end."""
    errors = {"connect": 0, "read": 0, "write": 0, "timeout": 0, "status": 0}
    whole = {"requests": 200, "microseconds": 2_000_000, "bytes": 30_000, "p50": 300, "p99": 4_000}
    whole["errors"] = errors | changes.pop("errors", {})  # type: ignore[operator]
    return "Running 2s test\n  200 requests in 2.00s\nbench " + json.dumps(whole | changes) + "\n"


def test_the_line_of_the_script_is_read() -> None:
    counted = read_wrk(said(), content=17, busy=1.5)
    assert (counted.done, counted.seconds, counted.busy) == (200, 2.0, 1.5)
    assert (counted.p50, counted.p99) == (0.0003, 0.004)


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        (said(errors={"status": 3}), "3 × status that is not 2xx or 3xx among 200 requests"),
        (said(errors={"read": 1, "timeout": 2}), "1 × read error, 2 × no answer in 5 s among 200 requests"),
        (said(requests=0, bytes=0), "no request was answered"),
        (said(bytes=200 * 16), "answers of 16 octets on average; each must hold 17"),
        ("unable to connect to 127.0.0.1:1 Connection refused\n", "wrk reported nothing: unable to connect"),
        ("", "wrk reported nothing: it said nothing"),
    ],
)
def test_a_run_in_which_anything_failed_has_no_figures(output: str, complaint: str) -> None:
    with pytest.raises(Disqualified) as failure:
        read_wrk(output, content=17)
    assert complaint in str(failure.value)


# Order and arithmetic.


def test_servers_take_turns_within_each_round() -> None:
    assert "".join(server for _, server in rounds(3, "ABC")) == "ABCABCABC"
    assert [number for number, _ in rounds(2, "AB")] == [1, 1, 2, 2]


def test_a_ratio_compares_the_visits_of_one_round() -> None:
    # A machine that halves its speed with every round: the medians alone would say nothing of a steady 2.
    ours, theirs = row("netlab", [80, 40, 20]), row("uvicorn", [40, 20, 10])
    assert ratio(ours, theirs, RATE) == Spread(2.0, 2.0, 2.0)
    assert ratio(row("netlab", [10, 30, 20]), row("uvicorn", [10, 10, 10]), RATE) == Spread(2.0, 1.0, 3.0)


def test_a_ratio_is_above_one_in_our_favour_whatever_the_figure() -> None:
    ours, theirs = row("netlab", [1, 1], [5.0, 4.0]), row("uvicorn", [1, 1], [10.0, 10.0])
    assert ratio(ours, theirs, CPU) == Spread(2.25, 2.0, 2.5)


def test_nothing_is_compared_with_a_disqualified_row() -> None:
    ours, theirs = row("netlab", [10]), row("uvicorn", [10])
    theirs.trouble = "1 × read error among 10 requests"
    assert ratio(ours, theirs, RATE) is None
    assert ratio(ours, row("uvicorn", []), RATE) is None
    assert result(ours, theirs).best_peer("netlab", "") is None


def test_the_best_peer_is_the_best_of_those_that_run_python() -> None:
    rows = (row("netlab", [9, 9]), row("uvicorn", [4, 4]), row("granian", [5, 5]), row("nginx", [20, 20]))
    best = result(*rows).best_peer("netlab", "")
    assert best is not None and best.server == "granian"
    cheap = Result(
        "idle", "idle", "", (CPU,), [row("netlab", [1], [1.0]), row("a", [1], [8.0]), row("b", [1], [7.0])]
    )
    best = cheap.best_peer("netlab", "")
    assert best is not None and best.server == "b"


def test_the_bare_loop_is_measured_where_it_can_answer_and_is_no_peer() -> None:
    bare = CONTENDERS["bare loop"]
    assert not bare.is_peer and CONTENDERS["granian"].is_peer and not CONTENDERS["nginx"].is_peer
    taking = {key for key, scenario in SCENARIOS.items() if taking_part(scenario, [bare])}
    assert taking == {"close", "handshake", "stream", "stream-tls"}
    rows = (row("netlab", [9]), row("granian", [5]), Row("bare loop", "", bare.is_peer, [{"rate": 20.0}]))
    best = result(*rows).best_peer("netlab", "")
    assert best is not None and best.server == "granian"


def test_growth_is_of_one_server_from_the_first_case() -> None:
    few, many = (
        row("netlab", [1, 1], [10.0, 20.0], "100 idle"),
        row("netlab", [1, 1], [11.0, 22.0], "1,000 idle"),
    )
    assert growth(few, many, CPU) == Spread(1.1, 1.1, 1.1)


def test_a_rate_that_is_the_load_generators_limit_is_known_as_such() -> None:
    assert generator_bound(row("nginx", [9.0], server=70.0, generator=99.0))
    assert not generator_bound(row("netlab", [9.0], server=99.0, generator=99.0))
    assert not generator_bound(row("netlab", [9.0]))


# Words.


def test_the_table_says_figures_spreads_ratios_and_disqualifications() -> None:
    bad = row("granian", [1], [1.0])
    bad.trouble = "7 × status that is not 2xx or 3xx among 9 requests"
    made = report.table(
        result(row("netlab", [1000, 1200, 1100], [5.0] * 3), row("uvicorn", [500, 600, 500], [10.0] * 3), bad)
    )
    text = made.text()
    assert made.head == [
        "server",
        "requests/s",
        "lowest–highest",
        "CPU µs/request",
        "netlab × requests/s",
        "netlab × CPU",
    ]
    assert made.rows[0] == ["netlab", "1,100", "1,000–1,200", "5.0", "", ""]
    assert made.rows[1] == ["uvicorn", "500", "500–600", "10.0", "2.00 (2.00–2.20)", "2.00"]
    assert "!! DISQUALIFIED granian: 7 × status" in text and text.count("granian") == 1
    assert "| uvicorn | 500 | 500–600 | 10.0 | 2.00 (2.00–2.20) | 2.00 |" in made.markdown()


def test_a_scenario_of_several_cases_shows_the_growth() -> None:
    made = report.table(
        result(
            *(
                row(name, [10.0], [cpu], case)
                for name in ("netlab", "uvicorn")
                for case, cpu in (("1 idle", 4.0), ("9 idle", 6.0))
            )
        )
    )
    assert made.head[-1] == "CPU against 1 idle"
    assert [cells[-1] for cells in made.rows] == ["", "1.50", "", "1.50"]


def test_the_summary_names_the_best_peer_and_nginx() -> None:
    rows = (row("netlab", [90]), row("uvicorn", [30]), row("granian", [45]), row("nginx", [180]))
    assert report.summary([result(*rows)]).rows == [
        ["GET /", "requests/s", "90", "granian 45", "2.00", "180", "0.50"]
    ]


def test_the_json_holds_every_sample() -> None:
    whole = json.loads(
        as_json(Run({"cores": "2"}, ["nginx: not shown"], [result(row("netlab", [1.5, 2.5]))]))
    )
    assert whole["scenarios"][0]["rows"][0]["samples"] == [{"rate": 1.5}, {"rate": 2.5}]
    assert (whole["facts"], whole["not_shown"]) == ({"cores": "2"}, ["nginx: not shown"])


# The command line.


def test_by_default_all_usual_scenarios_run_on_all_servers() -> None:
    given = options.parse([])
    assert given.servers == tuple(CONTENDERS)
    assert given.scenarios == tuple(key for key, each in SCENARIOS.items() if each.usual)


def test_options_choose_and_keep_the_order_of_the_tables() -> None:
    given = options.parse(
        ["tls", "get", "--only", "nginx,netlab", "--quick", "--rounds", "2", "--seconds", "3"]
    )
    assert (given.scenarios, given.servers) == (("get", "tls"), ("netlab", "nginx"))
    assert given.pace == Pace(quick=True, rounds=2, seconds=3)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["gte"], "no scenario is called 'gte'"),
        (["--only", "netlab,apache"], "no server is called 'apache'"),
        (["--rounds", "0"], "'0' is no whole number from 1 to 3600"),
        (["--seconds", "1.5"], "'1.5' is no whole number"),
        (["--plot", "x.gif"], "name it .svg or .png"),
        (["--quick", "--readme"], "README's table needs whole rounds"),
    ],
)
def test_a_mistake_is_one_clear_line(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        options.parse(words)
    said = capsys.readouterr().err
    assert end.value.code == 2 and said.count("\n") == 1 and complaint in said


def test_readme_asks_for_the_rows_of_its_table_in_five_rounds_of_one_second() -> None:
    given = options.parse(["--readme"])
    assert set(given.scenarios) == {line.key for line in readme.LINES}
    assert set(given.servers) == set(CONTENDERS) - {"hypercorn"}
    assert given.pace == Pace(seconds=1)
    assert {SCENARIOS[line.key].rounds[0] for line in readme.LINES if line.most is None} == {5}


def test_every_scenario_can_be_estimated_at_every_pace() -> None:
    for scenario in SCENARIOS.values():
        for pace in (Pace(), Pace(quick=True), Pace(rounds=1, seconds=1)):
            assert scenario.load(pace).seconds > 0
            assert scenario.load(pace).columns[0].better


def test_a_missing_tool_is_told_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(NotShown, match=r"needs wrk \(apt-get install wrk\)"):
        tool("wrk")


# The real thing.


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts `python -m tests.bench` on netlab alone, its files in a temporary folder."""
    missing = [name for name in ("wrk", "curl", "openssl") if shutil.which(name) is None]
    if missing:
        reason = f"needs {' '.join(missing)} (apt-get install {' '.join(missing)})"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)

    def start(*words: str) -> subprocess.Popen[str]:
        files = [
            f"--{name}={tmp_path / name}{end}"
            for name, end in (("json", ""), ("markdown", ""), ("plot", ".svg"))
        ]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.bench", "--only", "netlab", *words, *files],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


@pytest.mark.soak
def test_a_run_of_one_second_measures_netlab(
    bench: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with bench("get", "close", "--rounds", "1", "--seconds", "1") as run:
        out, err = run.communicate(timeout=50)
    assert run.returncode == 0, err
    scenarios = json.loads((tmp_path / "json").read_text())["scenarios"]
    assert [scenario["key"] for scenario in scenarios] == ["get", "close"]
    for scenario in scenarios:
        (only,) = scenario["rows"]
        assert (only["server"], only["trouble"], len(only["samples"])) == ("netlab", None, 1)
        assert only["samples"][0]["rate"] > 0 and only["samples"][0]["cpu"] > 0
    assert "GET /, persistent connections" in out and "DISQUALIFIED" not in out
    assert "| netlab |" in (tmp_path / "markdown").read_text()


@pytest.mark.soak
def test_the_bare_loop_s_answers_stand_the_look(
    bench: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    words = ("close", "handshake", "stream", "stream-tls", "--quick", "--rounds", "1", "--seconds", "1")
    with bench(*words, "--only", "bare loop") as run:
        out, err = run.communicate(timeout=50)
    assert run.returncode == 0, err
    scenarios = json.loads((tmp_path / "json").read_text())["scenarios"]
    assert [[row["trouble"] for row in scenario["rows"]] for scenario in scenarios] == [[None]] * 4, out


def test_ctrl_c_ends_a_run_and_leaves_no_process(bench: Callable[..., subprocess.Popen[str]]) -> None:
    with bench("get", "--rounds", "9", "--seconds", "9") as run:
        try:
            # In the midst of a run: both the server and wrk are there.
            started = _wait_for(lambda: _below(run.pid), lambda found: "wrk" in found.values())
            run.send_signal(signal.SIGINT)
            _, err = run.communicate(timeout=30)
        finally:
            run.kill()
    assert (run.returncode, "Traceback" in err) == (130, False), err
    # An orphan is reaped by init, in a moment of its own.
    wait_until(lambda: not any(map(psutil.pid_exists, started)), "all processes to be gone")


def _below(pid: int) -> dict[int, str]:
    """The descendants of a process: id and name."""
    found = {}
    for child in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found[child.pid] = child.name()
    return found


def _wait_for(look: Callable[[], dict[int, str]], enough: Callable[[dict[int, str]], bool]) -> dict[int, str]:
    end = time.monotonic() + 30
    while not enough(found := look()):
        assert time.monotonic() < end, f"wrk was not started: {found}"
        time.sleep(0.02)
    return found
