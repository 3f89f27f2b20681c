"""Connections to look at, for lab 07: netlab serves, a client connects, a relay between them records.

Here lives what makes a connection and its recording: the bytes of both directions with their times, and the
key log. The key log stays in memory. What the bytes mean is read by `netlab.tls.tracer`.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import netlab
from netlab.capture import Captured, Chunk, Direction
from netlab.relay import Conversation, Relay
from netlab.tls import keylog
from netlab.tls.tracer import Tracer
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Record, Side

REQUEST = b"GET /data HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
CONTENT = b'{"hello":"world"}'

FULL, RESUMED, RETRIED, OLD = "full", "resumed", "HelloRetryRequest", "TLS 1.2, full"


@dataclass
class Talk:
    """One recorded connection: what crossed the wire, the key log, and what the tracer reads in it."""

    name: str
    chunks: list[Chunk]
    key_log: bytes
    packets: list[Captured]
    port: int
    tracer: Tracer = field(init=False)
    records: list[Record] = field(init=False)

    def __post_init__(self) -> None:
        self.tracer = Tracer(Keyring(keylog.KeyLog(self.key_log)))
        self.records = []
        for chunk in self.chunks:
            side = Side.CLIENT if chunk.direction is Direction.TO_SERVER else Side.SERVER
            self.records += self.tracer.feed(side, chunk.data, chunk.time)
        self.tracer.end()

    @property
    def handshake(self) -> list[Record]:
        """The records up to and including the later of both Finished, and no application data."""
        finished = [at for at, record in enumerate(self.records) if "finished" in record.handshake]
        last = finished[1] if len(finished) > 1 else len(self.records) - 1
        return [record for record in self.records[: last + 1] if record.content_type != 23]

    @property
    def round_trips(self) -> int:
        """How often the client waits for the server before it may send its request."""
        sides = [Side.SERVER, *(record.side for record in self.handshake)]
        return sum(a is Side.CLIENT and b is Side.SERVER for a, b in itertools.pairwise(sides))

    @property
    def wire(self) -> bytes:
        """Every byte that an eavesdropper sees."""
        return b"".join(chunk.data for chunk in self.chunks)


class Stage:
    """A server, a relay in front of it, and a client that connects through it."""

    def __init__(self, relay: Relay, client: ssl.SSLContext, memory: keylog.LogFile) -> None:
        self._relay, self._client, self._memory = relay, client, memory
        self._session: ssl.SSLSession | None = None
        self.busy = asyncio.Lock()  # one connection at a time: they share the key log

    @property
    def has_session(self) -> bool:
        """Whether an earlier connection left a session to resume."""
        return self._session is not None

    async def connect(self, name: str, *, resume: bool = False) -> Talk:
        """Make one connection. resume: with the session of the connection before."""
        before = len(self._relay.conversations)
        session = self._session if resume else None
        self._session = await asyncio.to_thread(_ask, self._relay.port, self._client, session)
        conversation: Conversation = self._relay.conversations[before]
        await conversation.wait_closed()
        packets, port = conversation.composed(), conversation.server.port
        return Talk(name, list(conversation.chunks), self._memory.new(), packets, port)

    async def arrivals(self, *, resume: bool = False) -> AsyncIterator[tuple[Chunk, bytes]]:
        """Make one connection and give each of its chunks when it arrives, with the key log's new lines."""
        async with self.busy:
            before = len(self._relay.conversations)
            session = self._session if resume else None
            asking = asyncio.create_task(asyncio.to_thread(_ask, self._relay.port, self._client, session))
            try:
                while len(self._relay.conversations) == before and not asking.done():
                    await asyncio.sleep(_LOOK)
                accepted = asyncio.get_running_loop().time()
                conversation = self._relay.conversations[before]
                told = 0
                while told < len(conversation.chunks) or not asking.done():
                    if told == len(conversation.chunks):
                        await asyncio.sleep(_LOOK)
                        continue
                    chunk = conversation.chunks[told]
                    arrives = accepted + chunk.time + self._relay.delays[chunk.direction] + _LOOK
                    await asyncio.sleep(max(0.0, arrives - asyncio.get_running_loop().time()))
                    told += 1
                    yield chunk, self._memory.new()
            finally:
                self._session = await asking
                self._relay.conversations.clear()


_LOOK = 0.03  # seconds between two looks at what the relay recorded


@asynccontextmanager
async def stage(
    certs: Path, *, group: str = "", version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, distance: float = 0.0
) -> AsyncIterator[Stage]:
    """Serve and relay over loopback.

    group: the only group that the server accepts, in OpenSSL's words; distance: seconds one way.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certs / "chain.pem", certs / "leaf.key")
    if group:
        server.set_ecdh_curve(group)
    client = ssl.create_default_context(cafile=certs / "root.pem")
    client.maximum_version = version
    with keylog.passing_file() as memory:
        client.keylog_filename = server.keylog_filename = memory.path
        serving = netlab.Server(_answer, port=0, tls=server)
        async with serving, Relay("127.0.0.1", serving.port, distance) as relay:
            yield Stage(relay, client, memory)


async def _answer(request: netlab.Request) -> netlab.Response:
    return netlab.Response(200, CONTENT, {"content-type": "application/json"})


def _ask(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> ssl.SSLSession | None:
    """One request; the session to resume with, which TLS 1.3 gives behind the handshake (RFC 8446 §4.6.1)."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as secure,
    ):
        secure.sendall(REQUEST)
        answer = b""
        while part := secure.recv(65536):
            answer += part
        if CONTENT not in answer:
            raise RuntimeError(f"the server answered {answer[:60]!r}")
        return secure.session


async def all_talks(certs: Path) -> list[Talk]:
    """A full handshake, a resumed one, one with a HelloRetryRequest, and a full one of TLS 1.2."""
    async with stage(certs) as usual:
        talks = [await usual.connect(FULL), await usual.connect(RESUMED, resume=True)]
    async with stage(certs, group="secp384r1") as picky:
        talks.append(await picky.connect(RETRIED))
    async with stage(certs, version=ssl.TLSVersion.TLSv1_2) as old:
        talks.append(await old.connect(OLD))
    return talks
