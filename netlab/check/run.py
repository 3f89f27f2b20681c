"""Runs the chosen cases against a target, a few connections at a time, and tells each verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from netlab.check.asking import Rule
from netlab.check.cases import WireCase, every_case
from netlab.check.cors import RULES as CORS
from netlab.check.cors import check_cors
from netlab.check.front import look_in_front
from netlab.check.groups import NAMES, OF_FILE
from netlab.check.judge import judge, unplayed
from netlab.check.limits import RULES as LIMITS
from netlab.check.limits import SLOW, check_deadline, check_sizes, reachable
from netlab.check.security import RULES as TLS
from netlab.check.security import check_tls
from netlab.check.target import JudgedServer
from netlab.check.verdict import CaseVerdict, Result

# What a proxy in front decides itself: the server behind it cannot be judged there.
_OF_THE_PROXY = frozenset({"persistence", "half-close", "limits", "tls"})


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
        if not any(_fits(name, word) for name in names):
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

    Raises OSError when the server does not answer a plain request.
    """
    await reachable(target)
    if target.behind_proxy:
        target = replace(target, front=await look_in_front(target))
    gate = asyncio.Semaphore(target.connections)

    async def one(job: Job) -> list[CaseVerdict]:
        async with gate:
            try:
                verdicts = [v for v in await job.start(target) if v.name in job.names]
            except OSError as error:
                verdicts = [_unreachable(name, error) for name in job.names]
        if target.behind_proxy:
            verdicts = [_behind_proxy(verdict) for verdict in verdicts]
        for verdict in verdicts:
            tell(verdict)
        return verdicts

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(job)) for job in chosen]
    return [verdict for task in tasks for verdict in task.result()]


def _unreachable(name: str, error: OSError) -> CaseVerdict:
    title = name.partition("/")[2]
    rule = Rule(name, title, "the server takes connections", "RFC 9110 §3", "MUST", "an answer")
    return rule.failed(f"{error}", "the server could not be reached for this case")


def _behind_proxy(verdict: CaseVerdict) -> CaseVerdict:
    if verdict.group in _OF_THE_PROXY and verdict.outcome is not Result.SKIPPED:
        return replace(verdict, outcome=Result.SKIPPED, why="the proxy in front decides this", attack="")
    return verdict
