"""README's table is made of a run, and of a quiet, whole and steady run only. The run is invented here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import command, options, readme, record
from tests.bench.contenders import CONTENDERS
from tests.bench.figures import Result, Row
from tests.bench.record import Run
from tests.bench.runner import taking_part
from tests.bench.scenarios import SCENARIOS, Pace

# CPU µs a request, or KiB, of every server in every scenario; netlab needs half of it, and an ASGI app 0.8.
OTHERS, OURS = 20.0, 10.0


def row(name: str, cost: float, rounds: int = 5) -> Row:
    sample = {"cpu": cost, "written": cost, "rate": 1e6 / cost}
    return Row(name, "", CONTENDERS[name].is_peer, [dict(sample) for _ in range(rounds)])


def scenario(key: str) -> Result:
    """All servers of a scenario in all its rounds."""
    given = SCENARIOS[key]
    part = taking_part(given, [each for each in CONTENDERS.values() if each.name != "hypercorn"])
    rows = [row(each.name, OURS if each.name == "netlab" else OTHERS, given.rounds[0]) for each in part]
    columns = given.load(Pace()).columns
    return Result(key, given.title, given.how, columns, rows, measured="2026-11-26 10:45 +0000")


@pytest.fixture
def run() -> Run:
    """A run in which netlab is twice as fast as all others, and an idle connection costs 10 KiB."""
    facts = {"processor": "A processor, 2 cores", "system": "Linux 6.1, x86_64", "TLS": "OpenSSL 3.0.19"}
    chosen = {
        "netlab": "netlab 0.1.0 on Python 3.13.0",
        "uvicorn": "uvicorn 0.54.0 on Python 3.11.7, uvloop 0.22.1",
    }
    return Run(facts, [], [scenario(line.key) for line in readme.LINES], Pace(seconds=1), chosen)


def result_of(run: Run, key: str) -> Result:
    found = run.of(key)
    assert found is not None
    return found


def cells(text: str, title: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {title} |")]
    return line.strip("| ").split(" | ")


def test_a_row_says_cpu_time_ratios_and_that_the_goal_is_reached(run: Run) -> None:
    found = cells(readme.block(run), "GET, persistent connections")
    assert found == [
        "GET, persistent connections", "10.0 µs", *["2.00"] * 8, "≥ 2, ≥ 0.85 bare loop", "yes",
    ]  # fmt: skip


def test_a_server_that_takes_no_part_has_a_dash(run: Run) -> None:
    found = cells(readme.block(run), "a FastAPI route with a dependency")
    assert found[2:10] == ["2.00", "2.00", *["–"] * 6]


def test_the_table_says_when_on_what_and_with_which_setups(run: Run) -> None:
    text = readme.block(run).replace("\n", " ")
    for words in (
        "Measured 2026-11-26 on A processor, 2 cores, Linux 6.1, x86_64, OpenSSL 3.0.19.",
        "the median of 5 paired rounds",
        "netlab 0.1.0 on Python 3.13.0; uvicorn 0.54.0 on Python 3.11.7, uvloop 0.22.1.",
        "100,000 plain GETs",
    ):
        assert words in text


def test_a_row_that_is_short_of_its_goal_is_named_with_the_fastest_server(run: Run) -> None:
    result_of(run, "tls").rows[1:2] = [row("uvicorn", 17.2)]
    text = readme.block(run)
    assert cells(text, "GET, persistent TLS 1.3 connections")[-1] == "**no**"
    assert "- GET, persistent TLS 1.3 connections: 1.72 × uvicorn, the goal is 2." in text


def test_a_goal_in_requests_a_second_is_judged_by_them(run: Run) -> None:
    for sample in result_of(run, "asgi").rows[0].samples:
        sample["rate"] = 55_000.0
    text = readme.block(run)
    assert "- a raw ASGI app: in requests a second 1.10 × uvicorn, the goal is 1.15." in text


def test_an_idle_connection_is_held_to_its_kib(run: Run) -> None:
    text = readme.block(run)
    assert "- memory of an idle connection: 10.00 KiB, the goal is 0.7." in text
    assert "memory of an idle TLS 1.3 connection: " not in text
    assert cells(text, "memory of an idle TLS 1.3 connection")[-2:] == ["≤ 15.3 KiB", "yes"]


def test_readme_has_fewer_columns_and_no_goals(run: Run) -> None:
    found = cells(readme.glance(run), "GET, persistent connections")
    assert found == ["GET, persistent connections", "10.0 µs", *["2.00"] * 5]
    assert "goal without" not in readme.glance(run) and "goal without" in readme.block(run)


def test_readme_names_the_rows_that_are_short_of_their_goals(run: Run) -> None:
    text = " ".join(readme.glance(run).split())
    assert (
        "Short of the goal: memory of an idle connection (10.00 of 0.7 KiB). [BENCH.md](netlab/BENCH.md)"
        in text
    )
    for sample in result_of(run, "asgi").rows[0].samples:
        sample["rate"] = 55_000.0
    text = " ".join(readme.glance(run).split())
    assert "; a raw ASGI app (in requests a second 1.10 of 1.15 × uvicorn). " in text


def test_when_nothing_is_short_the_text_says_so(run: Run) -> None:
    for key in ("idle", "idle-tls"):
        result_of(run, key).rows[0] = row("netlab", 0.5)
    text = readme.block(run)
    assert "Every row reaches its goal." in text and "**no**" not in text
    assert "Every row reaches its goal. [BENCH.md]" in readme.glance(run)


def busy(run: Run) -> None:
    result_of(run, "heads").busy = "other programs took 34 % of a core"


def unsteady(run: Run) -> None:
    for sample, cost in zip(
        result_of(run, "heads").rows[1].samples, (10.0, 12.0, 20.0, 28.0, 30.0), strict=True
    ):
        sample["cpu"] = cost


def without_a_scenario(run: Run) -> None:
    run.results = [result for result in run.results if result.key != "heads"]


def without_a_server(run: Run) -> None:
    result_of(run, "heads").rows = [
        each for each in result_of(run, "heads").rows if each.server != "fastwsgi"
    ]


def with_too_few_rounds(run: Run) -> None:
    del result_of(run, "heads").rows[2].samples[3:]


def quick(run: Run) -> None:
    run.pace = Pace(quick=True)


def with_netlab_disqualified(run: Run) -> None:
    result_of(run, "heads").rows[0].trouble = "1 × read error among 9 requests"


def with_fastwsgi_disqualified(run: Run) -> None:
    (found,) = [each for each in result_of(run, "heads").rows if each.server == "fastwsgi"]
    found.trouble = "it ended"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (busy, "scenario heads: the machine was busy: other programs took 34 % of a core"),
        (unsteady, "scenario heads: the rounds of uvicorn differ too much"),
        (without_a_scenario, "the scenario heads was not measured"),
        (without_a_server, "scenario heads: fastwsgi is missing"),
        (with_too_few_rounds, "scenario heads: granian has 3 of 5 rounds"),
        (quick, "the run was a quick one"),
        (with_netlab_disqualified, "scenario heads: netlab was disqualified: 1 × read error"),
        (with_fastwsgi_disqualified, "scenario heads: no figure of fastwsgi"),
    ],
)
def test_no_ratio_is_printed_of_a_run_that_concludes_nothing(
    run: Run,
    spoil: Callable[[Run], None],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(run)
    page = tmp_path / "README.md"
    page.write_text(f"{readme.BEGIN}\nthe old table\n{readme.END}\n", "utf-8")
    kept = tmp_path / "bench.json"
    kept.write_text(record.as_json(run), "utf-8")
    monkeypatch.setattr(readme, "README", page)
    monkeypatch.setattr(readme, "PAGE", tmp_path / "BENCH.md")
    monkeypatch.setattr("sys.argv", ["readme", str(kept)])
    assert readme.main() == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and reason in said and "make bench ARGS=" in said
    assert "the old table" in page.read_text("utf-8") and not (tmp_path / "BENCH.md").exists()


def test_a_disqualified_server_that_no_goal_needs_is_named(run: Run) -> None:
    result_of(run, "echo1k").rows[2].trouble = "3 × read error among 9 requests"
    text = readme.block(run).replace("\n", " ")
    assert cells(readme.block(run), "POST of 1 KiB, echoed")[3] == "–"
    assert (
        "granian has no figures in the row “POST of 1 KiB, echoed”: 3 × read error among 9 requests." in text
    )


def test_a_server_that_is_not_shown_on_the_machine_is_named(run: Run) -> None:
    for result in run.results:
        result.rows = [each for each in result.rows if each.server != "bjoern"]
    run.lines = ["bjoern: not shown on this machine: needs a C compiler"]
    assert "bjoern: not shown on this machine: needs a C compiler" in readme.block(run)


def test_the_table_is_written_between_its_markers_and_nothing_else_changes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, kept = tmp_path / "README.md", tmp_path / "bench.json"
    page.write_text(f"before\n\n{readme.BEGIN}\nold\n{readme.END}\n\nafter\n", "utf-8")
    kept.write_text(record.as_json(run), "utf-8")
    monkeypatch.setattr(readme, "README", page)
    monkeypatch.setattr(readme, "PAGE", tmp_path / "BENCH.md")
    monkeypatch.setattr("sys.argv", ["readme", str(kept)])
    assert readme.main() == 0
    whole = f"before\n\n{readme.BEGIN}\n{readme.glance(run)}\n{readme.END}\n\nafter\n"
    assert readme.block(run) in (tmp_path / "BENCH.md").read_text("utf-8")
    assert page.read_text("utf-8") == whole
    assert readme.main() == 0 and page.read_text("utf-8") == whole


@pytest.mark.parametrize(
    ("text", "lacks"), [("no marker", readme.BEGIN), (f"{readme.BEGIN} only the first", readme.END)]
)
def test_a_readme_without_a_marker_is_refused(text: str, lacks: str) -> None:
    with pytest.raises(readme.Refused, match="it lacks the line") as failure:
        readme.inserted(text, "made")
    assert lacks in str(failure.value)


def test_the_projects_readme_has_the_markers() -> None:
    text = readme.README.read_text("utf-8")
    assert readme.inserted(text, "made").count("made") >= 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "is not there"), ("{", "holds no run of this bench"), ("{}", "holds no run of this bench")],
)
def test_a_file_that_is_no_run_is_one_clear_line(content: str | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(record.Unreadable, match=reason):
        record.read(path)


def test_a_run_is_read_as_it_was_written(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text(record.as_json(run), "utf-8")
    assert record.read(path) == run


def test_every_goal_names_servers_that_take_part_in_its_row() -> None:
    everyone = list(CONTENDERS.values())
    for line in readme.LINES:
        names = {each.name for each in taking_part(SCENARIOS[line.key], everyone)}
        for goal in line.goals:
            assert names & set(goal.than), line.key
        assert line.goals or line.most


# Taking a run up again.


def kept(run: Run, path: Path, *words: str, source: str = "") -> set[str]:
    """The scenarios of a run that `--keep` would not measure again."""
    path.write_text(record.as_json(run), "utf-8")
    given = options.parse(["--readme", "--keep", "--json", str(path), *words])
    contenders = [CONTENDERS[name] for name in given.servers]
    now = Run({**run.facts, "source": source, "measured": "later"}, [], [], given.pace, run.chosen)
    return command._kept(given, now, contenders).keys()


def test_what_a_run_has_concluded_is_kept_and_the_rest_is_measured_again(run: Run, tmp_path: Path) -> None:
    run.facts["source"] = ""
    result_of(run, "tls").busy = "other programs took 34 % of a core"
    unsteady(run)
    everything = {line.key for line in readme.LINES}
    assert kept(run, tmp_path / "bench.json") == everything - {"tls", "heads"}
    assert kept(run, tmp_path / "bench.json", "get") == everything - {"tls", "heads", "get"}


def test_nothing_is_kept_of_another_source(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept(run, tmp_path / "bench.json", source="another") == set()
    assert "nothing is kept" in capsys.readouterr().err
