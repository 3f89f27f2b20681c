"""One lab measured and told: the prediction against the result first, then the picture, then the verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from labs.runner import terminal
from labs.runner.checking.failure import last_lines
from labs.runner.errors import LabError
from labs.runner.evidence import Drawing, Measurement
from labs.runner.learner.commands import as_number, ask_prediction
from labs.runner.learner.learner import Learner
from labs.runner.learner.workspace import shown
from labs.runner.registry import Lab
from labs.runner.report import cards, tables, verdicts
from labs.runner.report.measure_all import write
from labs.runner.report.measuring import Evidence, Outcome, measure


def measure_lab(learner: Learner, lab: Lab, *, mine: bool, everything: bool = False) -> int:
    """`make measure-NN`: 0, or 1 when the measurement failed. The arguments are those of `measured`."""
    evidence = measured(learner, lab, mine=mine, everything=everything)
    return int(evidence.outcome is Outcome.FAILED)


def measured(learner: Learner, lab: Lab, *, mine: bool, everything: bool = False) -> Evidence:
    """Measure with the reference or with the learner's code, and tell it. `everything`: all tables, too."""
    out, code = learner.out, lab.solution
    if mine:
        code = learner.work.exercise(lab)
        if not learner.solved(lab):
            raise LabError(f"your lab {lab.name} does not pass yet: run `make lab-{lab.number:02d}` first")
    else:
        ask_prediction(learner, lab)
    with out.progress(1) as bar:
        evidence = measure(lab, code, bar.note)
    _tell_evidence(learner, lab, evidence, everything)
    if evidence.outcome is Outcome.FAILED:
        return evidence
    if evidence.measurement is not None:
        figures = dict(evidence.measurement.figures)
        said = {"verdict": evidence.measurement.judged, "headline": evidence.measurement.headline}
        learner.record.add(lab, "measurement", code="mine" if mine else "reference", figures=figures, **said)
    explained = lab.explanation if lab.explanation.is_file() else lab.folder / "README.md"
    out.verbatim(f"why       {shown(explained)}")
    return evidence


def tell_done(learner: Learner, evidence: Evidence, following: Lab | None) -> None:
    """The lab is done: what the learner's own code showed, in a sentence, and the commands that follow."""
    number = f"{evidence.lab.number:02d}"
    learner.out.say(f"\nLab {number} is done: your code passes every check.", terminal.GOOD)
    if evidence.measurement is not None:
        learner.out.facts([("You showed:", cards.sentence_of(evidence))], terminal.GOOD)
    after = f"lab {following.number:02d}, {following.title}" if following else "every lab is done"
    learner.out.facts(
        [
            (f"  make solution-{number}", "your code beside the reference"),
            (f"  make wrong-{number}", "what others got wrong"),
            ("  make next", after),
        ]
    )


def tell_solved(learner: Learner, evidence: Evidence, following: Lab | None) -> None:
    """The lab is solved: what the learner's code showed, and that its further tasks, or a lab, may follow."""
    lab, number = evidence.lab, f"{evidence.lab.number:02d}"
    solved = f"Lab {number} is solved: your code passes the checks of tasks 1 to {lab.solved_by}."
    learner.out.say(f"\n{solved}", terminal.GOOD)
    if evidence.measurement is not None:
        learner.out.facts([("You showed:", cards.sentence_of(evidence))], terminal.GOOD)
    further = lab.tasks[learner.standing(lab).task - 1 :]
    left = f"about {sum(task.minutes for task in further)} min: your code withstands more"
    choices = [(f"  make lab-{number}", f"{terminal.count(len(further), 'further task')}, {left}")]
    if following and following != lab:
        choices.append(("  make next", f"lab {following.number:02d}, {following.title}"))
    choices.append((f"  make solution-{number}", "your code beside the reference"))
    learner.out.facts([*choices, (f"  make wrong-{number}", "what others got wrong")])


def _tell_evidence(learner: Learner, lab: Lab, evidence: Evidence, everything: bool) -> None:
    out, found = learner.out, evidence.measurement
    said = learner.standing(lab).prediction or ""
    if found is not None and lab.prediction.figure in found.figures:
        figure = found.figures[lab.prediction.figure]
        out.say(lab.prediction.question, terminal.DIM)
        out.say(compare(said, figure, lab.prediction.unit) + "\n", terminal.STRONG)
    for drawing in pictures(lab, found) if found is not None else ():
        out.say(drawing.title, terminal.DIM)
        out.verbatim(drawing.text + "\n")
    failed = evidence.outcome is Outcome.FAILED
    verdict = verdicts.told_of(evidence)
    out.facts([("claim   ", lab.claim)])
    out.facts([("verdict ", verdict)], terminal.BAD if failed else terminal.STRONG)
    out.facts([("evidence", verdicts.measured_of(evidence))])
    if evidence.log:
        out.verbatim("\n" + textwrap.indent(last_lines(evidence.log), "    "), terminal.DIM)
    if found is None:
        return
    if everything:
        _tell_tables(out, evidence)
    elif found.tables:
        count = terminal.count(len(found.tables), "table")
        out.verbatim(f"more      make measure-{lab.number:02d} ARGS=--all ({count})")
    try:
        out.verbatim(f"plots     {_page(lab, evidence, said)}")
    except LabError as error:
        # The measurement was told and is recorded all the same.
        out.verbatim(f"plots     not written: {error}", terminal.WARN)


def _tell_tables(out: terminal.Terminal, evidence: Evidence) -> None:
    assert evidence.measurement is not None
    for table in evidence.measurement.tables:
        out.say(f"\n{table.title}", terminal.STRONG)
        out.table(table.columns, [[tables.number(cell) for cell in row] for row in table.rows])
    for note in evidence.measurement.notes:
        out.say(f"  note: {note}", terminal.DIM)
    out.say()


def _page(lab: Lab, evidence: Evidence, said: str) -> str:
    """The lab's own page of the report, for its plots."""
    path = lab.folder.parent / "report" / f"{lab.folder.name}.html"
    return shown(write([(lab, evidence)], path, {lab.id: said}))


def pictures(lab: Lab, found: Measurement) -> Sequence[Drawing]:
    """What the measurement draws itself, such as a ladder; else the two bars of the lab's card."""
    if found.drawings:
        return found.drawings
    two_bars = cards.drawing_of(lab, found.figures)
    return [two_bars] if two_bars else []


def compare(said: str, figure: object, unit: str) -> str:
    """The prediction beside the figure: "You predicted 3 packets; it was 7: 2.3 times the prediction"."""
    shown_figure = f"{tables.number(figure)} {unit}".strip()
    if not said:
        return f"It was {shown_figure}. (No prediction was made.)"
    sentence = f"You predicted {said}; it was {shown_figure}"
    guess = as_number(said, unit)
    try:
        truth = float(figure)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return sentence + "."
    if guess is None:
        return sentence + "."
    if guess == truth:
        return f"You predicted {said}, and so it was."
    if guess <= 0 or truth <= 0:
        return sentence + "."
    if abs(truth - guess) <= 0.1 * truth:
        return sentence + ": close."
    return f"{sentence}: {truth / guess:.2g} times the prediction."
