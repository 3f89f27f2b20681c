"""Plays one wire case against the server and holds what came against the rule.

The cases were written for netlab's demonstration app. A server with another app answers other statuses, so
the judge asks only what the protocol decides: was the request refused or taken, how many answers came, does
the connection go on, did the server say that it closes. A 404 or a 405 means that the request was read and
taken.
"""

from __future__ import annotations

from netlab.check.cases import Alternative, End, WireCase
from netlab.check.conversation import ConnectionEnd, JudgeConnection, Observed
from netlab.check.groups import OF_FILE, attack_of
from netlab.check.target import JudgedServer
from netlab.check.usual import REFUSALS, UsualAnswers
from netlab.check.verdict import CaseVerdict, Result

# A gateway's word for an answer that its upstream server did not give.
_GATEWAY = frozenset({502, 503, 504})

# Where each server has limits of its own. Sizes that no server should take have a group of their own.
_OWN_LIMITS = frozenset({413, 414, 431})

# Seconds in which a server that is going to close behind its answer has closed.
GRACE = 0.5

_ALTERNATIVES = {
    Alternative.NONE: "",
    Alternative.TAKEN: "; or taken as one request",
    Alternative.TAKEN_THEN_CLOSED: "; or taken as one request, then closed",
    Alternative.WAITS: "; or the server waits for the rest",
}

_NEXT = "GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n"


async def judge(case: WireCase, target: JudgedServer) -> CaseVerdict:
    """Play a case and say what it shows. Raises OSError when the server cannot be reached."""
    if case.parser.refusal is not None and case.parser.refusal.status in _OWN_LIMITS:
        return _verdict(
            case, Result.SKIPPED, None, "the limit is netlab's own: the group limits asks for more"
        )
    methods = [message.method for message in case.parser.messages]
    if case.parser.refusal is not None and case.request.startswith(b"HEAD "):
        methods.append("HEAD")
    async with JudgeConnection(target, methods) as conversation:
        await _play(case, target, conversation)
    if (front := target.front) is not None and any(front.made(a) for a in conversation.observed.finals):
        why = f"the proxy in front answered it itself ({front}): the server did not see it"
        return _verdict(case, Result.SKIPPED, conversation.observed, why)
    why = _wrong(case, conversation.observed, target)
    if why and target.behind_proxy and _speaks_http_1_0(case):
        why = f"the proxy in front speaks another version to the server ({conversation.observed})"
        return _verdict(case, Result.SKIPPED, conversation.observed, why)
    if why and target.behind_proxy:
        why += " (the proxy passed the message on, as it came or mended)"
    return _verdict(case, Result.FAILED if why else Result.PASSED, conversation.observed, why)


def unplayed(case: WireCase, why: str) -> CaseVerdict:
    """The verdict on a case that is not played."""
    return _verdict(case, Result.SKIPPED, None, why)


def _verdict(case: WireCase, outcome: Result, observed: Observed | None, why: str) -> CaseVerdict:
    return CaseVerdict(
        name=f"{OF_FILE[case.file]}/{case.id}",
        group=OF_FILE[case.file],
        title=case.name,
        rule=case.rule,
        section=" or ".join(case.sections),
        level=case.level,
        outcome=outcome,
        expected=expectation(case),
        got=str(observed or ""),
        sent=observed.sent if observed else b"",
        why=why,
        attack=attack_of(case) if outcome is Result.FAILED else "",
    )


def due(case: WireCase) -> tuple[int, int]:
    """How many final and interim responses the case must have."""
    answers = [answer for step in case.server.answers for answer in step if not answer.optional]
    interims = sum(answer.status < 200 for answer in answers)
    return len(answers) - interims, interims


def expectation(case: WireCase) -> str:
    """What must come, in words."""
    finals, interims = due(case)
    if case.parser.refusal is not None and must_be_refused(case) and finals == 1:
        refused = f"refused ({case.parser.refusal.status} or another 4xx), then closed"
        return refused + _ALTERNATIVES[case.alternative]
    said = ["100 (Continue), then "] if interims else []
    said.append(f"{finals} answer{'s' if finals != 1 else ''}")
    if case.parser.refusal is not None and must_be_refused(case):
        said.append(f", the last a refusal ({case.parser.refusal.status})")
    return "".join(said) + f"; the connection {case.server.end.value}".replace(
        "connection either", "end is free"
    )


