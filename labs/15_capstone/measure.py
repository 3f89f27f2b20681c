"""The evidence of lab 15: the assembled server before its judges, beside netlab and the peers installed here.

The judges: `netlab check`, the checks and the wrong programs of each part's lab, the siege, the probe and the
bench (trials.py). The certificate (certificate.py) says what the server withstands. The bench needs a quiet
machine: it comes first, alone. What waits runs side by side. QUICK=1 plays a part and writes no certificate.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assembled import PARTS
from certificate import write_certificate
from trials import HOSTILE, YOURS, Found, attacks, bench, besiege, judge, one_trial, probe
from wire_judge import LEFT_TO_NETLAB

from labs.runner import plots, registry
from labs.runner.checking.capstone_parts import CAPSTONE, Parts
from labs.runner.checking.forkserver import run_all
from labs.runner.checking.suite import Job
from labs.runner.errors import LabError
from labs.runner.evidence import Measurement, Plot, Run, Table, Verdict
from netlab.check.verdict import Result

FOLDER = Path(__file__).resolve().parent
WRONG = "The parts and their wrong programs"
PEERS = ("uvicorn",)  # beside http.server, which each Python has


@dataclass
class Judged:
    """Everything that was seen. own: the learner's parts. checks: (passed, all) tests of each part's lab."""

    own: Mapping[str, Path]
    servers: dict[str, Found]
    no_ratio: str = ""
    checks: dict[str, tuple[int, int]] = field(default_factory=dict)
    wrong: dict[str, tuple[list[str], int]] = field(default_factory=dict)

    @property
    def yours(self) -> Found:
        """What was seen of the assembled server."""
        return self.servers[YOURS]


def measure(measured: Run) -> Measurement:
    """The bench first, since it needs a quiet machine; then what waits, side by side; then the sieges."""
    own = own_parts(measured)
    parts = Parts(FOLDER.parent, chosen(own))
    found = Judged(own, {name: Found() for name in names(measured)})
    measured.say("the bench: each server in turn")
    found.no_ratio = bench(measured, parts["pool"], found.servers)
    if found.yours.trouble:
        raise LabError(found.yours.trouble[0])
    side_by_side(measured, found)
    with ThreadPoolExecutor(len(found.servers)) as pool:
        list(pool.map(lambda item: one_trial(besiege, measured, *item), found.servers.items()))
    result = told(measured, found)
    if not measured.quick:
        page = FOLDER.parent / "report" / "certificate.html"
        whose_it_is = "Your own server" if measured.mine else "The reference's server"
        write_certificate(page, result, whose_it_is, {WRONG: wrong_in_words(found)})
    return result


def own_parts(measured: Run) -> dict[str, Path]:
    """The learner's parts, if the learner's code is measured."""
    if not measured.mine:
        return {}
    from serve import own_parts as done

    return done(list(PARTS))


def chosen(own: Mapping[str, Path]) -> list[str]:
    """The learner's parts as Parts takes them."""
    return [f"{slug}={path}" for slug, path in own.items()]


def names(measured: Run) -> list[str]:
    """The servers: yours, netlab, and the peers. QUICK=1 leaves http.server out beside another peer."""
    peers = [peer for peer in PEERS if importlib.util.find_spec(peer)]
    return [YOURS, "netlab", *peers, *([] if measured.quick and peers else ["http.server"])]


def side_by_side(measured: Run, found: Judged) -> None:
    """The judge of each server, which mostly waits, beside the checks and the wrong programs, which work."""
    measured.say("the judge, the checks of each part, and the wrong programs, side by side")
    with ThreadPoolExecutor(len(found.servers)) as pool:
        waiting = [
            pool.submit(one_trial, judge, measured, name, each)
            for name, each in found.servers.items()
            if name == YOURS or not measured.quick
        ]
        if not measured.quick:
            found.checks = checked(measured, found.own)
            found.wrong = whole_with_wrong(measured, found.own)
        for each in waiting:
            each.result()
    if not measured.quick:
        for name, server in found.servers.items():
            one_trial(probe, measured, name, server)


