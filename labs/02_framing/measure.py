"""The evidence of lab 02: the same bytes to every program here, and who disagrees with whom about them.

The bytes stand in cases.py, the programs in peers.py. The code under measure reads them, too; where it finds
a chunked content, lab 12's reference decodes it.
"""

from __future__ import annotations

import asyncio
import contextlib
from itertools import combinations
from types import ModuleType
from typing import Any

from labs.runner import loader, plots
from labs.runner.evidence import Measurement, Plot, Run, Table, Verdict

# Readings of one program, case by case.
Readings = dict[str, list[Any]]


def own_reading(code: ModuleType, chunks: ModuleType, peers: ModuleType, wire: bytes) -> Any:
    """What the code under measure sees, as a server that goes on from request to request."""
    seen: list[tuple[str, int]] = []
    wire += peers.LAST
    while wire:
        try:
            request = code.parse(wire)
            if request is None:
                break
            if request.framing.kind is code.Kind.CHUNKED:
                content, _, after = chunks.decode(request.rest)
            else:
                length = request.framing.length
                content, after = request.rest[:length], request.rest[length:]
                if len(content) < length:
                    break
        except code.Refused as refused:
            return peers.Reading(tuple(seen), refused.rule.status, True)
        except chunks.Refused as refused:
            incomplete = refused.rule is chunks.Rule.INCOMPLETE
            return peers.Reading(tuple(seen), 0 if incomplete else 400, not incomplete)
        if len(after) >= len(wire):
            raise RuntimeError(f"parse({wire[:40]!r}…) leaves no fewer bytes than it was given")
        wire = after
        if request.target != "/last":
            seen.append((request.target, len(content)))
    return peers.Reading(tuple(seen))


async def ask_all(run: Run, cases: list[Any], peers: ModuleType) -> tuple[Readings, list[str]]:
    """Every program's readings of every case, and a line for each program that is here or is missing."""
    chunks = loader.load(run.folder.parent / "12_chunked" / "solution.py", "framing_chunks")
    own = [own_reading(run.code, chunks, peers, case.wire) for case in cases]
    readings: Readings = {f"{run.owner} parser": own}
    notes: list[str] = []
    ports: dict[str, int] = {}
    async with contextlib.AsyncExitStack() as servers:
        for peer in peers.PEERS:
            if peer.missing:
                notes.append(f"{peer.name}: {peer.missing}")
                continue
            run.say(f"starting {peer.name}")
            readings[peer.name] = []
            if peer.start is None:
                readings[peer.name] = [peers.h11_reading(case.wire) for case in cases]
            else:
                ports[peer.name] = await servers.enter_async_context(peer.start())
            notes.append(f"{peer.name}: {peer.version}")
        run.say(f"{len(cases)} cases to each of {len(ports)} servers, all at once")
        answers = [peers.replay(port, case.wire) for port in ports.values() for case in cases]
        found = iter(await asyncio.gather(*answers))
        for name in ports:
            readings[name] = [next(found) for _ in cases]
    return readings, notes


async def measure(run: Run) -> Measurement:
    """Ask all, compare each with each, judge."""
    cases = loader.load(run.folder / "cases.py", "framing_cases").CASES
    peers = loader.load(run.folder / "peers.py", "framing_peers")
    readings, notes = await ask_all(run, cases, peers)
    split = [disagree(readings, index) for index in range(len(cases))]
    tricks = [index for index, case in enumerate(cases) if not case.honest]
    honest = [index for index, case in enumerate(cases) if case.honest]
    wrong = [index for index in honest if any(misread(cases[index], r[index]) for r in readings.values())]
    pairs = {pair: sum(pair in found for found in split) for pair in combinations(readings, 2)}
    worst, most = max(pairs.items(), key=lambda item: item[1])
    two_ways = sum(bool(split[index]) for index in tricks)
    own = readings[f"{run.owner} parser"]
    refused = sum(not own[index].requests for index in tricks)
    if wrong:
        verdict, condition = Verdict.FALSE, ""
    elif two_ways:
        verdict, condition = Verdict.TRUE_ONLY_IF, "the bytes follow the grammar to the letter"
    else:
        verdict, condition = Verdict.TRUE, ""
    return Measurement(
        figures={
            "tricks": len(tricks),
            "tricks_read_in_two_ways": two_ways,
            "tricks_answered_by_some": sum(any(r[i].requests for r in readings.values()) for i in tricks),
            "honest_messages": len(honest),
            "honest_messages_misread_by_some": len(wrong),
            "tricks_refused_by_the_parser_measured": refused,
            "programs": len(readings),
            "most_disagreements_of_a_pair": most,
            "most_disagreeing_pair": " and ".join(worst),
        },
        verdict=verdict,
        condition=condition,
        headline=(
            f"{len(readings)} programs: {two_ways} of {len(tricks)} tricks are read in two ways by some, "
            f"{len(wrong)} of {len(honest)} honest messages misread; most disagreements: {worst[0]} and "
            f"{worst[1]} ({most}); {run.owner} parser refused {refused} of the tricks"
        ),
        tables=[who_saw_what(cases, readings, split), who_disagrees(readings, pairs)],
        plots=[
            Plot("Who disagrees with whom", plots.svg(lambda axes: draw_pairs(axes, list(readings), pairs))),
            Plot(
                f"What became of the {len(tricks)} tricks",
                plots.svg(lambda axes: draw_fates(axes, readings, tricks)),
            ),
        ],
        notes=[
            "a cell names the requests that were answered, with the octets of content each was given",
            "two programs disagree where both answer, and find another request or length; to refuse is safe",
            *notes,
        ],
    )