async def _play(case: WireCase, target: JudgedServer, conversation: JudgeConnection) -> None:
    """Send the steps, each behind the answers to the one before; then see whether the connection goes on."""
    finals = interims = 0
    for number, step in enumerate(case.steps):
        await conversation.send(step)
        if number + 1 < len(case.steps):
            answers = [answer for answer in case.server.answers[number] if not answer.optional]
            finals += sum(answer.status >= 200 for answer in answers)
            interims += sum(answer.status < 200 for answer in answers)
            await conversation.receive(finals, interims)
            if conversation.observed.finals[finals:]:
                break  # a final answer in place of the 100: the content is not wanted
    observed = conversation.observed
    if case.half_close:
        await conversation.half_close()
    finals, _ = due(case)
    await conversation.receive(finals)
    if case.half_close or observed.ending is not ConnectionEnd.OPEN or observed.late or observed.malformed:
        await conversation.until_closed(GRACE)
        return
    if case.server.end is End.CLOSES:
        await conversation.until_closed(GRACE)
    if target.behind_proxy and case.server.end is not End.PERSISTS:
        return  # the proxy keeps its client's connection, whatever the server behind it does
    if observed.ending is ConnectionEnd.OPEN and _may_go_on(case, observed):
        # An answer to this is an answer too many behind a refusal, and proof of persistence elsewhere.
        await conversation.send(_NEXT.format(path=target.path, authority=target.authority).encode())
        await conversation.receive(finals + 1)
        await conversation.until_closed(GRACE / 5)


def _may_go_on(case: WireCase, observed: Observed) -> bool:
    """May a next request be sent? Not behind "close", nor where content was announced and never sent."""
    return not (observed.finals and observed.finals[-1].says_close) and observed.sent == case.request


def must_be_refused(case: WireCase) -> bool:
    """Is the last answer a refusal? What stands behind a request that says close is never looked at."""
    finals = [a.status for step in case.server.answers for a in step if a.status >= 200 and not a.optional]
    return case.parser.refusal is not None and finals[-1:] == [case.parser.refusal.status]


def _wrong(case: WireCase, observed: Observed, target: JudgedServer) -> str:
    """Why the case failed; "" when it passed. Behind a proxy, it decides how the connection ends."""
    app, proxied = target.app, target.behind_proxy
    if observed.malformed:
        return f"the answer is malformed: {observed.malformed}"
    finals, _ = due(case)
    statuses = [answer.status for answer in observed.finals]
    if any(answer.interim for answer in observed.answers) and _speaks_http_1_0(case):
        return "a 1xx response came: HTTP/1.0 does not know them (RFC 9110 §15.2)"
    if must_be_refused(case):
        allowed = case.alternative
        if proxied and allowed is Alternative.TAKEN_THEN_CLOSED:
            allowed = Alternative.TAKEN
        return _wrong_refusal(case, allowed, observed, statuses[finals - 1 :], app)
    wrong = _wrong_number(case, observed, statuses, finals, app)
    return wrong if wrong or proxied else _wrong_end(case, observed, statuses, finals)


def _speaks_http_1_0(case: WireCase) -> bool:
    return bool(case.parser.messages) and all(message.minor == 0 for message in case.parser.messages)


def _wrong_refusal(
    case: WireCase, allowed: Alternative, observed: Observed, last: list[int], app: UsualAnswers
) -> str:
    """A message that breaks a rule must be refused, and nothing behind it may be read as a request.

    last: the status that the message got, then those that came behind it.
    """
    if not last:
        if observed.ending is ConnectionEnd.OPEN and allowed is not Alternative.WAITS:
            return "no answer came and the connection stayed open: the server waits for more"
        return ""  # closed without an answer: nothing of it was taken
    behind = [status for status in last[1:] if status not in REFUSALS]
    if not app.refuses(last[0]):
        if app.early and fault_in_content(case):
            return _wrong_early(allowed, observed, last[1:], behind)
        return _wrong_taking(allowed, observed, last[0], len(behind))
    if behind:
        return "an answer came behind the refusal: bytes behind a refused message were read as a request"
    return ""


