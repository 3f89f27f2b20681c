"""The four servers of netlab/check/PEERS.md are run again; the page argues each difference from the suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from netlab.check.cases import every_case
from netlab.check.limits import RULES
from netlab.check.verdict import CaseVerdict, Result
from tests.check import peers
from tests.kit.peers import Lacking

KNOWN = {case.id for case in every_case()} | {rule.name for rule in RULES}


def test_every_row_of_the_suite_names_a_case_and_a_reason_that_exist() -> None:
    for name, ours, fails, reason in peers.SUITE["cases"]:
        assert ours in KNOWN, name
        assert set(fails) <= set("ughnl"), name
        assert not reason or reason in peers.SUITE["reasons"], name
    for letter, failing in peers.SUITE["failing"].items():
        listed = [name for name, _, fails, _ in peers.SUITE["cases"] if letter in fails]
        assert len(listed) == failing, letter


def test_every_scored_case_of_the_suite_stands_in_the_page_once() -> None:
    others = [name for _, _, names in peers.SUITE["others"] for name in names.split()]
    named = [*others, *(case[0] for case in peers.SUITE["cases"])]
    assert len(named) == len(set(named)) == peers.SUITE["scored"]
    page = peers.PEERS_PAGE.read_text("utf-8")
    assert "\n".join(peers.others_table()) in page and f"its other {len(others)} cases" in page


def test_the_page_argues_each_difference() -> None:
    page = peers.PEERS_PAGE.read_text("utf-8")
    rows = [line.split("|")[1:-1] for line in page.partition("Beside a public suite")[2].splitlines()]
    table = {cells[0].strip(): [cell.strip() for cell in cells[3:]] for cells in rows if len(cells) == 8}
    for name, _, _, reason in peers.SUITE["cases"]:
        *cells, why = table[name]
        assert why == (reason if {"suite", "netlab"} & set(cells) else ""), name
        assert why or cells, name


def test_a_page_is_read_back_as_it_was_written() -> None:
    def verdict(name: str, outcome: Result) -> CaseVerdict:
        return CaseVerdict(name, "host", "t", "r", "RFC 9112 §3.2", "MUST", outcome, "e", "g")

    judged = {
        letter: [verdict("host/x", Result.FAILED if letter in "un" else Result.PASSED)] for letter in "ughn"
    }
    page = "\n".join(["## MUST", *peers.broken_table(judged, "must"), "## SHOULD"])
    assert [letter for letter in "ughn" if peers.rows_of(page, letter)] == ["u", "n"]


@pytest.mark.soak
@pytest.mark.parametrize("letter", peers.JUDGED)
def test_a_server_breaks_what_the_page_says(letter: str, tmp_path: Path) -> None:
    try:
        label = peers.JUDGED[letter].label
        broken = peers.broken(peers.judge(letter, tmp_path), "must")
    except Lacking as lacking:
        pytest.skip(str(lacking))
    page = peers.PEERS_PAGE.read_text("utf-8")
    assert "host/host-a_name_in_utf_8" in broken
    if f"| {label} |" in page:
        assert peers.steady(broken) == peers.steady(peers.rows_of(page, letter))
