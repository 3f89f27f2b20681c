"""The report stands alone: nothing is fetched, nothing runs, nothing of a measurement becomes markup."""

from __future__ import annotations

import dataclasses
import json
import re
import xml.dom.minidom
from html.parser import HTMLParser
from pathlib import Path

import pytest

from labs.runner import plots, registry
from labs.runner.errors import LabError
from labs.runner.evidence import Drawing, Measurement, Plot, Table, Verdict
from labs.runner.learner import measured
from labs.runner.registry import Entry, Lab
from labs.runner.report import against, bars, cards, environment, measure_all, tables
from labs.runner.report import page as report_page
from labs.runner.report.measuring import Evidence, Outcome


@pytest.fixture(scope="module", autouse=True)
def fonts() -> None:
    """matplotlib opens its fonts with the first drawing and keeps them."""
    plots.svg(lambda axes: axes.set_title("Aé≈✓"))


def evidence(lab: Lab, **changed: object) -> Evidence:
    """A full measurement of the toy."""
    values: dict[str, object] = {
        "figures": {"letters": 9, "rate": 12345.678},
        "verdict": Verdict.TRUE_ONLY_IF,
        "condition": "the name is <short>",
        "headline": "9 letters & more",
        "tables": [Table("A <table>", ("name", "ms"), [("<b>bob</b>", "1.5 ms"), ("ann", 2)])],
        "plots": [
            Plot("Curve", plots.svg(lambda axes: axes.plot([1, 2, 3]))),
            Plot("Curve 2", plots.svg(lambda axes: axes.plot([3, 1]))),
        ],
        "notes": ["<script>alert(1)</script>"],
    }
    return Evidence(lab, Outcome.SHOWN, Measurement(**(values | changed)), seconds=1.25)  # type: ignore[arg-type]


