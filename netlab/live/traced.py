"""TLS clients for the event loop whose every byte passes through our hands: OpenSSL's, and our own.

What went over the wire is given to a callback; `annotated` makes records of it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from netlab.tls.client13 import Client13
from netlab.tls.keylog import KeyLog, LogFile
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Side

READ_SIZE = 64 << 10

Tell = Callable[[Side, bytes], object]


class OpenSslClient:
    """One connection of OpenSSL's. tell: called with what either side sent, in order."""

    def __init__(
        self,
        plain: socket.socket,
        context: ssl.SSLContext,
        tell: Tell,
        secrets: tuple[KeyLog, LogFile] | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        """Secrets: where the key log is to be read into, and the file that OpenSSL writes; None: nowhere."""
        self._plain, self._tell, self._secrets = plain, tell, secrets
        self._into, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        # What the server sent and TLS has not read yet: before that, its keys are not in the key log.
        self._waiting: list[bytes] = []
        self.tls = context.wrap_bio(self._into, self._out, server_hostname="localhost", session=session)

    async def ask(self, request: bytes) -> bytes:
        """Handshake, one request, and what comes until the server closes. Raises OSError (ssl.SSLError)."""
        await self._do(self.tls.do_handshake)
        await self._do(lambda: self.tls.write(request))
        pieces = []
        while data := await self._do(lambda: self.tls.read(READ_SIZE)):
            pieces.append(data)
        return b"".join(pieces)

    async def _do(self, step: Callable[[], object]) -> bytes:
        """A step of TLS, moving bytes until it is done. The end of the stream reads as empty."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._receive()
                continue
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                await self._flush()
                return b""
            await self._flush()
            return result if isinstance(result, bytes) else b""

    async def _receive(self) -> None:
        data = await asyncio.get_running_loop().sock_recv(self._plain, READ_SIZE)
        if data:
            self._into.write(data)
            self._waiting.append(data)
        else:
            self._into.write_eof()

    async def _flush(self) -> None:
        if self._secrets is not None:
            log, memory = self._secrets
            log.feed(memory.new())
        for data in self._waiting:
            self._tell(Side.SERVER, data)
        self._waiting.clear()
        if data := self._out.read():
            self._tell(Side.CLIENT, data)
            await asyncio.get_running_loop().sock_sendall(self._plain, data)


class OwnClient:
    """One connection of netlab's own TLS 1.3, which knows its whole key schedule."""

    def __init__(self, plain: socket.socket, client: Client13, tell: Tell, ring: Keyring) -> None:
        self._plain, self._client, self._tell, self._ring = plain, client, tell, ring

    async def ask(self, request: bytes) -> bytes:
        """As OpenSslClient.ask. Raises TraceError for what breaks the protocol."""
        client = self._client
        while not client.established:
            if not await self._exchange():
                return b""
        client.write(request)
        pieces = [client.read()]
        while not client.closed and await self._exchange():
            pieces.append(client.read())
        client.close()
        await self._flush()
        return b"".join(pieces)

    async def _exchange(self) -> bool:
        """Send what is due, receive once; False at the end of the stream."""
        await self._flush()
        data = await asyncio.get_running_loop().sock_recv(self._plain, READ_SIZE)
        try:
            self._client.receive(data)
        finally:
            self._note_secrets()
            if data:
                self._tell(Side.SERVER, data)
        return bool(data)

    async def _flush(self) -> None:
        self._note_secrets()
        if data := self._client.sending():
            self._tell(Side.CLIENT, data)
            await asyncio.get_running_loop().sock_sendall(self._plain, data)

    def _note_secrets(self) -> None:
        for label, secret in self._client.log.items():
            self._ring.log.add(label, self._client.random, secret)
        for private in self._client.private:
            self._ring.add_share(private)
