"""The client's end of a wire test: a socket in the server's own event loop, and a reader of answers.

Client and server share one loop, so nothing is left to chance: what the client sends, plain or in TLS, the
server has read two turns of the loop later. No sleeping, no polling, no thread.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from dataclasses import dataclass

RECEIVE = 1 << 16

# A guard against a hang, far above what any case takes; it decides nothing else.
PATIENCE = 20.0


class Client:
    """One connection: bytes out, bytes in until the end, and a half-close, alike in both transports."""

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._early = b""  # decrypted before anybody asked for it

    @classmethod
    async def connect(cls, port: int, context: ssl.SSLContext | None) -> Client:
        """Connect to the server on loopback; with a context, do the TLS handshake."""
        sock = socket.socket()
        sock.setblocking(False)
        client = cls(sock)
        try:
            await client._loop.sock_connect(sock, ("127.0.0.1", port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                await client._handshake(context)
        except BaseException:
            sock.close()
            raise
        return client

    async def _handshake(self, context: ssl.SSLContext) -> None:
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._flush()
                received = await self._loop.sock_recv(self._sock, RECEIVE)
                if not received:
                    # At its end a socket is always readable: without this the loop would never come to rest.
                    raise ConnectionError("the server closed during the handshake")
                self._incoming.write(received)
        await self._flush()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._loop.sock_sendall(self._sock, self._outgoing.read())

    async def send(self, data: bytes) -> None:
        """Send in one piece (in TLS: as few records as it takes)."""
        if self._tls is None:
            await self._loop.sock_sendall(self._sock, data)
            return
        for at in range(0, len(data), 1 << 14):
            self._tls.write(data[at : at + (1 << 14)])
        await self._flush()

    async def receive(self) -> bytes:
        """What the server sends next; b"" at its end. A reset, or a TLS end without close_notify, raises."""
        while (data := self.receive_now()) is None:
            readable = asyncio.Event()
            self._loop.add_reader(self._sock, readable.set)
            try:
                await readable.wait()
            finally:
                self._loop.remove_reader(self._sock)
        return data

    def receive_now(self) -> bytes | None:
        """As `receive`, but None when nothing has come yet."""
        if self._early:
            early, self._early = self._early, b""
            return early
        try:
            return self._sock.recv(RECEIVE) if self._tls is None else self._decrypted()
        except BlockingIOError:
            return None

    def _decrypted(self) -> bytes:
        """The next content of the TLS connection. Raises BlockingIOError when no more has come for it."""
        assert self._tls is not None
        while True:
            try:
                return self._tls.read(RECEIVE)
            except ssl.SSLZeroReturnError:
                return b""  # close_notify
            except ssl.SSLWantReadError:
                data = self._sock.recv(RECEIVE)
                # RFC 9112 §9.8: a server MUST attempt an exchange of closure alerts before it closes.
                assert data, "the server ended TLS without close_notify"
                self._incoming.write(data)

    async def half_close(self) -> None:
        """Say that nothing more will be sent: FIN, or in TLS close_notify."""
        if self._tls is None:
            self._sock.shutdown(socket.SHUT_WR)
            return
        try:
            # SSL_shutdown would throw away what is decrypted now and not read before.
            while piece := self._tls.read(RECEIVE):
                self._early += piece
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        try:
            self._tls.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        await self._flush()

    def close(self) -> None:
        self._sock.close()


# Up to here each octet is sent on its own (in TLS: in a record of its own); of a longer request the beginning
# and the end are, and what lies between goes in small odd pieces: it is one thing repeated, and twenty
# thousand turns of the loop would tell nothing new.
APART_WHOLE, APART_FRONT, APART_BACK, APART_PIECE = 3000, 400, 80, 61


def octets(data: bytes) -> list[bytes]:
    """The pieces of a request that comes octet by octet."""
    if len(data) <= APART_WHOLE:
        return [data[at : at + 1] for at in range(len(data))]
    front, middle, back = data[:APART_FRONT], data[APART_FRONT:-APART_BACK], data[-APART_BACK:]
    pieces = [middle[at : at + APART_PIECE] for at in range(0, len(middle), APART_PIECE)]
    return [*octets(front), *pieces, *octets(back)]


async def turn() -> None:
    """Let the server read what was sent: the first turn sees it readable, the second is ours again."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


# -- answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Got:
    """One response as it came."""

    status: int
    fields: tuple[tuple[str, str], ...]
    content: bytes

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.fields if known == name]

    @property
    def says_close(self) -> bool:
        return "close" in ",".join(self.values("connection")).lower()

    def __str__(self) -> str:
        shown = self.content if len(self.content) <= 100 else self.content[:97] + b"..."
        return f"{self.status} {shown!r}"


_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\t -~]*")
_FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*")


def read_answers(data: bytes, methods: list[str], ended: bool) -> tuple[list[Got], bytes]:
    """Every whole response in `data`, and the bytes left over. Raises AssertionError for a malformed one.

    methods: of the requests being answered, in order; what comes after is taken for an answer to a GET.
    """
    answers: list[Got] = []
    finals = 0
    while (end := data.find(b"\r\n\r\n")) >= 0:
        lines = data[:end].split(b"\r\n")
        status_line = _STATUS_LINE.fullmatch(lines[0])
        assert status_line, f"not a status line: {lines[0]!r}"
        status = int(status_line[1])
        fields = []
        for line in lines[1:]:
            match = _FIELD_LINE.fullmatch(line)
            assert match, f"not a field line: {line!r}"
            fields.append((match[1].decode().lower(), match[2].decode("latin-1")))
        got = Got(status, tuple(fields), b"")
        method = methods[finals] if finals < len(methods) else "GET"
        taken = _content(got, data[end + 4 :], method, ended)
        if taken is None:
            break
        content, data = taken
        answers.append(Got(status, tuple(fields), content))
        if status >= 200:
            finals += 1
    return answers, data


def _content(got: Got, rest: bytes, method: str, ended: bool) -> tuple[bytes, bytes] | None:
    """Content and what follows it; None when it is not whole yet. RFC 9112 §6.3"""
    lengths, codings = got.values("content-length"), got.values("transfer-encoding")
    assert len(lengths) + len(codings) <= 1, f"two framings in one response: {got.fields}"
    if got.status < 200 or got.status == 204:
        assert not lengths and not codings, f"a {got.status} has no framing fields: {got.fields}"
        return b"", rest
    # RFC 9110 §6.6.1: an origin server with a clock MUST send Date in 2xx, 3xx and 4xx.
    assert len(got.values("date")) == 1, f"one Date in every response: {got.fields}"
    if method == "HEAD" or got.status == 304:
        return b"", rest
    if codings:
        assert codings == ["chunked"], codings
        return _dechunk(rest)
    if lengths:
        length = int(lengths[0])
        return (rest[:length], rest[length:]) if len(rest) >= length else None
    return (rest, b"") if ended else None


def _dechunk(rest: bytes) -> tuple[bytes, bytes] | None:
    content = b""
    while True:
        line, newline, after = rest.partition(b"\r\n")
        if not newline:
            return None
        size = int(line, 16)
        if size == 0:
            return (content, after[2:]) if after[:2] == b"\r\n" else None
        if len(after) < size + 2:
            return None
        assert after[size : size + 2] == b"\r\n", "a chunk of the response does not end with CRLF"
        content, rest = content + after[:size], after[size + 2 :]