class Tags(HTMLParser):
    """Every tag with its attributes, and whether all are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def page(lab: Lab) -> str:
    """A page with a lab of each kind."""
    later = Entry(2, "later", "Later", "Later is better.", lab.folder)
    return report_page.page([(lab, evidence(lab)), (later, None)], environment.facts(), {lab.id: "7 & a bit"})


def test_nothing_is_fetched_and_nothing_runs(page: str) -> None:
    tags = Tags(page)
    assert tags.open == []
    assert {tag for tag, _ in tags.seen} & {"script", "link", "img", "iframe", "object"} == set()
    links = [
        value
        for _, attributes in tags.seen
        for name, value in attributes.items()
        if name.endswith(("href", "src"))
    ]
    # The article is named and linked; a link fetches nothing until the reader follows it.
    assert links and {link for link in links if not link.startswith("#")} == {registry.ARTICLE_URL}
    assert not re.findall(r"@import|url\((?!#)", page)
    assert not any(name.startswith("on") for _, attributes in tags.seen for name in attributes)


def test_every_id_is_unique_and_every_reference_has_its_id(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', page)) <= set(ids)


def test_words_of_a_measurement_are_never_markup(page: str) -> None:
    for words in ("<b>bob", "<short>", "<script>", "A <table>"):
        assert words not in page
    assert "&lt;b&gt;bob" in page and "9 letters &amp; more" in page


def test_the_verdicts_come_first_and_what_is_to_come_is_said(page: str) -> None:
    assert page.index("True only if") < page.index("The machine") < page.index("<svg")
    assert "To come: 02 later" in page
    assert "You said 7 &amp; a bit; it was 9 letters." in page


def test_long_tables_are_folded_and_short_ones_stand_open() -> None:
    rows = [(n, "x") for n in range(tables.SHORT)]
    assert "<details" not in tables.table_html(Table("T", ("n", "x"), rows))
    folded = tables.table_html(Table("T", ("n", "x"), [*rows, (9, "x")]))
    assert folded.startswith("<details><summary>T <small>(9 rows)</small></summary>")


def test_a_cell_carries_the_name_of_its_column_for_the_cards_of_a_phone() -> None:
    assert '<td data-column="a &lt; b">x</td>' in tables.plain(Table("T", ("a < b",), [("x",)]))


def _carded(verdict: Verdict) -> Evidence:
    """Lab 01 of the curriculum, measured."""
    figures = {"packets_per_fetch": 10, "packets_per_fetch_reused": 2.0}
    condition = "the moon is full" if verdict is Verdict.TRUE_ONLY_IF else ""
    return Evidence(
        registry.written()[0], Outcome.SHOWN, Measurement(figures, verdict, "10 packets", condition=condition)
    )


def test_a_card_has_the_claim_a_plain_verdict_one_number_and_a_picture() -> None:
    card = cards.card_html(_carded(Verdict.TRUE_ONLY_IF))
    assert "True only if the connection is new. On one that stays open" in card
    assert "<b>10</b> <span>packets for one fetch on a new connection.</span>" in card
    assert 'aria-label="on a new connection: 10; on an open connection: 2"' in card


def test_the_terminal_draws_the_bars_of_the_card() -> None:
    found = _carded(Verdict.TRUE_ONLY_IF)
    assert found.measurement is not None
    drawing = cards.drawing_of(found.lab, found.measurement.figures)
    assert drawing is not None and drawing.title == "10 packets for one fetch on a new connection"
    assert drawing.text.splitlines() == [
        "  on a new connection    ████████████████████████ 10",
        "  on an open connection  ████▊ 2",
    ]
    assert cards.drawing_of(found.lab, {"packets_per_fetch": 10}) is None, "a run that lacks a figure"


@pytest.mark.parametrize(("share", "bar"), [(0, "▏"), (1 / 192, "▏"), (1 / 24, "█"), (1, "█" * 24)])
def test_a_bar_is_as_long_as_its_share(share: float, bar: str) -> None:
    assert bars.blocks(share) == bar


def test_a_measurement_shows_its_own_drawings_or_else_the_bars_of_the_card() -> None:
    found = _carded(Verdict.TRUE_ONLY_IF)
    assert found.measurement is not None
    assert "█" in measured.pictures(found.lab, found.measurement)[0].text
    ladder = Drawing("A ladder", "|--->|")
    drawn = dataclasses.replace(found.measurement, drawings=[ladder])
    assert measured.pictures(found.lab, drawn) == [ladder]


def test_another_verdict_than_the_cards_is_told_in_the_measurements_own_words() -> None:
    assert cards.sentence_of(_carded(Verdict.FALSE)) == "False. 10 packets."


def test_each_written_lab_has_a_card_whose_sentences_are_one_or_two() -> None:
    ids = {card.lab for card in cards.CARDS}
    assert {lab.id for lab in registry.written()} <= ids
    for card in cards.CARDS:
        assert 1 <= len(re.findall(r"[.](?= |$)", card.says.replace("TLS 1.", ""))) <= 3, card.lab


def _kept(path: Path, lab: Lab, *, quick: bool = False, letters: int = 7) -> Path:
    """A run as `make labs` keeps it."""
    result = {"lab": lab.id, "figures": {"letters": letters}, "verdict": "false"}
    machine = {"measured": "2026-01-01", "processor": "another"}
    path.write_text(json.dumps({"machine": machine, "quick": quick, "labs": [result]}))
    return path


def test_a_run_is_compared_with_a_kept_one(lab: Lab, tmp_path: Path) -> None:
    earlier = against.read(_kept(tmp_path / "kept.json", lab))
    text = report_page.page([(lab, evidence(lab))], [], earlier=earlier)
    assert "Compared with the run of 2026-01-01, another." in text
    assert "Earlier: 7." in text and "The earlier run's verdict: false" in text
    assert '<td class="number" data-column="this / earlier">1.29</td>' in text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"labs": []}', '{"labs": [1], "machine": {}}'])
def test_a_file_that_is_no_kept_run_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(LabError, match=r"x\.json: holds no kept run; give it an index\.json"):
        against.read(tmp_path / "x.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"gone\.json: No such file"):
        against.read(tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("kept", "quick", "name"),
    [("full", True, "index-quick.html"), ("full", False, "index.html"),
     ("quick", True, "index.html"), ("nothing", True, "index.html")],
)  # fmt: skip
def test_a_shortened_run_never_takes_the_place_of_a_full_one(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str, quick: bool, name: str
) -> None:
    monkeypatch.setenv("QUICK", "1" if quick else "")
    if kept != "nothing":
        _kept(tmp_path / "index.json", lab, quick=kept == "quick")
    before = (tmp_path / "index.json").read_bytes() if kept == "full" else None
    written = measure_all.write([(lab, evidence(lab))], tmp_path / "index.html", {})
    assert written == tmp_path / name
    assert against.read(written.with_suffix(".json")).quick is quick
    if kept == "full" and quick:
        assert (tmp_path / "index.json").read_bytes() == before


def test_it_reads_in_dark_light_and_print(page: str) -> None:
    assert "prefers-color-scheme: dark" in page and "@media print" in page


def test_what_could_not_be_shown_is_no_verdict(lab: Lab) -> None:
    page = report_page.page([(lab, Evidence(lab, Outcome.NOT_SHOWN, reason="needs tshark"))], [])
    assert "not shown on this machine" in page and "needs tshark" in page
    assert "✓" not in page


def test_the_machine_is_described_without_naming_it(page: str) -> None:
    import getpass
    import socket

    names = [name for name, _ in environment.facts()]
    assert names[:4] == ["measured", "processor", "memory", "system"]
    text = " ".join(value for _, value in environment.facts())
    assert socket.gethostname() not in text.split()
    assert f"/{getpass.getuser()}" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (12345.6, "12,346"),
        (3.14159, "3.142"),
        (0.000123, "0.000123"),
        ("x", "x"),
        (None, "–"),
        (True, "True"),
    ],
)
def test_figures_are_readable(value: object, text: str) -> None:
    assert tables.number(value) == text


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"headline": "a\nb"}, "one line"),
        ({"condition": ""}, "a condition goes with"),
        ({"verdict": Verdict.TRUE}, "a condition goes with"),
        ({"figures": {"x": [1]}}, "figure 'x' is list"),
        ({"headline": "", "condition": ""}, "one line; a condition"),
    ],
)
def test_a_careless_measurement_is_refused_with_every_mistake(
    lab: Lab, changed: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        evidence(lab, **changed)


def test_a_table_whose_rows_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="2 columns, but a row of 1"):
        Table("t", ("a", "b"), [(1,)])


def test_a_plot_must_be_inline_svg() -> None:
    with pytest.raises(ValueError, match="must begin with <svg"):
        Plot("t", "<?xml version='1.0'?><svg/>")


def test_evidence_survives_the_way_between_processes(lab: Lab) -> None:
    import json

    before = evidence(lab).measurement
    assert before is not None
    after = Measurement.from_json(json.loads(json.dumps(before.to_json())))
    assert after.to_json() == before.to_json()
    assert after.judged == "true only if the name is <short>"


def test_a_matplotlib_drawing_is_inline_and_takes_the_pages_ink() -> None:
    drawn = plots.svg(lambda axes: (axes.plot([1, 2]), axes.set_title("Title & more")))
    xml.dom.minidom.parseString(drawn)
    assert drawn.startswith("<svg") and "currentColor" in drawn and "Title &amp; more" in drawn
    assert "<style" not in drawn and "<metadata" not in drawn and "#010203" not in drawn
    assert not re.search(r"<svg[^>]* (width|height)=", drawn)


def test_the_same_drawing_twice_gives_the_same_picture() -> None:
    def draw(axes: object) -> None:
        axes.plot([1, 2])  # type: ignore[attr-defined]

    assert plots.svg(draw) == plots.svg(draw)


def _luminance(colour: str) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", plots.COLOURS)
@pytest.mark.parametrize("paper", ["#fdfdfc", "#16181d"])
def test_every_colour_stands_out_on_light_and_on_dark(colour: str, paper: str) -> None:
    low, high = sorted((_luminance(colour), _luminance(paper)))
    assert (high + 0.05) / (low + 0.05) >= 3.0, "WCAG 2.2, 1.4.11: graphics need 3:1"


def test_a_ladder_shows_direction_time_phase_and_loss() -> None:
    drawn = plots.sequence(
        "client", "server",
        [
            plots.Arrow(plots.RIGHT, "SYN <seq 0>", 0.0, phase="handshake"),
            plots.Arrow(plots.LEFT, "SYN-ACK", 84e-6, detail="window 65536", phase="handshake"),
            plots.Arrow(plots.RIGHT, "data", 0.0032, lost=True),
        ],
    )  # fmt: skip
    xml.dom.minidom.parseString(drawn)
    for words in (
        "client",
        "server",
        "SYN &lt;seq 0&gt;",
        "84 µs",
        "3.2 ms",
        "window 65536",
        "handshake",
        "✕",
    ):
        assert words in drawn
    assert drawn.count("<path") == 3, "two arrow heads and one bracket; what is lost has no head"


def test_an_arrow_to_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="points 'right' or 'left'"):
        plots.Arrow("up", "x")