def checked(measured: Run, own: Mapping[str, Path]) -> dict[str, tuple[int, int]]:
    """The tests of each part's lab, run on the part that the server is made of: (passed, all of them)."""
    labs = {lab.slug: lab for lab in registry.written(FOLDER.parent) if lab.slug in (*PARTS, CAPSTONE)}
    code = Path(measured.code.__file__ or "").resolve()
    files = {slug: own.get(slug, lab.solution) for slug, lab in labs.items()} | {CAPSTONE: code}
    work = ((slug, Job(lab.folder, files[slug], parts=parts_of(slug, own))) for slug, lab in labs.items())
    counted = {slug: (passed_of(result), len(result.tests)) for slug, result in run_all(work)}
    return {slug: counted[slug] for slug in labs}


def parts_of(slug: str, own: Mapping[str, Path]) -> tuple[str, ...]:
    """The capstone's checks need the parts; those of the other labs take none."""
    return tuple(chosen(own)) if slug == CAPSTONE else ()


def passed_of(result: Any) -> int:
    """How many tests of a run passed; none when it broke."""
    return 0 if result.broken else sum(outcome.failure is None for outcome in result.outcomes)


def whole_with_wrong(measured: Run, own: Mapping[str, Path]) -> dict[str, tuple[list[str], int]]:
    """The wrong programs of the seven labs in the place of their part, in a process of its own."""
    code = str(Path(measured.code.__file__ or "").resolve())
    script = [sys.executable, str(FOLDER / "whole_with_wrong.py"), "--code", code]
    script += [f"--part={part}" for part in chosen(own)]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=400)
    if done.returncode:
        raise LabError((done.stderr.strip() or "whole_with_wrong.py ended early").splitlines()[-1])
    counted: dict[str, tuple[list[str], int]] = json.loads(done.stdout)
    return counted


# -- what it says ------------------------------------------------------------------------------------------


def told(measured: Run, found: Judged) -> Measurement:
    """The verdict, and everything that it rests on."""
    verdict = verdict_of(found)
    return Measurement(
        figures=figures(found),
        verdict=verdict,
        condition="netlab takes over the rules that no lab builds" if verdict is Verdict.TRUE_ONLY_IF else "",
        headline=headline(found, measured),
        tables=[
            beside(found, measured), sieges(found), *([parts_table(measured, found)] if found.checks else []),
            broken(found.yours), *([unseen(found)] if found.checks else [owners(measured, found)]),
        ],
        plots=[
            Plot("Honest clients answered under each attack", plots.svg(functools.partial(draw, found))),
            *speed_plot(found),
        ],
        notes=notes(measured, found),
    )  # fmt: skip


def verdict_of(found: Judged) -> Verdict:
    """False for a server that an attack brings down; true for one that keeps each rule that was played."""
    passed, played = found.yours.kept("must")
    if found.yours.worst < 50 or not played:
        return Verdict.FALSE
    return Verdict.TRUE if passed == played else Verdict.TRUE_ONLY_IF


def figures(found: Judged) -> dict[str, float | int | str]:
    """The numbers by name."""
    passed, played = found.yours.kept("must")
    said: dict[str, float | int | str] = {
        "must_kept_percent": round(100 * passed / max(1, played), 1),
        "must_kept": passed,
        "must_played": played,
    }
    for name, each in found.servers.items():
        plain = name.replace(" ", "_").replace(".", "_")
        if each.speed is not None:
            said[f"{plain}_requests_per_second"] = round(each.speed)
        said[f"{plain}_answered_under_siege_percent"] = round(each.worst)
    if found.wrong:
        said["wrong_programs_shown"] = sum(len(names) for names, _ in found.wrong.values())
        said["wrong_programs"] = sum(of for _, of in found.wrong.values())
    return said


