"""What is tried with each server: one function a column of the table.

A check returns the words of its cell and raises AssertionError when the client and the server did not do it.
The relay between them is what counts connections and records bytes: neither side is asked about itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import netlab
from netlab.capture import Direction
from netlab.client import Timeouts
from netlab.client.timings import Step, TraceEvent
from netlab.relay import Relay
from tests.kit import peers
from tests.kit.peers.world import pieces

GETS = 20
SMALL, EARLY = 300_000, 16 << 20

# TLS: the extension by which a server says that it resumes (RFC 8446 §4.2.11), and the records before keys.
_PRE_SHARED_KEY = 41
_HANDSHAKE, _SERVER_HELLO = 22, 2


@dataclass(frozen=True, slots=True)
class Tried:
    """A server that runs, the relay in front of it, and what a session needs to trust it."""

    running: peers.Running
    relay: Relay
    trust: ssl.SSLContext

    @property
    def url(self) -> str:
        """Through the relay."""
        return f"{self.running.url.rpartition(':')[0]}:{self.relay.port}"

    def session(self, trace: Callable[[TraceEvent], None] | None = None) -> netlab.Session:
        """A session of the check's own. An `Expect` waits longer than on a machine at rest."""
        return netlab.Session(tls=self.trust, trace=trace, timeouts=Timeouts(expect=10.0))

    @property
    def connections(self) -> int:
        """How many connections the relay has seen."""
        return len(self.relay.conversations)


async def keep_alive(tried: Tried) -> str:
    """GETs one after the other over one connection."""
    before = tried.connections
    async with tried.session() as session:
        for _ in range(GETS):
            async with session.get(tried.url + "/") as response:
                assert await response.read() == b"hello"
    used = tried.connections - before
    assert used == 1, f"{GETS} GETs took {used} connections: {dict(session.pool.closed)}"
    return f"{GETS} GETs, 1 connection"


async def chunked_down(tried: Tried) -> str:
    """A response in chunks, and the connection after it."""
    before = tried.connections
    async with tried.session() as session:
        for _ in range(2):
            async with session.get(tried.url + "/chunked") as response:
                assert response.fields.get("transfer-encoding") == "chunked", "it was not chunked"
                assert await response.read() == peers.LINES, "other content"
    assert tried.connections - before == 1, "the connection did not persist"
    coding = response.fields.get("content-encoding")
    return f"whole ({coding})" if coding else "whole"