def disagree(readings: Readings, index: int) -> set[tuple[str, str]]:
    """The pairs that read this case in two ways."""
    return {(a, b) for a, b in combinations(readings, 2) if readings[a][index].differs(readings[b][index])}


def misread(case: Any, reading: Any) -> bool:
    """Did the program see anything but the requests that an honest message holds?"""
    return reading.requests != case.honest or bool(reading.refused)


def who_saw_what(cases: list[Any], readings: Readings, split: list[set[tuple[str, str]]]) -> Table:
    """A row for each case, a column for each program."""
    rows = [
        [
            case.name,
            "honest" if case.honest else "",
            *(str(found[index]) for found in readings.values()),
            len(split[index]) or "",
        ]
        for index, case in enumerate(cases)
    ]
    return Table("The requests that each program saw", ["bytes", "", *readings, "pairs that disagree"], rows)


def who_disagrees(readings: Readings, pairs: dict[tuple[str, str], int]) -> Table:
    """The matrix: of how many cases the two programs made two things."""
    rows = [[a, *("" if a == b else count(pairs, a, b) for b in readings)] for a in readings]
    return Table("In how many cases two programs disagree", ["", *readings], rows)


def count(pairs: dict[tuple[str, str], int], a: str, b: str) -> int:
    """The pair's number, in whichever order it stands."""
    return pairs.get((a, b), pairs.get((b, a), 0))


def draw_pairs(axes: Any, names: list[str], pairs: dict[tuple[str, str], int]) -> None:
    """The matrix in colour: the deeper, the more readily a front and a back would desynchronise."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    shades = LinearSegmentedColormap.from_list("alarm", [to_rgba(plots.RED, 0.0), to_rgba(plots.RED, 0.85)])
    grid = [[count(pairs, a, b) for b in names] for a in names]
    axes.imshow(grid, cmap=shades, vmin=0, aspect="auto")
    for row, line in enumerate(grid):
        for column, number in enumerate(line):
            if row != column:
                axes.text(column, row, str(number), ha="center", va="center")
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.grid(False)


def draw_fates(axes: Any, readings: Readings, tricks: list[int]) -> None:
    """For each program: how many tricks it refused, left waiting or read as requests."""
    fates: dict[str, list[int]] = {"refused": [], "waited": [], "answered": []}
    for found in readings.values():
        chosen = [fate(found[index]) for index in tricks]
        for label, numbers in fates.items():
            numbers.append(chosen.count(label))
    left = [0] * len(readings)
    for (label, numbers), colour, hatch in zip(
        fates.items(), (plots.GREEN, plots.AMBER, plots.RED), ("", "..", "//"), strict=True
    ):
        axes.barh(
            list(readings), numbers, left=left, color=colour, hatch=hatch, label=label, edgecolor="white"
        )
        left = [a + b for a, b in zip(left, numbers, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("tricks")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3)


def fate(reading: Any) -> str:
    """What became of a trick."""
    if reading.requests:
        return "answered"
    return "refused" if reading.refused or reading.closed else "waited"