def fault_in_content(case: WireCase) -> bool:
    """Is the head in order, and the fault in the content behind it?"""
    return bool(case.parser.messages) and not case.parser.messages[-1].complete


def _wrong_early(allowed: Alternative, observed: Observed, later: list[int], behind: list[int]) -> str:
    """The app answered the head, which is in order, before the server read the faulty content.

    So no refusal is due. The server must close, or wait where the case allows it. later: the statuses that
    came behind the answer; behind: those of them that refuse nothing.
    """
    if allowed is Alternative.TAKEN:
        return _wrong_taking(allowed, observed, 0, len(behind))
    if behind:
        return "an answer came behind the app's: bytes behind broken content were read as a request"
    closes = observed.ending is not ConnectionEnd.OPEN or observed.finals[-1].says_close
    if closes or later or allowed is Alternative.WAITS:
        return ""
    return (
        "the app answered before the content, and the connection goes on behind broken content: it must close"
    )


def _wrong_taking(allowed: Alternative, observed: Observed, status: int, behind: int) -> str:
    """The server took what netlab refuses. The RFC allows that for some messages, under conditions."""
    if allowed is Alternative.TAKEN_THEN_CLOSED:
        closes = observed.ending is not ConnectionEnd.OPEN or observed.finals[-1].says_close
        if closes and not behind:
            return ""
        return "the request was taken, and the connection goes on: it must close"
    if allowed is Alternative.TAKEN:
        return f"{behind + 1} answers to one request: content was read as a request" if behind > 1 else ""
    return f"the request was taken ({status}): a refusal was due"


def _wrong_number(
    case: WireCase, observed: Observed, statuses: list[int], finals: int, app: UsualAnswers
) -> str:
    """A message that keeps the rules must be answered; as many answers must come as requests were sent."""
    ours = [a.status for step in case.server.answers for a in step if a.status >= 200 and not a.optional]
    methods = [message.method for message in case.parser.messages]
    for status, own, method in zip(statuses, ours, methods, strict=False):
        if status in REFUSALS and own not in REFUSALS and not app.usual(method, status):
            return f"refused with {status}: it is a correct request"
    if observed.late and sum(answer.interim for answer in observed.answers) < due(case)[1]:
        return "no 100 (Continue) came: the client waits with its content for nothing"
    extra = statuses[finals:]
    if case.half_close:
        # An incomplete head may be refused; it must not be taken. A request whose head is whole may be
        # answered before its content has come.
        if not case.parser.messages and any(status not in REFUSALS | _GATEWAY for status in extra):
            return f"an incomplete request was taken ({extra[0]})"
    elif len(extra) > 1:
        return f"{len(statuses)} answers to {finals} requests: content was read as a request"
    crashed = app.crashes and any(status >= 500 for status in statuses)
    if len(statuses) < finals and not crashed and not any(answer.says_close for answer in observed.finals):
        what = "the server waits for more" if observed.ending is ConnectionEnd.OPEN else observed.ending.value
        return f"{len(statuses)} of {finals} answers came: {what}"
    return ""


def _wrong_end(case: WireCase, observed: Observed, statuses: list[int], finals: int) -> str:
    """The connection goes on, or ends, as both sides said."""
    goes_on, closed_by_word = len(statuses) > finals, any(answer.says_close for answer in observed.finals)
    if case.half_close or not observed.sent.startswith(case.request):
        return ""
    if case.server.end is End.CLOSES and goes_on:
        return "the connection goes on although the client said close"
    if case.server.end is End.PERSISTS and not goes_on and not closed_by_word:
        if statuses and statuses[-1] >= 400:
            return ""  # an application that did not want the content may end the connection
        return f"the connection does not go on, and no answer says so: {observed.ending.value}"
    return ""
