"""One scenario from start to end: start its servers, look at their answers, visit them in turn, stop them.

What goes wrong with one server disqualifies that server and no other.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

import psutil

from netlab.probes.errors import ProbeError
from netlab.probes.launch import Server
from tests.bench import calibration, checks, neighbours
from tests.bench.checks import Wrong
from tests.bench.contenders import OURS, Contender, Start
from tests.bench.figures import Result, Row, rounds
from tests.bench.generators import Disqualified, Pattern
from tests.bench.loads import FULL, HALF_HEARTED, Load, Requests, Site
from tests.bench.machine import NotShown, Place
from tests.bench.progress import Progress
from tests.bench.scenarios import Pace, Scenario
from tests.bench.setups import Setup, usual

_PATIENCE = 30.0  # seconds for a server to answer after its start
_STARTING = 0.8  # seconds that this takes on an ordinary machine, for the estimate


def taking_part(scenario: Scenario, contenders: Sequence[Contender]) -> list[Contender]:
    """Who is measured in a scenario."""
    return [
        each
        for each in contenders
        if each.name not in scenario.absent
        and (each.only is None or scenario.key in each.only)
        and (not scenario.same_app or each.speaks_asgi or each.name == OURS)
    ]


def estimate(scenario: Scenario, contenders: Sequence[Contender], pace: Pace) -> float:
    """About how many seconds a scenario takes."""
    count, load = len(taking_part(scenario, contenders)), scenario.load(pace)
    return count * (pace.rounds_of(*scenario.rounds) * load.seconds + _STARTING * load.running)


def measure(
    scenario: Scenario,
    contenders: Sequence[Contender],
    place: Place,
    pace: Pace,
    progress: Progress,
    setting: Mapping[str, Setup],
) -> Result:
    """Run one scenario. Raises NotShown when the machine lacks its load generator."""
    load = scenario.load(pace)
    result = Result(scenario.key, scenario.title, scenario.how, load.columns)
    present = {contender.name for contender in contenders}
    result.notes += [
        f"{name} takes no part: it {why}" for name, why in scenario.absent.items() if name in present
    ]
    with contextlib.ExitStack() as stack:
        sites = {}
        for contender in taking_part(scenario, contenders):
            progress.note(f"{scenario.title}: starting {contender.name}")
            setup = setting.get(contender.name) or usual()
            start = Start(place, _free_port(), scenario.tls, setup, scenario.app, scenario.ours)
            site = Site(contender, start)
            with _blaming(contender, result):
                if load.running:
                    server = Server(site.command, site.url + "/", tls=place.client, patience=_PATIENCE)
                    site.pid = stack.enter_context(server).pid
                remark = load.check(site)
                result.notes += [f"{contender.name}: {remark}"] if remark else []
                sites[contender.name] = site
            progress.advance(_STARTING * load.running)
        count = pace.rounds_of(*scenario.rounds)
        for number, name in rounds(count, list(sites)):
            progress.note(f"{scenario.title}: round {number} of {count}, {name}")
            _visit(sites[name], load, result)
            progress.advance(load.seconds)
        progress.note(f"{scenario.title}: stopping the servers")
    _remark_on_cores(result)
    result.busy = neighbours.verdict(result)
    result.measured = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")
    return result


def cpu_of_a_get(place: Place, contender: Contender, setup: Setup, seconds: int) -> float:
    """CPU seconds a GET of one server on one set-up: the lower of two visits. Raises NotShown."""
    stays = contender.is_persistent
    looks = partial(checks.hello, persistent=stays)
    load = Requests({"": Pattern(content=17, persistent=stays)}, seconds, looks)
    try:
        site = Site(contender, Start(place, _free_port(), setup=setup))
        with Server(site.command, site.url + "/", patience=_PATIENCE) as server:
            site.pid = server.pid
            load.check(site)
            found = [sample["cpu"] for _ in range(2) for _, sample in load.visit(site)]
    except (Wrong, Disqualified, ProbeError, psutil.Error) as failure:
        on = calibration.label(contender.name, setup)
        raise NotShown(f"{contender.name} on {on}: {failure}") from None
    return min(found) / 1e6


def _visit(site: Site, load: Load, result: Result) -> None:
    """One visit, unless the server is disqualified already."""
    if any(row.trouble for row in result.rows if row.server == site.contender.name):
        return
    with _blaming(site.contender, result), contextlib.closing(load.visit(site)) as samples:
        for case, sample in samples:
            _row(result, site.contender, case).samples.append(sample)


def _row(result: Result, contender: Contender, case: str) -> Row:
    row = result.of(contender.name, case)
    if row is None:
        row = Row(contender.name, case, contender.is_peer)
        result.rows.append(row)
    return row


class _blaming(contextlib.AbstractContextManager["_blaming"]):
    """What fails inside is the server's own trouble: every row of it is disqualified, the others go on."""

    def __init__(self, contender: Contender, result: Result) -> None:
        self._contender, self._result = contender, result

    def __exit__(self, _: object, failure: BaseException | None, __: object) -> bool:
        if not isinstance(failure, (Wrong, Disqualified, ProbeError, psutil.Error)):
            return False
        reason = "the server ended" if isinstance(failure, psutil.Error) else str(failure)
        own = [row for row in self._result.rows if row.server == self._contender.name]
        for row in own or [_row(self._result, self._contender, "")]:
            row.trouble = reason
        return True


def _remark_on_cores(result: Result) -> None:
    """Say where the rate is the load generator's limit, not the server's, and where it is neither's."""
    limited = dict.fromkeys(row.server for row in result.rows if generator_bound(row))
    if limited:
        result.notes.append(
            f"≥: the load generator was full before {', '.join(limited)}; compare CPU time there"
        )
    idle = dict.fromkeys(row.server for row in result.rows if _neither_full(row))
    if idle:
        result.notes.append(
            f"!! NOISY: neither core was full with {', '.join(idle)}: other programs had a part of them"
        )


def generator_bound(row: Row) -> bool:
    """Whether the load generator had no more to give while the server had."""
    server, generator = row.median("server"), row.median("generator")
    return server is not None and generator is not None and generator >= FULL > server


def _neither_full(row: Row) -> bool:
    server, generator = row.median("server"), row.median("generator")
    return server is not None and generator is not None and max(server, generator) < HALF_HEARTED


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
