"""Plays one case against a live server and says what was wrong, as a list of sentences: empty is good.

The handlers keep a record of what reached them. That is the point of the whole: a status can be right while a
smuggled request runs behind it.
"""

from __future__ import annotations

import asyncio
import ssl
from enum import Enum

from netlab import Request, Response, Server
from netlab.check.cases import End, ExpectedAnswer, ExpectedRequest, WireCase
from netlab.cli.demonstration import Demonstration
from tests.wire.wire_client import PATIENCE, Client, Got, octets, read_answers, turn

BEFORE = b"GET /before HTTP/1.1\r\nHost: before\r\n\r\n"
AFTER = b"GET /after HTTP/1.1\r\nHost: after\r\n\r\n"

# Turns of the loop that GET /later waits: enough for all that was sent with it to be read.
LATER = 12


class Way(Enum):
    """How the octets of a case come."""

    WHOLE = "whole"
    APART = "octet by octet"
    COALESCED = "between two good requests, all in one piece"


class Recorder:
    """The demonstration app, with a record: `started` as a handler begins, `completed` as it has read all.

    whole: read the content before the demonstration sees the request, so that what comes out does not depend
    on how far a streaming handler had got; without it, the demonstration is itself, and only `started` known.
    """

    def __init__(self, whole: bool = True) -> None:
        self.whole = whole
        self.started: list[tuple[str, str]] = []
        self.completed: list[tuple[str, str, bytes]] = []
        self._demonstration = Demonstration()

    async def __call__(self, request: Request) -> Response:
        self.started.append((request.method, request.target))
        if request.path == "/unread":
            return Response(200, "unread")
        if self.whole:
            self.completed.append((request.method, request.target, await request.read()))
        if request.path in ("/before", "/after"):
            return Response(200, request.path)
        if request.path == "/later":
            for _ in range(LATER):
                await asyncio.sleep(0)
            return Response(200, "later")
        return await self._demonstration(request)