def headline(found: Judged, measured: Run) -> str:
    """One line."""
    passed, played = found.yours.kept("must")
    ours, netlabs = found.yours.speed, found.servers["netlab"].speed
    said = (
        f"{measured.owner} assembled server keeps {passed} of the {played} MUST cases played; "
        f"{found.yours.worst:.0f} % of honest clients are answered under the worst of "
        f"{len(found.yours.answered)} attacks by {HOSTILE} connections"
    )
    if found.no_ratio or ours is None or netlabs is None:
        return said
    return f"{said}; one client gets {ours:,.0f} answers a second (netlab: {netlabs:,.0f})"


def beside(found: Judged, measured: Run) -> Table:
    """One row a server."""
    rows = []
    for name, each in found.servers.items():
        cells = ["–", "–"]
        if each.verdicts:
            cells = ["{} of {}".format(*each.kept(requirement)) for requirement in ("must", "should")]
        idle = "–" if each.idle is None else f"{each.idle:.1f}"
        rows.append([name, *cells, f"{each.worst:.0f} %", idle, speed(each), times_netlab(found, name)])
    columns = ["server", "MUST kept", "SHOULD kept", "answered under the worst attack"]
    columns += ["KiB an idle connection", "requests/s", "times netlab"]
    return Table("The server beside others", columns, rows)


def speed(each: Found) -> str:
    """Requests a second."""
    return "–" if each.speed is None else f"{each.speed:,.0f}"


def times_netlab(found: Judged, name: str) -> str:
    """A server's speed divided by netlab's; none on a busy machine."""
    mine, netlabs = found.servers[name].speed, found.servers["netlab"].speed
    return "–" if found.no_ratio or mine is None or netlabs is None else f"{mine / netlabs:.2f}"


def sieges(found: Judged) -> Table:
    """One row an attack, one column a server; and how much of an endless head each takes."""
    rows: list[list[str]] = []
    for attack in found.yours.answered:
        rows.append([attack, *(percent(each.answered.get(attack)) for each in found.servers.values())])
    if any(each.head for each in found.servers.values()):
        rows.append(["bytes of one endless head", *(taken(each.head) for each in found.servers.values())])
    return Table(f"Honest clients answered, {HOSTILE} hostile connections", ["attack", *found.servers], rows)


def percent(answered: float | None) -> str:
    """A share of the honest clients."""
    return "–" if answered is None else f"{answered:.0f} %"


def taken(head: tuple[int, int | None] | None) -> str:
    """How much of an endless head a server took, and its answer."""
    if head is None:
        return "–"
    octets, status = head
    return f"{octets:,}, {'not refused' if status is None else f'then {status}'}"


def parts_table(measured: Run, found: Judged) -> Table:
    """Each part: whose it is, its own lab's tests, and the wrong programs that it was held against."""
    rows = []
    for slug, text in PARTS.items():
        names, of = found.wrong.get(slug, ([], 0))
        rows.append([text, whose(measured, found, slug), tests(found, slug), of, len(names), of - len(names)])
    shown = [sum(int(row[column]) for row in rows) for column in (3, 4, 5)]
    rows.append(["all parts", "", "", *shown])
    joints = "the learner's" if measured.mine else "the reference's"
    rows.append(["lab 15: the joints", joints, tests(found, CAPSTONE), "–", "–", "–"])
    columns = ["part", "whose", "tests passed now", "wrong programs", "the whole shows it"]
    return Table(WRONG, [*columns, "only its lab's tests show it"], rows)


def unseen(found: Judged) -> Table:
    """The wrong programs that the whole does not show, each with the reason."""
    reasons = tomllib.loads((FOLDER / "unseen.toml").read_text("utf-8"))
    rows = [
        [PARTS[slug].partition(":")[0], name.replace("_", " "), why]
        for slug, listed in reasons.items()
        for name, why in listed.items()
        if name not in found.wrong.get(slug, ([], 0))[0]
    ]
    return Table("Wrong programs that the whole does not show", ["lab", "wrong program", "why"], rows)


def tests(found: Judged, slug: str) -> str:
    """How many tests a part passed."""
    return "{} of {}".format(*found.checks[slug]) if slug in found.checks else "–"


