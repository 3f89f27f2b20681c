"""The server's own messages: what an answer must say, whatever the request was. RFC 9110 §6.6.1, §8.6.

Observed on a few correct requests (GET, HEAD, OPTIONS, GET in HTTP/1.0) and on one that must be refused. An
answer that the parser cannot read at all is a failure of the wire cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netlab.check.asking import Rule, ask, request_bytes
from netlab.check.conversation import JudgeConnection, Observed, ObservedAnswer
from netlab.check.target import JudgedServer
from netlab.check.verdict import CaseVerdict

_DAYS, _MONTHS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun", "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_IMF_FIXDATE = re.compile(rf"(?:{_DAYS}), \d\d (?:{_MONTHS}) \d{{4}} \d\d:\d\d:\d\d GMT", re.ASCII)
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-5][0-9]{2} ")

_STALE = "A cache without a Date cannot tell how old the answer is, and may serve it for too long."
_LENGTHS = (
    "Response smuggling: a proxy that reads the other length takes the rest of this answer for the next "
    "client's."
)

DATE = Rule(
    "responses/date", "Date in an answer",
    "an origin server with a clock sends Date with every 2xx, 3xx and 4xx",
    "RFC 9110 §6.6.1", "MUST", "a Date field", _STALE,
)  # fmt: skip
DATE_OF_A_REFUSAL = Rule(
    "responses/date-of-a-refusal", "Date in a refusal", "a 4xx has a Date as any other answer has",
    "RFC 9110 §6.6.1", "MUST", "a Date field", _STALE,
)  # fmt: skip
DATE_FORM = Rule(
    "responses/date-form", "The form of Date", "a sender generates IMF-fixdate, no older form",
    "RFC 9110 §5.6.7", "MUST", "such as Sun, 06 Nov 1994 08:49:37 GMT",
)  # fmt: skip
STATUS_LINE = Rule(
    "responses/status-line", "The space behind the status code",
    "the space before the reason phrase is sent, even if there is no phrase", "RFC 9112 §4", "MUST",
    "HTTP/1.1, a space, three digits, a space",
)  # fmt: skip
ONE_LENGTH = Rule(
    "responses/one-content-length", "One Content-Length", "a field that is no list is sent once",
    "RFC 9110 §5.3", "MUST NOT", "at most one Content-Length", _LENGTHS,
)  # fmt: skip
HEAD_LENGTH = Rule(
    "responses/head-length", "Content-Length of HEAD",
    "HEAD has no Content-Length, or the one that GET would have", "RFC 9110 §8.6", "MUST NOT",
    "the Content-Length of GET, or none",
)  # fmt: skip
NO_LENGTH_IN_204 = Rule(
    "responses/no-length-in-204", "No Content-Length in 204", "a 204 has neither Content-Length nor a coding",
    "RFC 9110 §8.6", "MUST NOT", "no Content-Length and no Transfer-Encoding", _LENGTHS,
)  # fmt: skip
NO_CHUNKS_TO_1_0 = Rule(
    "responses/no-chunks-to-http-1-0", "No chunks for HTTP/1.0", "HTTP/1.0 does not know Transfer-Encoding",
    "RFC 9112 §6.1", "MUST NOT", "a length, or the end of the connection",
)  # fmt: skip
ALLOW = Rule(
    "responses/allow-of-405", "Allow in 405", "a 405 names the methods that the resource has",
    "RFC 9110 §15.5.6", "MUST", "an Allow field",
)  # fmt: skip
CHALLENGE = Rule(
    "responses/challenge-of-401", "WWW-Authenticate in 401", "a 401 says how a client can prove who it is",
    "RFC 9110 §15.5.2", "MUST", "a WWW-Authenticate field",
)  # fmt: skip
RULES = (
    DATE, DATE_OF_A_REFUSAL, DATE_FORM, STATUS_LINE, ONE_LENGTH, HEAD_LENGTH, NO_LENGTH_IN_204,
    NO_CHUNKS_TO_1_0, ALLOW, CHALLENGE,
)  # fmt: skip

Seen = tuple[ObservedAnswer, Observed]
"""An answer, with the conversation that brought it."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """applies: to which answers the rule speaks. why: what is said where it does not hold."""

    rule: Rule
    applies: Callable[[ObservedAnswer], bool]
    holds: Callable[[ObservedAnswer, Observed], bool]
    why: str
    without: str = "no answer came"

    def judged(self, seen: Sequence[Seen]) -> CaseVerdict:
        """The verdict on the answers to which the rule applies."""
        judged = [each for each in seen if self.applies(each[0])]
        if not judged:
            return self.rule.skipped(self.without)
        for answer, observed in judged:
            if not self.holds(answer, observed):
                return self.rule.failed(str(observed), self.why, observed.sent)
        return self.rule.passed(str(judged[0][1]), judged[0][1].sent)


def _any(_: ObservedAnswer) -> bool:
    return True


def _with_status(status: int) -> Callable[[ObservedAnswer], bool]:
    return lambda answer: answer.status == status


def _dated(answer: ObservedAnswer, _: Observed) -> bool:
    return "date" in answer.fields


def _unframed(answer: ObservedAnswer, _: Observed) -> bool:
    return "content-length" not in answer.fields and "transfer-encoding" not in answer.fields


_OF_ALL = (
    _Trial(DATE, lambda a: a.status < 500, _dated, "an answer has no Date"),
    _Trial(
        DATE_FORM, lambda a: "date" in a.fields,
        lambda a, _: _IMF_FIXDATE.fullmatch(a.fields.get("date") or "") is not None,
        "the Date is none", "no answer has a Date",
    ),
    _Trial(
        STATUS_LINE, _any, lambda _, observed: _STATUS_LINE.match(observed.opening) is not None,
        "the status line has another form",
    ),
    _Trial(
        ONE_LENGTH, _any, lambda a, _: len(a.fields.get_all("content-length")) < 2,
        "Content-Length stands there twice",
    ),
    _Trial(NO_LENGTH_IN_204, _with_status(204), _unframed, "a 204 has one", "no answer was 204"),
    _Trial(
        ALLOW, _with_status(405), lambda a, _: "allow" in a.fields, "a 405 has no Allow", "no answer was 405",
    ),
    _Trial(
        CHALLENGE, _with_status(401), lambda a, _: "www-authenticate" in a.fields,
        "a 401 has no WWW-Authenticate", "no answer was 401",
    ),
)  # fmt: skip
_OF_HTTP_1_0 = _Trial(
    NO_CHUNKS_TO_1_0, _any, lambda a, _: "transfer-encoding" not in a.fields,
    "the answer to HTTP/1.0 has a Transfer-Encoding",
)  # fmt: skip
_OF_THE_REFUSAL = _Trial(
    DATE_OF_A_REFUSAL, lambda a: 400 <= a.status < 500, _dated, "a refusal has no Date", "no 4xx came"
)


async def check_responses(target: JudgedServer) -> list[CaseVerdict]:
    """Every rule of this file."""
    got, again, head = await ask(target, "GET"), await ask(target, "GET"), await ask(target, "HEAD")
    asked = [got, again, head, await ask(target, "OPTIONS"), await ask(target, "TRACE")]
    http_1_0 = await _send(target, request_bytes(target).replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1))
    refusal = await _send(target, request_bytes(target, "POST", "Content-Length: x"))
    seen = _answered([*asked, http_1_0])
    return [
        *(trial.judged(seen) for trial in _OF_ALL),
        _OF_HTTP_1_0.judged(_answered([http_1_0])),
        _OF_THE_REFUSAL.judged(_answered([refusal])),
        _head_length(got[0], again[0], head[0], head[1]),
    ]


def _answered(asked: Sequence[tuple[ObservedAnswer | None, Observed]]) -> list[Seen]:
    return [(answer, observed) for answer, observed in asked if answer is not None]


async def _send(target: JudgedServer, request: bytes) -> tuple[ObservedAnswer | None, Observed]:
    async with JudgeConnection(target) as conversation:
        await conversation.send(request)
        await conversation.receive(1)
    observed = conversation.observed
    return (observed.finals[0] if observed.finals else None), observed


def _head_length(
    got: ObservedAnswer | None, again: ObservedAnswer | None, head: ObservedAnswer | None, observed: Observed
) -> CaseVerdict:
    if got is None or again is None or head is None or head.status != got.status:
        return HEAD_LENGTH.skipped("HEAD is not answered as GET is")
    (length, *_) = head.fields.get_all("content-length") or [None]
    if length is None or len(got.content) != len(again.content):
        return HEAD_LENGTH.skipped("HEAD has no Content-Length, or GET answers differ in theirs")
    return HEAD_LENGTH.held(
        length == str(len(got.content)),
        str(observed),
        f"HEAD says {length}, GET has {len(got.content)} bytes",
    )
