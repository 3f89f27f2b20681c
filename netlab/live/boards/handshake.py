"""The board of the handshake: real connections through the relay, each record annotated as it arrives.

Four ways: a full handshake, one that resumes it, one after a HelloRetryRequest, and TLS 1.2 with static RSA,
which is read with the server's stolen key alone. The server is netlab's, its certificate is of this run.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from netlab.live.annotated import RecordReading
from netlab.live.board import Board, Choice, Number, Refused
from netlab.live.liverun import LiveRun
from netlab.live.traced import OpenSslClient, OwnClient
from netlab.relay import Relay
from netlab.server.request import Request
from netlab.server.response import Response
from netlab.server.server import Server
from netlab.tls import cases, recipes
from netlab.tls.client13 import Client13, Offer
from netlab.tls.context import client_context, server_context
from netlab.tls.issue import KeyKind
from netlab.tls.keylog import close_key_log, passing_file
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Side
from netlab.tls.wire.spans import TraceError

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

FULL, RESUME, RETRY, STOLEN = "full", "resume", "retry", "stolen"
WAYS = (FULL, RESUME, RETRY, STOLEN)
KEY_LOG, STOLEN_KEY = "the client's key log: no thief has it", "the server's stolen key alone"
"""What the records were opened with, as the page says it."""

LABELS = (
    "TLS 1.3, a full handshake",
    "TLS 1.3, then one that resumes",
    "TLS 1.3, with a HelloRetryRequest",
    "TLS 1.2, static RSA, the key stolen",
)


@dataclass
class Scene:
    """What the connections of one run share."""

    run: LiveRun
    relay: Relay
    ring: Keyring
    context: ssl.SSLContext
    stolen: bool
    """The server's key opens the records; else the client's key log does."""


async def hello(request: Request) -> Response:
    """The server's only answer."""
    return Response(200, '{"hello":"world"}', {"content-type": "application/json"})


async def experiment(run: LiveRun) -> None:
    """Connect in the chosen way; every record goes to the page when it arrives."""
    way = run.text("way")
    try:
        async with _scene(run, way) as (scene, server):
            if way == RETRY:
                await _own(scene)
            else:
                await _openssl(scene, 2 if way == RESUME else 1, with_key_log=way != STOLEN)
            run.show("server", {"accepted": server.accepted, "requests": server.requests})
    except (OSError, TraceError) as error:
        raise Refused(f"the connection failed: {error}") from None


@contextlib.asynccontextmanager
async def _scene(run: LiveRun, way: str) -> AsyncIterator[tuple[Scene, Server]]:
    """A server with its certificate, a relay that makes it distant, and a client that trusts it."""
    now, stolen = datetime.now(UTC), way == STOLEN
    good = recipes.hierarchy(now)
    served = recipes.keys_of(KeyKind.RSA_2048 if stolen else KeyKind.P256)(good, now)
    with tempfile.TemporaryDirectory(prefix="netlab-live-") as folder:
        files = cases.write(served, good, Path(folder))
        version = ssl.TLSVersion.TLSv1_2 if stolen else None
        ciphers = "AES128-GCM-SHA256" if stolen else None
        tls = server_context(files.chain, files.key, maximum=version, ciphers=ciphers)
        context = client_context(files.root, maximum=version, ciphers=ciphers)
        keys = (served.key,) if stolen and isinstance(served.key, rsa.RSAPrivateKey) else ()
        one_way = run.number("distance") / 2000
        async with Server(hello, tls=tls) as server, Relay("127.0.0.1", server.port, one_way) as relay:
            yield Scene(run, relay, Keyring(keys=keys), context, stolen), server


async def _openssl(scene: Scene, count: int, with_key_log: bool) -> None:
    """OpenSSL's client: so many connections, each after the first resumes the one before."""
    session: ssl.SSLSession | None = None
    with passing_file() as memory:
        if with_key_log:
            scene.context.keylog_filename = memory.path
        try:
            for number in range(1, count + 1):
                async with _connected(scene, number) as (plain, told):
                    secrets = (scene.ring.log, memory) if with_key_log else None
                    client = OpenSslClient(plain, scene.context, told.take, secrets, session)
                    await client.ask(REQUEST)
                    session = client.tls.session
        finally:
            close_key_log(scene.context)


async def _own(scene: Scene) -> None:
    """Our client, which sends no key share: the server must ask for one."""
    async with _connected(scene, 1) as (plain, told):
        client = Client13(Offer("localhost", share=None))
        await OwnClient(plain, client, told.take, scene.ring).ask(REQUEST)


class Overheard:
    """Takes what went over one connection, and tells the page of its records."""

    def __init__(self, scene: Scene, number: int) -> None:
        self.scene, self.number = scene, number
        self.reading = RecordReading(scene.ring)
        self.began = time.monotonic()
        self.flights: list[Side] = []
        self.records = dict.fromkeys(Side, 0)

    def take(self, side: Side, data: bytes) -> None:
        """The next bytes of a side."""
        if not self.flights or self.flights[-1] is not side:
            self.flights.append(side)
        now = (time.monotonic() - self.began) * 1000
        for record in self.reading.feed(side, data, now):
            self.records[side] += 1
            self.scene.run.add("records", {"connection": self.number, **record})
        self.show()

    def show(self) -> None:
        """The figures of this connection."""
        tracer = self.reading.tracer
        self.scene.run.show(
            f"connection/{self.number}",
            {
                **self.reading.agreed(),
                "Records opened with": STOLEN_KEY if self.scene.stolen else KEY_LOG,
                "Resumed": "yes" if tracer.resumed else "no",
                "HelloRetryRequest": "yes" if tracer.retried else "no",
                "Records": sum(self.records.values()),
                "Bytes": sum(tracer.octets.values()),
                "Flights": len(self.flights),
                "Time": f"{(time.monotonic() - self.began) * 1000:,.0f} ms",
            },
        )


@contextlib.asynccontextmanager
async def _connected(scene: Scene, number: int) -> AsyncIterator[tuple[socket.socket, Overheard]]:
    """A socket through the relay, and what listens to it."""
    scene.run.say(f"Connection {number} begins.")
    with socket.socket() as plain:
        plain.setblocking(False)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", scene.relay.port))
        told = Overheard(scene, number)
        yield plain, told
        told.reading.tracer.end()
        told.show()
        count = sum(told.records.values())
        scene.run.say(f"Connection {number} is over: {count} records in {len(told.flights)} flights.")


BOARD = Board(
    name="handshake",
    title="The handshake",
    look_for="Count the flights before the request goes out, and see which records a thief with the server's "
    "key can read.",
    lab="07_handshake",
    controls=(
        Choice("way", "Connection", WAYS, FULL, LABELS),
        Number("distance", "Round trip to the server", 0, 500, 100, 10, "ms"),
    ),
    seconds=20,
    start="Connect",
    experiment=experiment,
)