class Play:
    """One case, one way, one connection."""

    def __init__(self, case: WireCase, way: Way) -> None:
        self.case = case
        self.way = way
        self.before = way is Way.COALESCED
        self.expected = [ExpectedAnswer(200, content=b"/before")] if self.before else []
        self.expected += [answer for step in case.server.answers for answer in self._adapt(step)]
        methods = ["GET"] if self.before else []
        self.methods = methods + [message.method for message in case.parser.messages]
        if case.parser.refusal is not None and case.request.startswith(b"HEAD "):
            self.methods.append("HEAD")  # a refusal, too, has then no content
        finals = [
            a.status for step in case.server.answers for a in step if a.status >= 200 and not a.optional
        ]
        self.refused = case.parser.refusal is not None and finals[-1:] == [case.parser.refusal.status]
        answered = zip(case.parser.messages[: len(finals) - self.refused], finals, strict=False)
        self.served = [message for message, status in answered if status != 421]  # that is no handler's
        self.after = False  # is a next request answered?
        self.data = b""
        self.ended = False

    def _adapt(self, answers: list[ExpectedAnswer]) -> list[ExpectedAnswer]:
        """Sent all in one piece, content has come before anybody could ask for it: 100 may be omitted."""
        if self.way is not Way.COALESCED:
            return answers
        return [ExpectedAnswer(a.status, True, a.content, a.fields) if a.status < 200 else a for a in answers]

    async def run(self, client: Client, cut: int | None = None) -> list[str]:
        """Play it, or only its first `cut` octets and the end of input; return what was wrong."""
        try:
            async with asyncio.timeout(PATIENCE):
                await (self._converse(client) if cut is None else self._cut_off(client, cut))
        except TimeoutError:
            return [f"hung; until then it sent {self.data!r:.300}"]
        except ConnectionError as error:
            return [f"{error!r} instead of an end; until then it sent {self.data!r:.300}"]
        try:
            answers, rest = self._answers()
        except AssertionError as error:
            return [f"a malformed response: {error}"]
        return [*self._compare(answers), *([f"left over: {rest!r:.200}"] if rest else [])]

    async def _converse(self, client: Client) -> None:
        case = self.case
        if self.way is Way.COALESCED:
            await client.send(BEFORE + case.request + (b"" if case.half_close else AFTER))
        else:
            for number, step in enumerate(case.steps):
                if number:
                    await self._receive_for(client, case.server.answers[:number])
                await (client.send(step) if self.way is Way.WHOLE else self._send_apart(client, step))
        if case.half_close:
            if case.parser.waits:
                await self._receive_for(client, case.server.answers)
            await client.half_close()
        elif case.server.end is not End.CLOSES:
            await self._go_on(client)
        while not self.ended:
            await self._receive(client)

    async def _send_apart(self, client: Client, step: bytes) -> None:
        """Octet by octet, each read by the server before the next is sent.

        A client that reads `Connection: close` ceases to send (RFC 9112 §9.6), so this one does; but not when
        it was refused: then it goes on talking, as clients do, and must not be reset for it.
        """
        for piece in octets(step):
            await client.send(piece)
            await turn()
            if not self.refused and (data := client.receive_now()):
                self.data += data
                if self._told_to_close():
                    return

    def _told_to_close(self) -> bool:
        answers, _ = self._answers() if self.data else ([], b"")
        return bool(answers) and answers[-1].says_close

    async def _go_on(self, client: Client) -> None:
        """The connection persists, or may: the next request is answered, unless the server has said close."""
        await self._receive_for(client, [self.expected])
        self.after = not self._told_to_close()
        if not self.after:
            return
        self.expected.append(ExpectedAnswer(200, content=b"/after"))
        if self.way is not Way.COALESCED:
            await client.send(AFTER)
        await self._receive_for(client, [self.expected])
        await turn()
        await client.half_close()

    async def _cut_off(self, client: Client, cut: int) -> None:
        await client.send(self.case.request[:cut])
        await client.half_close()
        while not self.ended:
            await self._receive(client)

    async def _receive_for(self, client: Client, steps: list[list[ExpectedAnswer]]) -> None:
        """Receive until as many answers are there as these steps must have."""
        before = [200] if self.before and steps != [self.expected] else []
        wanted = before + [a.status for step in steps for a in self._adapt(step) if not a.optional]
        interims = sum(status < 200 for status in wanted)
        while not self.ended:
            got = [answer.status for answer in self._answers()[0]]
            have = sum(status < 200 for status in got)
            if len(got) - have >= len(wanted) - interims and have >= interims:
                return
            await self._receive(client)

    async def _receive(self, client: Client) -> None:
        data = await client.receive()
        self.data += data
        self.ended = not data

    def _answers(self) -> tuple[list[Got], bytes]:
        return read_answers(self.data, self.methods, self.ended)

    def _compare(self, got: list[Got]) -> list[str]:
        """Answers against expectations, one by one."""
        shown = ", ".join(map(str, got)) or "nothing"
        at = 0
        for answer in self.expected:
            if at < len(got) and got[at].status == answer.status:
                wrong = self._compare_one(answer, got[at])
                if wrong:
                    return wrong
                at += 1
            elif not answer.optional:
                return [f"expected {[a.status for a in self.expected]}, got {shown}"]
        if at < len(got):
            return [f"expected {[a.status for a in self.expected]} and no more, got {shown}"]
        return self._compare_close(got[-1]) if got else []

    def _compare_one(self, answer: ExpectedAnswer, got: Got) -> list[str]:
        if answer.content is not None and got.content != answer.content:
            return [f"expected {answer.status} with {answer.content!r:.100}, got {got}"]
        for name, value in answer.fields:
            if ", ".join(got.values(name)).lower() != value.lower():
                return [f"expected {name}: {value}, got {got.fields}"]
        refusal = self.case.parser.refusal
        if (
            refusal
            and got.status == refusal.status
            and "HEAD" not in self.methods[-1:]
            and not any(s in got.content.decode() for s in refusal.sections)
        ):
            return [f"the answer names none of {', '.join(refusal.sections)}: {got}"]
        return []

    def _compare_close(self, last: Got) -> list[str]:
        """RFC 9112 §9.6: who intends to close says so; and who says so, must."""
        if self.case.half_close or last.status < 200:
            return []
        end = self.case.server.end
        if last.says_close and end is End.PERSISTS:
            return [f"it says close and must not: {last.fields}"]
        if not last.says_close and end is End.CLOSES:
            return [f"it closes and does not say so: {last.fields}"]
        return []

    def recorded(self, record: Recorder) -> list[str]:
        """Did the handlers see what they must, and nothing else?"""
        others = self.case.parser.messages[len(self.served) :]
        return check_record(record, self.served, others, self.before, self.after)


def check_record(
    record: Recorder,
    served: list[ExpectedRequest],
    others: list[ExpectedRequest],
    before: bool = False,
    after: bool = False,
) -> list[str]:
    """What the handlers saw against what they must have seen: `served`, and at most the begin of one more."""
    first = [("GET", "/before", b"")] if before else []
    last = [("GET", "/after", b"")] if after else []
    full = [(m.method, m.target, m.content) for m in served if m.complete and m.target != "/unread"]
    completed = first + full + last
    begun = (
        [(m[0], m[1]) for m in first] + [(m.method, m.target) for m in served] + [(m[0], m[1]) for m in last]
    )
    wrong = []
    if record.whole and record.completed != completed:
        wrong.append(f"handlers completed {record.completed!r:.300}, expected {completed!r:.300}")
    partial = [(m.method, m.target) for m in others[:1] if not m.complete]
    if record.started not in (begun, begun + partial):
        wrong.append(f"handlers were started for {record.started!r:.300}, expected {begun!r:.300}")
    return wrong


async def play(
    case: WireCase, way: Way, server: Server, context: ssl.SSLContext | None, whole: bool = True
) -> list[str]:
    """Play a case one way against a server whose app becomes a Recorder; return what was wrong."""
    record = server.app = Recorder(whole)
    client = await Client.connect(server.port, context)
    performance = Play(case, way)
    try:
        wrong = await performance.run(client)
    finally:
        client.close()
    await quiet(server)
    return [f"{way.value}: {what}" for what in wrong + performance.recorded(record)]


async def quiet(server: Server) -> None:
    """Until the server has let go of every connection: what it did not start by then, it never will."""
    async with asyncio.timeout(PATIENCE):
        while server.connections:
            await turn()
