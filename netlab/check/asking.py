"""What the checks written in code share: a request, its one answer, the making of a verdict, the app's usual
answers.

The wire cases need none of this: `judge` plays them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from netlab.check.conversation import JudgeConnection, Observed, ObservedAnswer
from netlab.check.target import JudgedServer
from netlab.check.usual import REFUSALS, UsualAnswers
from netlab.check.verdict import CaseVerdict, Result

# The path of the wire cases that have content.
_POST_PATH = "/echo"

# Seconds in which an app that does not read its content has answered; more where the server is slow.
_EARLY = 0.5
_TIMES_AS_LONG = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to find out: `group/name`, the rule with its section and level, what an attacker gains."""

    name: str
    title: str
    rule: str
    section: str
    level: str
    expected: str
    attack: str = ""

    def passed(self, got: str, sent: bytes = b"") -> CaseVerdict:
        """The server keeps the rule."""
        return self._verdict(Result.PASSED, got, sent, "")

    def failed(self, got: str, why: str, sent: bytes = b"") -> CaseVerdict:
        """The server breaks the rule; why: in one clause."""
        return self._verdict(Result.FAILED, got, sent, why)

    def skipped(self, why: str) -> CaseVerdict:
        """The rule does not apply to this server, or cannot be tried."""
        return self._verdict(Result.SKIPPED, "", b"", why)

    def held(self, holds: bool, got: str, why: str, sent: bytes = b"") -> CaseVerdict:
        """Passed where the rule holds, else failed for this reason."""
        return self.passed(got, sent) if holds else self.failed(got, why, sent)

    def _verdict(self, outcome: Result, got: str, sent: bytes, why: str) -> CaseVerdict:
        attack = self.attack if outcome is Result.FAILED else ""
        return CaseVerdict(
            self.name, self.name.partition("/")[0], self.title, self.rule, self.section, self.level, outcome,
            self.expected, got, sent, why, attack,
        )  # fmt: skip


Check = Callable[[JudgedServer], Awaitable[list[CaseVerdict]]]
"""One check: finds out about one or more rules. Raises OSError when the server cannot be reached."""


def request_bytes(target: JudgedServer, method: str = "GET", *lines: str, path: str = "") -> bytes:
    """A correct request with these further field lines. path: another than the target's."""
    head = [f"{method} {path or target.path} HTTP/1.1", f"Host: {target.authority}", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1")


async def ask(target: JudgedServer, method: str, *lines: str) -> tuple[ObservedAnswer | None, Observed]:
    """Send one correct request on a connection of its own; its final answer, or None."""
    async with JudgeConnection(target, [method]) as conversation:
        await conversation.send(request_bytes(target, method, *lines))
        await conversation.receive(1)
    observed = conversation.observed
    return (observed.finals[0] if observed.finals else None), observed


async def look_at_app(target: JudgedServer) -> UsualAnswers:
    """Ask for the target's path, then post content. Raises OSError when a plain GET has no usable answer."""
    loop = asyncio.get_running_loop()
    answer, observed = await ask(target, "GET")
    if answer is None:
        raise ConnectionError(f"no answer to a plain GET {target.path}: {observed}")
    if not answer.complete:
        raise ConnectionError(f"the answer to a plain GET {target.path} did not come whole: {observed}")
    if answer.status in REFUSALS:
        raise ConnectionError(f"a plain GET {target.path} is refused with {answer.status}: give another URL")
    start = loop.time()
    posted = await _post(target, target.timeout, b"hello")
    took = loop.time() - start
    early = await _post(target, min(max(_EARLY, _TIMES_AS_LONG * took), target.timeout))
    statuses = {"GET": answer.status} | ({} if posted is None else {"POST": posted})
    return UsualAnswers(statuses, early is not None)


async def _post(target: JudgedServer, seconds: float, content: bytes = b"") -> int | None:
    """POST content of five bytes, or announce it alone; the status that comes within so many seconds."""
    head = request_bytes(target, "POST", "Content-Length: 5", path=_POST_PATH)
    async with JudgeConnection(target, ["POST"]) as conversation:
        await conversation.send(head + content)
        await conversation.receive(1, seconds=seconds)
    finals = conversation.observed.finals
    return finals[0].status if finals else None
