"""Runs the chosen cases against a target, a few connections at a time, and tells each verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from netlab.check.asking import Rule, look_at_app
from netlab.check.cases import WireCase, every_case
from netlab.check.conversation import JudgeConnection
from netlab.check.cors import RULES as CORS
from netlab.check.cors import check_cors
from netlab.check.front import look_in_front
from netlab.check.groups import NAMES, OF_FILE
from netlab.check.judge import judge, unplayed
from netlab.check.limits import RULES as LIMITS
from netlab.check.limits import SLOW, check_deadline, check_sizes
from netlab.check.responses import RULES as RESPONSES
from netlab.check.responses import check_responses
from netlab.check.security import RULES as TLS
from netlab.check.security import check_tls
from netlab.check.target import JudgedServer
from netlab.check.verdict import CaseVerdict, Result

# What a proxy in front decides itself: the server behind it cannot be judged there.
_OF_THE_PROXY = frozenset({"persistence", "half-close", "responses", "limits", "tls"})


GONE = "the server was gone: it took no connection any more"
"""The `why` of what could not be played behind the server's end."""

# Seconds between two attempts to connect to a server that took no connection.
_WAITS = (0.1, 0.4, 1.0)


class NoSuchCase(ValueError):
    """A name given to --only or --skip fits no group and no case."""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. names: the verdicts that are wanted of it; start: begins it."""

    names: tuple[str, ...]
    start: Callable[[JudgedServer], Awaitable[list[CaseVerdict]]]


def jobs(only: Sequence[str] = (), skip: Sequence[str] = ()) -> list[Job]:
    """What to run: the names in `only` (groups, or parts of case names), without those in `skip`.

    Raises NoSuchCase.
    """
    found = list(_every_job())
    names = [name for job in found for name in job.names]
    for word in (*only, *skip):
        if not word or not any(_fits(name, word) for name in names):
            names_of_groups = ", ".join(NAMES)
            raise NoSuchCase(f"{word!r} fits no group and no case: the groups are {names_of_groups}")
    chosen = [Job(_wanted(job.names, only, skip), job.start) for job in found]
    if not any(job.names for job in chosen):
        raise NoSuchCase("no case is left: --skip takes away all that --only names")
    return [job for job in chosen if job.names]


def _wanted(names: tuple[str, ...], only: Sequence[str], skip: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        name
        for name in names
        if (not only or any(_fits(name, word) for word in only))
        and not any(_fits(name, word) for word in skip)
    )


def _fits(name: str, word: str) -> bool:
    """Does a word choose a case: its group, or a part of its name?"""
    return name.partition("/")[0] == word if word in NAMES else word in name


def _every_job() -> Iterator[Job]:
    for case in sorted(every_case(), key=lambda case: NAMES.index(OF_FILE[case.file])):
        yield Job((f"{OF_FILE[case.file]}/{case.id}",), _playing(case))
    for rules, check in (
        (RESPONSES, check_responses),
        (LIMITS, check_sizes),
        ((SLOW,), check_deadline),
        (CORS, check_cors),
        (TLS, check_tls),
    ):
        yield Job(tuple(rule.name for rule in rules), check)


def _playing(case: WireCase) -> Callable[[JudgedServer], Awaitable[list[CaseVerdict]]]:
    async def play(target: JudgedServer) -> list[CaseVerdict]:
        if case.only == ("plain" if target.secure else "tls"):
            return [unplayed(case, f"the case is for {case.only} connections")]
        if target.secure and case.half_close:
            return [unplayed(case, "asyncio has no half-close in TLS")]
        return [await judge(case, target)]

    return play


async def run(
    target: JudgedServer, chosen: Sequence[Job], tell: Callable[[CaseVerdict], None] = lambda verdict: None
) -> list[CaseVerdict]:
    """Run the jobs; `tell` hears of each verdict as it comes. In the order of the jobs.

    When the server is gone for good, what is left is skipped, with GONE in its `why`. Raises OSError when the
    server does not answer a plain request at the start.
    """
    target = replace(target, app=await look_at_app(target))
    if target.behind_proxy:
        target = replace(target, front=await look_in_front(target))
    work = _Work(target, tell)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work.judge(job)) for job in chosen]
    return [verdict for task in tasks for verdict in task.result()]


class _Work:
    """The jobs of one run, a few at a time."""

    def __init__(self, target: JudgedServer, tell: Callable[[CaseVerdict], None]) -> None:
        self._target, self._tell = target, tell
        self._gate = asyncio.Semaphore(target.connections)
        self._looking = asyncio.Lock()
        self._gone = ""  # why the rest is skipped, once the server is gone

    async def judge(self, job: Job) -> list[CaseVerdict]:
        """The wanted verdicts of one job."""
        async with self._gate:
            try:
                found = [] if self._gone else await job.start(self._target)
                verdicts = [v for v in found if v.name in job.names]
                error = OSError()
            except OSError as failure:
                verdicts, error = [], failure
                await self._look_whether_gone()
            if self._gone and not verdicts:
                verdicts = [_rule_of(name).skipped(self._gone) for name in job.names]
            elif not verdicts:
                verdicts = [_unreachable(name, error) for name in job.names]
        if self._target.behind_proxy:
            verdicts = [_behind_proxy(verdict) for verdict in verdicts]
        for verdict in verdicts:
            self._tell(verdict)
        return verdicts

    async def _look_whether_gone(self) -> None:
        """Connect a few times: a server may need a moment to start again."""
        async with self._looking:
            for wait in _WAITS:
                if self._gone or await _takes_connections(self._target):
                    return
                await asyncio.sleep(wait)
            self._gone = GONE


async def _takes_connections(target: JudgedServer) -> bool:
    try:
        async with JudgeConnection(target):
            return True
    except OSError:
        return False


def _rule_of(name: str) -> Rule:
    title = name.partition("/")[2]
    return Rule(name, title, "the server takes connections", "RFC 9110 §3", "MUST", "an answer")


def _unreachable(name: str, error: OSError) -> CaseVerdict:
    return _rule_of(name).failed(f"{error}", "the server could not be reached for this case")


def _behind_proxy(verdict: CaseVerdict) -> CaseVerdict:
    if verdict.group in _OF_THE_PROXY and verdict.outcome is not Result.SKIPPED:
        return replace(verdict, outcome=Result.SKIPPED, why="the proxy in front decides this", attack="")
    return verdict
