"""A connection of our own, traced: Python's TLS over memory, so that every byte passes through our hands.

The secrets come from the key log that OpenSSL writes into a file of this command alone (on Linux a memfd:
nothing reaches a disk). With resume there is a second connection, which goes on with the first one's session.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from netlab.capture import Captured, Chunk, Direction, Endpoint, compose
from netlab.cli.errors import UserError
from netlab.cli.tracing.streams import MakeStream, Stream
from netlab.client.url import URL
from netlab.http1 import EndOfMessage, Limits, ProtocolError, ResponseHead, ResponseParser
from netlab.http1.framing import NO_CONTENT
from netlab.tls.keylog import LogFile
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Side
from netlab.tls.wire.spans import TraceError

_WAYS = {Side.CLIENT: Direction.TO_SERVER, Side.SERVER: Direction.TO_CLIENT}
_READ_SIZE = 64 << 10
TIMEOUT = 10.0  # seconds for each wait

# What is kept of a conversation for a capture or a page.
_KEPT = 16 << 20


@dataclass
class Recording:
    """The bytes of one connection with their times. started_ns: nanoseconds since 1970."""

    client: Endpoint
    server: Endpoint
    started_ns: int
    chunks: list[Chunk] = field(default_factory=list)
    size: int = 0

    def add(self, side: Side, data: bytes, now: float) -> None:
        """Keep a piece, as far as the limit allows."""
        self.size += len(data)
        if self.size <= _KEPT:
            self.chunks.append(Chunk(_WAYS[side], now - self.started_ns / 1e9, data))

    def packets(self) -> list[Captured]:
        """As packets; their headers are made up."""
        return compose(self.client, self.server, self.chunks, self.started_ns)


@dataclass(frozen=True)
class Own:
    """What the connections of one command share. make: gives the stream of a connection."""

    url: URL
    context: ssl.SSLContext
    memory: LogFile
    ring: Keyring
    make: MakeStream


class Wire(Protocol):
    """A TLS client on a socket, whose bytes are told to a stream."""

    def run(self) -> ssl.SSLSession | None:
        """Handshake, request, response, close_notify. Returns the session, where it can be resumed."""

    def flush(self) -> None:
        """Tell what came and was not told yet, and send what is to be sent."""


Begin = Callable[[socket.socket, Stream, Recording], Wire]


def connect(own: Own, number: int, recordings: list[Recording], begin: Begin) -> ssl.SSLSession | None:
    """One connection: a handshake, one GET, its response. Returns its session, and adds its recording.

    begin: makes the TLS client for the socket. Raises UserError when the server can't be reached or the
    handshake fails; what went over the wire until then has been told.
    """
    origin, began = own.url.origin, time.time()
    try:
        plain = socket.create_connection((origin.host, origin.port), timeout=TIMEOUT)
    except OSError as error:
        raise UserError(
            f"cannot reach {origin.host} port {origin.port}: {error.strerror or error}"
            " (does a server listen there? `python -m netlab serve --tls` starts one)"
        ) from None
    with plain:
        client, server = Endpoint(*plain.getsockname()[:2]), Endpoint(*plain.getpeername()[:2])
        recording = Recording(client, server, time.time_ns())
        recordings.append(recording)
        stream = own.make(number, client, server)
        connected = time.time()
        for side, at, text in (
            (Side.CLIENT, began, "SYN"), (Side.SERVER, connected, "SYN, ACK"),
            (Side.CLIENT, connected, "ACK"),
        ):  # fmt: skip
            stream.mark(side, at, text)
        wire = begin(plain, stream, recording)
        try:
            return wire.run()
        except (OSError, ProtocolError, TraceError) as error:
            with suppress(OSError):
                wire.flush()
            raise UserError(f"{own.url}: {why(error)}") from None
        finally:
            stream.mark(Side.CLIENT, time.time(), "FIN")
            stream.end()


def why(error: Exception) -> str:
    """What failed, for a person, with the repair where there is one."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate was refused: {error.verify_message} (--cacert PEM names the root to trust;"
            " --insecure looks all the same)"
        )
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, TraceError):
        return f"TLS failed: {error.problem}"
    if isinstance(error, ProtocolError):
        return f"the answer is not HTTP/1.1: {error.rule} ({error.section})"
    return getattr(error, "strerror", None) or str(error)


class OpenSslWire:
    """Python's TLS object, the socket, and everything between them told to the stream."""

    def __init__(
        self,
        own: Own,
        plain: socket.socket,
        stream: Stream,
        recording: Recording,
        session: ssl.SSLSession | None,
    ) -> None:
        self._own, self._plain, self._stream, self._recording = own, plain, stream, recording
        self._into, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        # Bytes of the server that TLS has not read yet: before that, their keys are not in the key log.
        self._waiting: list[tuple[bytes, float]] = []
        self._tls = own.context.wrap_bio(
            self._into, self._out, server_hostname=own.url.origin.host, session=session
        )

    def run(self) -> ssl.SSLSession | None:
        """Handshake, request, response, close_notify."""
        self._call(self._tls.do_handshake)
        self._call(lambda: self._tls.write(request(self._own.url)))
        parser = ResponseParser(Limits(content=1 << 50))
        parser.expect("GET")
        while not complete(parser):
            data = self._call(lambda: self._tls.read(_READ_SIZE))
            parser.feed(data) if data else parser.feed_eof()
        session = self._tls.session
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # the server's close_notify is not waited for
        self.flush()
        return session

    def _call(self, step: Callable[[], object]) -> bytes:
        """Do a step of TLS, moving bytes until it is done. An end of the stream reads as empty."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self.flush()
                self._receive()
                continue
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return b""
            self.flush()
            return result if isinstance(result, bytes) else b""

    def _receive(self) -> None:
        data = self._plain.recv(_READ_SIZE)
        now = time.time()
        if not data:
            self._into.write_eof()
            return
        self._into.write(data)
        self._waiting.append((data, now))

    def flush(self) -> None:
        """Tell what the server sent, now that its keys are known; then send what TLS has to say."""
        self._own.ring.log.feed(self._own.memory.new())
        for data, now in self._waiting:
            self._recording.add(Side.SERVER, data, now)
            self._stream.feed(Side.SERVER, data, now)
        self._waiting.clear()
        if data := self._out.read():
            now = time.time()
            self._recording.add(Side.CLIENT, data, now)
            self._stream.feed(Side.CLIENT, data, now)
            self._plain.sendall(data)


def request(url: URL) -> bytes:
    """The one request that is sent."""
    origin = url.origin
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    authority = host if origin.port == 443 else f"{host}:{origin.port}"
    lines = [
        f"GET {url.target} HTTP/1.1",
        f"Host: {authority}",
        "User-Agent: netlab-trace",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def complete(parser: ResponseParser) -> bool:
    """Read what is there; is the response over? Raises ProtocolError."""
    while (event := parser.next_event()) is not None:
        if isinstance(event, EndOfMessage):
            return True
        if isinstance(event, ResponseHead) and event.framing is NO_CONTENT and not event.interim:
            return True
    return False


def openssl(own: Own, session: ssl.SSLSession | None) -> Begin:
    """What begins a connection of OpenSSL's; session: the one to resume."""
    return lambda plain, stream, recording: OpenSslWire(own, plain, stream, recording, session)