def broken(ours: Found) -> Table:
    """What the judge holds against the server, and where it comes from."""
    failed = [one for one in ours.verdicts if one.outcome is Result.FAILED and one.requirement == "must"]
    rows = [
        [one.title, one.section, LEFT_TO_NETLAB.get(one.name.partition("/")[2], one.why)] for one in failed
    ]
    return Table("MUST cases that the server breaks", ["case", "rule", "why"], rows)


def whose(measured: Run, found: Judged, slug: str) -> str:
    """Whose a part is; where the reference fills in for a learner, why."""
    if slug in found.own:
        return "the learner's"
    if not measured.mine:
        return "the reference's"
    from serve import why_not

    return f"the reference's: {why_not(slug)}"


def owners(measured: Run, found: Judged) -> Table:
    """Which parts are the learner's."""
    rows = [[text, whose(measured, found, slug)] for slug, text in PARTS.items()]
    return Table("The parts", ["part", "whose"], rows)


def notes(measured: Run, found: Judged) -> list[str]:
    """What a reader of the tables should know."""
    said = [trouble for each in found.servers.values() for trouble in each.trouble]
    said.append(
        "the servers of the siege may open 128 files, and those with deadlines have short ones (lab 14); "
        "on a busy machine an attack that was not stood was tried twice, and the better try counts"
    )
    if found.no_ratio:
        said.append(f"no server's speed is compared with another's: {found.no_ratio}")
    if found.wrong:
        said += wrong_in_words(found)
    if measured.mine:
        missing = [text.partition(":")[0] for slug, text in PARTS.items() if slug not in found.own]
        said.append(f"the reference fills in: {', '.join(missing) or 'nothing, each part is yours'}")
    if measured.quick:
        said.append(
            "QUICK=1: the judge plays framing, host and fields, and only the assembled server; the siege is "
            f"{' and '.join(attack.name for attack in attacks(True))}; left out are the probe, http.server "
            "beside uvicorn, the wrong programs and the certificate"
        )
    else:
        said.append("left out: the judge's slow head (the siege shows it) and TLS (lab 14's loop has none)")
        said.append("the certificate: labs/report/certificate.html")
    return said


def wrong_in_words(found: Judged) -> list[str]:
    """What the columns of the wrong programs mean."""
    shown = sum(len(names) for names, _ in found.wrong.values())
    of = sum(of for _, of in found.wrong.values())
    return [
        "a wrong program is a part with one plausible mistake: each one took the place of its part in the "
        f"assembled server, {of} in all",
        f"the wire cases and the conversations with the whole server show {shown} of the {of} mistakes; the "
        f"other {of - shown} cannot be seen there, each for a reason that stands below, and each fails a "
        "test of its own lab (`make labs-verify` proves both)",
        "so each part must also pass the tests of its own lab; “tests passed now” is the count of this run",
    ]


def speed_plot(found: Judged) -> list[Plot]:
    """Requests a second, where they may be compared."""
    known = {name: each.speed for name, each in found.servers.items() if each.speed is not None}
    if found.no_ratio or not known:
        return []

    def bars(axes: Any) -> None:
        axes.barh(range(len(known)), list(known.values()), color=plots.COLOURS[0])
        axes.set_yticks(range(len(known)), list(known))
        axes.invert_yaxis()
        axes.set_xlabel("requests a second, one client")

    return [Plot("Requests a second, one client", plots.svg(bars))]


def draw(found: Judged, axes: Any) -> None:
    """Groups of bars: attacks; in each a bar for every server."""
    names = list(found.yours.answered)
    height = 0.8 / len(found.servers)
    styles = zip(found.servers.items(), plots.COLOURS, ("", "//", "..", "xx"), strict=False)
    for row, ((name, each), colour, hatch) in enumerate(styles):
        places = [at + (row - (len(found.servers) - 1) / 2) * height for at in range(len(names))]
        # A bar of nothing is still a bar: half a percent wide.
        values = [max(0.5, each.answered.get(attack, 0.0)) for attack in names]
        axes.barh(places, values, height, color=colour, hatch=hatch, edgecolor="white", label=name)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("% of honest clients answered")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=4)
