"""Every wire case against the live server, plain and over TLS, in the three ways of `wire_play.Way`.

Asserted each time: the answers in their order; whether the connection ends, and that it ends without a reset;
that a response says so when it is the last; that the handlers saw the requests they must and nothing else.
"""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from netlab import Server
from netlab.check.cases import TRANSPORTS, ExpectedAnswer, WireCase, every_case
from netlab.cli import demonstration
from netlab.tls import client_context, ensure, server_context
from tests.wire.wire_client import PATIENCE, Client
from tests.wire.wire_play import Play, Recorder, Way, check_record, play, quiet

CASES = every_case()
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    """A server's and a client's TLS context that trust each other."""
    folder: Path = tmp_path_factory.mktemp("certs")
    certificates = ensure(folder)
    return server_context(certificates.chain, certificates.leaf_key), client_context(certificates.root)


PLAYED = [(case, transport) for case in CASES for transport in TRANSPORTS if case.only in ("", transport)]


@pytest.mark.parametrize(("case", "transport"), PLAYED, ids=[f"{case.id}-{way}" for case, way in PLAYED])
async def test_the_live_server(case: WireCase, transport: str, contexts: Contexts) -> None:
    tls, trusting = contexts if transport == "tls" else (None, None)
    wrong: list[str] = []
    async with Server(Recorder(), tls=tls) as server:
        for way in Way:
            wrong += await play(case, way, server, trusting)
        if case.cut:
            wrong += await play_cuts(case, server, trusting)
    assert not wrong, "\n".join([f"{case.where}: {case.name}", f"{case.sections[0]}: {case.rule}", *wrong])


STREAMED = [case for case in CASES if case.file in ("chunked", "expect")]


@pytest.mark.parametrize("case", STREAMED, ids=[case.id for case in STREAMED])
async def test_the_demonstration(case: WireCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a handler streams what it reads, the answer to a broken chunk is still that of its rule.

    The echo begins to stream when its client pauses. On a busy machine this one might seem to: it gets time.
    """
    monkeypatch.setattr(demonstration, "PAUSE", PATIENCE)
    wrong: list[str] = []
    async with Server(Recorder()) as server:
        for way in Way:
            wrong += await play(case, way, server, None, whole=False)
    assert not wrong, "\n".join([f"{case.where}: {case.name}", f"{case.sections[0]}: {case.rule}", *wrong])


async def play_cuts(case: WireCase, server: Server, context: ssl.SSLContext | None) -> list[str]:
    """The case cut at every octet, then a half-close: what is complete is answered, and nothing else."""
    wrong = []
    ends = [sum(map(len, case.steps[: n + 1])) for n in range(len(case.steps))]
    for cut in range(len(case.request) + 1):
        complete = sum(end <= cut for end in ends)
        record = server.app = Recorder()
        performance = Play(case, Way.WHOLE)
        performance.expected = [a for step in case.server.answers[:complete] for a in step] + [
            ExpectedAnswer(400, True)
        ]
        client = await Client.connect(server.port, context)
        try:
            found = await performance.run(client, cut)
        finally:
            client.close()
        await quiet(server)
        messages = case.parser.messages
        cut_off = [replace(message, complete=False) for message in messages[complete:]]
        found += check_record(record, messages[:complete], cut_off)
        wrong += [f"cut behind {cut} octets: {what}" for what in found]
    return wrong
