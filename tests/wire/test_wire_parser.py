"""Every wire case against the parser alone: whole, octet by octet, and between two good requests.

The cases stand in netlab/check/wire; README.md there describes their format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from netlab.check.cases import ExpectedRefusal, ExpectedRequest, ParserOutcome, WireCase, every_case
from netlab.http1 import Content, EndOfMessage, ProtocolError, RequestHead, RequestParser
from netlab.http1.framing import NO_CONTENT

CASES = every_case()
BEFORE = b"GET /before HTTP/1.1\r\nHost: before\r\n\r\n"
AFTER = b"GET /after HTTP/1.1\r\nHost: after\r\n\r\n"

# Requests of up to this many octets are also tried in two pieces, cut at every one of them.
SPLIT = 400


@pytest.fixture
def nothing_left_behind() -> Iterator[None]:
    """The parser is pure: it opens nothing, so there is nothing to look for behind a thousand tests."""
    yield


class Reading:
    """What a parser made of the pieces it was fed: messages, and the error that ended it."""

    def __init__(self) -> None:
        self.parser = RequestParser()
        self.heads: list[RequestHead] = []
        self.messages: list[ExpectedRequest] = []
        self.error: ProtocolError | None = None

    def feed(self, pieces: Iterable[bytes]) -> Reading:
        for piece in pieces:
            self.parser.feed(piece)
            self.take()
        return self

    def take(self) -> None:
        """All events that are there; after an error the parser must stay dead."""
        while True:
            try:
                event = self.parser.next_event()
            except ProtocolError as error:
                assert self.error is None or error is self.error, "another error after the first"
                self.error = error
                return
            assert event is None or self.error is None, f"{event!r} came out of a parser that had refused"
            if event is None:
                return
            self._note(event)

    def _note(self, event: object) -> None:
        if isinstance(event, RequestHead):
            complete = event.framing is NO_CONTENT
            self.heads.append(event)
            self.messages.append(
                ExpectedRequest(
                    event.method, event.target, event.minor, authority=event.authority, complete=complete
                )
            )
        elif isinstance(event, Content):
            assert event.data, "Content is never empty"
            self.messages[-1].content += event.data
        else:
            assert isinstance(event, EndOfMessage)
            assert not self.messages[-1].complete
            self.messages[-1].complete = True
            self.messages[-1].trailers = [(name.lower(), value) for name, value in event.trailers.lines]


def check(reading: Reading, outcome: ParserOutcome, rules: str) -> None:
    """The reading is what the case says."""
    error = reading.error
    if outcome.refusal is None:
        assert error is None, f"refused with {error.status} ({error}), though {rules}" if error else ""
    else:
        assert error is not None, f"accepted as {reading.messages}, though {rules}"
        check_refusal(error, outcome.refusal)
    assert len(reading.messages) == len(outcome.messages), f"{reading.messages} are not the messages expected"
    for got, head, expected in zip(reading.messages, reading.heads, outcome.messages, strict=True):
        assert (got.method, got.target, got.minor) == (expected.method, expected.target, expected.minor)
        assert got.authority == expected.authority
        assert got.complete == expected.complete
        if expected.complete or outcome.waits:
            assert got.content == expected.content
        else:
            # What came before the fault may have been passed on or not: no caller may rely on it.
            assert expected.content.startswith(got.content)
        assert got.trailers == expected.trailers
        lines = [(name.lower(), value) for name, value in head.fields.lines]
        assert all(line in lines for line in expected.fields), f"{expected.fields} are not all in {lines}"


def check_refusal(error: ProtocolError, refusal: ExpectedRefusal) -> None:
    assert error.status == refusal.status, f"refused with {error.status} ({error}), not with {refusal.status}"
    named = any(error.section == s or error.section.startswith(f"{s} ") for s in refusal.sections)
    assert named, f"refused by {error.section} ({error.rule}), not by {' or '.join(refusal.sections)}"


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_the_parser(case: WireCase) -> None:
    rules = f"{case.sections[0]} ({case.level}): {case.rule}"
    ways = {
        "whole": [case.request],
        "octet by octet": [case.request[at : at + 1] for at in range(len(case.request))],
        "step by step": case.steps,
    }
    for pieces in ways.values():
        reading = Reading().feed(pieces)
        check(reading, case.parser, rules)
        check_what_follows(reading, case.parser)
    check_coalesced(case, rules)
    check_splits(case, rules)
    if case.cut:
        check_cuts(case)


def check_what_follows(reading: Reading, outcome: ParserOutcome) -> None:
    """Behind a refusal nothing is read any more; behind a message that is cut, its end is an error."""
    known = len(reading.messages)
    if outcome.refusal is not None:
        reading.feed([AFTER])
        assert len(reading.messages) == known, "a request was read behind a refusal"
    reading.parser.feed_eof()
    reading.take()
    if outcome.waits:
        assert reading.error is not None, "the end of input inside a message was not noticed"
        assert reading.error.status == 400
    elif outcome.refusal is None:
        assert reading.error is None, f"the end behind a whole message is no error: {reading.error}"
    assert len(reading.messages) == known


def check_coalesced(case: WireCase, rules: str) -> None:
    """All in one piece behind a good request, and before one, read if and only if the case is good."""
    reading = Reading().feed([BEFORE + case.request + (b"" if case.parser.waits else AFTER)])
    before = reading.messages.pop(0)
    reading.heads.pop(0)
    assert (before.target, before.complete) == ("/before", True)
    if case.parser.refusal is None and not case.parser.waits:
        after = reading.messages.pop()
        reading.heads.pop()
        assert (after.target, after.complete) == ("/after", True)
    check(reading, case.parser, rules)


def check_splits(case: WireCase, rules: str) -> None:
    """In two pieces, cut at each octet."""
    request = case.request
    if len(request) <= SPLIT:
        for at in range(1, len(request)):
            check(Reading().feed([request[:at], request[at:]]), case.parser, rules)


def check_cuts(case: WireCase) -> None:
    """The case cut at every octet: a message is complete when its last octet has come, and not before."""
    ends = [sum(map(len, case.steps[: n + 1])) for n in range(len(case.steps))]
    assert len(ends) == len(case.parser.messages), "in a case that is cut anywhere, each message is a block"
    for cut in range(len(case.request) + 1):
        reading = Reading().feed([case.request[:cut]])
        reading.parser.feed_eof()
        reading.take()
        complete = [message for message in reading.messages if message.complete]
        assert len(complete) == sum(end <= cut for end in ends), (
            f"cut behind {cut} octets: {reading.messages}"
        )
        for got, expected in zip(complete, case.parser.messages, strict=False):
            assert got.content == expected.content
