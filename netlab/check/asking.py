"""What the checks written in code share: a request, its one answer, and the making of a verdict.

The wire cases need none of this: `judge` plays them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from netlab.check.conversation import JudgeConnection, Observed, ObservedAnswer
from netlab.check.target import JudgedServer
from netlab.check.verdict import CaseVerdict, Result


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


def request_bytes(target: JudgedServer, method: str = "GET", *lines: str) -> bytes:
    """A correct request for the target's path with these further field lines."""
    head = [f"{method} {target.path} HTTP/1.1", f"Host: {target.authority}", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1")


async def ask(target: JudgedServer, method: str, *lines: str) -> tuple[ObservedAnswer | None, Observed]:
    """Send one correct request on a connection of its own; its final answer, or None."""
    async with JudgeConnection(target, [method]) as conversation:
        await conversation.send(request_bytes(target, method, *lines))
        await conversation.receive(1)
    observed = conversation.observed
    return (observed.finals[0] if observed.finals else None), observed