async def chunked_up(tried: Tried) -> str:
    """A request in chunks, and the connection after it."""
    before = tried.connections
    content = bytes(range(250)) * (SMALL // 250)

    async def parts() -> AsyncIterator[bytes]:
        for at in range(0, SMALL, 7777):
            yield content[at : at + 7777]

    heads: list[bytes] = []
    async with tried.session(_heads_into(heads)) as session:
        for _ in range(2):
            digest = await upload(tried.running, session, tried.url, parts())
            assert digest == hashlib.sha256(content).hexdigest(), "other content arrived"
    assert all(b"Transfer-Encoding: chunked" in head for head in heads)
    assert tried.connections - before == 1, "the connection did not persist"
    return "whole"


async def expect(tried: Tried) -> str:
    """The content waits for 100 (Continue), and the server sends it."""
    seen: list[int] = []

    def trace(event: TraceEvent) -> None:
        if event.step is Step.CONTINUE:
            seen.append(event.detail.status)

    content = b"x" * SMALL
    async with tried.session(trace) as session:
        digest = await upload(tried.running, session, tried.url, content, expect100=True)
    assert digest == hashlib.sha256(content).hexdigest(), "other content arrived"
    assert seen == [100], f"interim responses: {seen}"
    return "100, then the content"


async def early_answer(tried: Tried) -> str:
    """The server answers at once; the client reads the answer, whatever becomes of the upload.

    Straight from the server: a reset on its way through the relay would overtake the answer.
    """
    sent = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < EARLY:
            sent += 65536
            yield bytes(65536)

    async with tried.session() as session:
        async with session.post(tried.running.url + "/refuse", data=parts()) as response:
            assert 400 <= response.status < 500, f"status {response.status}"
            await response.read()
        async with session.get(tried.running.url + "/") as after:
            assert await after.read() == b"hello", "the next request failed"
    return f"{response.status}, upload {'stopped' if sent < EARLY else 'sent whole'}"


async def resumption(tried: Tried) -> str:
    """The second and third connection resume: the ServerHello says so in plain text."""
    before = tried.connections
    async with tried.session() as session:
        for _ in range(3):
            async with session.get(tried.url + "/", fields={"Connection": "close"}) as response:
                assert await response.read() == b"hello"
    hellos = [talk.content(Direction.TO_CLIENT) for talk in tried.relay.conversations[before:]]
    resumed = [_PRE_SHARED_KEY in server_hello_extensions(hello) for hello in hellos]
    assert resumed == [False, True, True], f"resumed: {resumed}"
    return "2 of 2 resumed"


async def download(tried: Tried) -> str:
    """The large file with its SHA-256, straight from the server."""
    expected = peers.make_big(tried.running.folder)
    digest, size = hashlib.sha256(), 0
    async with tried.session() as session, session.get(tried.running.url + "/big") as response:
        async for piece in response.stream():
            digest.update(piece)
            size += len(piece)
    assert size == peers.BIG, f"{size} of {peers.BIG} bytes"
    assert digest.hexdigest() == expected, "another SHA-256"
    return "SHA-256 equal"


async def large_upload(tried: Tried) -> str:
    """The same content up, streamed."""
    expected = hashlib.sha256()

    async def parts() -> AsyncIterator[bytes]:
        for piece in pieces():
            expected.update(piece)
            yield piece

    async with tried.session() as session:
        fields = {"Content-Length": str(peers.BIG)}
        digest = await upload(tried.running, session, tried.running.url, parts(), fields=fields)
    assert digest == expected.hexdigest(), "another SHA-256"
    return "SHA-256 equal"


Check = Callable[[Tried], Awaitable[str]]

# Columns of the table. FAST: in a second or so for all of them; LARGE: 200 MiB each.
FAST: dict[str, Check] = {
    "keep-alive": keep_alive,
    "chunked down": chunked_down,
    "chunked up": chunked_up,
    "Expect: 100-continue": expect,
    "early answer": early_answer,
}
SECURE: dict[str, Check] = {"TLS resumption": resumption}
LARGE: dict[str, Check] = {"200 MiB down": download, "200 MiB up": large_upload}


# What a server does that no client can mend: the check may fail there, and the table says why.
SERVERS_OWN = {
    ("Java", "early answer"): (
        "over TLS the server's reset may overtake its answer: then the client's kernel has no byte of it. "
        "curl reports a reset as well"
    ),
}


async def upload(
    running: peers.Running, session: netlab.Session, base: str, data: object, **options: object
) -> str:
    """Send content the way that this server can prove. Returns the SHA-256 of what arrived."""
    match running.peer.upload:
        case peers.Upload.DIGEST:
            async with session.post(base + "/digest", data=data, **options) as response:
                assert response.status == 200, f"status {response.status}"
                return (await response.read()).decode()
        case peers.Upload.FILE:
            async with session.put(base + "/upload/file", data=data, **options) as response:
                assert response.status in (201, 204), f"status {response.status}"
            with (running.folder / "www" / "upload" / "file").open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        case peers.Upload.ECHO:
            digest = hashlib.sha256()
            async with session.post(base + "/echo", data=data, **options) as response:
                assert response.status == 200, f"status {response.status}"
                async for piece in response.stream():
                    digest.update(piece)
            return digest.hexdigest()


def server_hello_extensions(received: bytes) -> set[int]:
    """The types of the extensions of the ServerHello that a connection begins with (RFC 8446 §4.1.3)."""
    assert received[0] == _HANDSHAKE and received[5] == _SERVER_HELLO, received[:6]
    at = 5 + 4 + 2 + 32  # record header, message header, version, random
    at += 1 + received[at] + 2 + 1  # session id, suite, compression method
    end = at + 2 + int.from_bytes(received[at : at + 2], "big")
    at, found = at + 2, set()
    while at < end:
        found.add(int.from_bytes(received[at : at + 2], "big"))
        at += 4 + int.from_bytes(received[at + 2 : at + 4], "big")
    return found


def _heads_into(heads: list[bytes]) -> Callable[[TraceEvent], None]:
    def trace(event: TraceEvent) -> None:
        if event.step is Step.SENT:
            heads.append(bytes(event.detail))

    return trace


@contextlib.asynccontextmanager
async def relayed(running: peers.Running, trust: ssl.SSLContext) -> AsyncIterator[Tried]:
    """A relay in front of a running server."""
    async with Relay("127.0.0.1", running.port) as relay:
        yield Tried(running, relay, trust)
