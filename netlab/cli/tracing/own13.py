"""A connection by our own client of TLS 1.3: for `--hello-retry`, and for one suite of TLS 1.3 alone.

The certificate is checked beforehand, by a connection of OpenSSL's that is not shown. Our client then takes
that certificate only, and checks the signature over its own handshake. All its secrets are known, so the key
schedule is shown from the key agreement on.
"""

from __future__ import annotations

import socket
import ssl
import time

from netlab.cli.errors import UserError
from netlab.cli.tracing.live import TIMEOUT, Begin, Own, Recording, complete, request, why
from netlab.cli.tracing.streams import Stream
from netlab.http1 import Limits, ResponseParser
from netlab.tls.client13 import Client13, Offer
from netlab.tls.tracing.values import Side
from netlab.tls.wire.spans import TraceError

_READ_SIZE = 64 << 10


def trusted_certificate(own: Own) -> bytes:
    """The server's certificate (DER), after a handshake in which OpenSSL checked it. Raises UserError."""
    origin = own.url.origin
    try:
        with (
            socket.create_connection((origin.host, origin.port), timeout=TIMEOUT) as plain,
            own.context.wrap_socket(plain, server_hostname=origin.host) as secured,
        ):
            return secured.getpeercert(binary_form=True) or b""
    except OSError as error:
        raise UserError(f"{own.url}: {why(error)}") from None


class OwnWire:
    """Our client, the socket, and everything between them told to the stream."""

    def __init__(
        self,
        own: Own,
        plain: socket.socket,
        stream: Stream,
        recording: Recording,
        offer: Offer,
        trusted: bytes | None,
    ) -> None:
        self._own, self._plain, self._stream, self._recording = own, plain, stream, recording
        self._client = Client13(offer)
        self._trusted = trusted

    def run(self) -> ssl.SSLSession | None:
        """Handshake, request, response, close_notify. Raises TraceError, ProtocolError, OSError."""
        client = self._client
        while not client.established:
            self._exchange()
        if self._trusted is not None and client.certificate != self._trusted:
            raise TraceError(0, "the server showed another certificate than the one that was checked")
        client.write(request(self._own.url))
        self.flush()
        parser = ResponseParser(Limits(content=1 << 50))
        parser.expect("GET")
        while not complete(parser):
            data = client.read()
            if data:
                parser.feed(data)
            elif client.closed or not self._exchange():
                parser.feed_eof()
        client.close()
        self.flush()
        return None

    def _exchange(self) -> bool:
        """Send, then receive once; False at the end of the stream."""
        self.flush()
        data = self._plain.recv(_READ_SIZE)
        now = time.time()
        if not data and not self._client.established:
            raise TraceError(0, "the server closed the connection in the handshake")
        try:
            self._client.receive(data)
        finally:
            self._secrets()
            self._recording.add(Side.SERVER, data, now)
            self._stream.feed(Side.SERVER, data, now)
        return bool(data)

    def flush(self) -> None:
        """Send what the client has to say, and tell it."""
        self._secrets()
        if data := self._client.sending():
            now = time.time()
            self._recording.add(Side.CLIENT, data, now)
            self._stream.feed(Side.CLIENT, data, now)
            self._plain.sendall(data)

    def _secrets(self) -> None:
        """Everything that the client knows is for the tracer, too."""
        for label, secret in self._client.log.items():
            self._own.ring.log.add(label, self._client.random, secret)
        for private in self._client.private:
            self._own.ring.add_share(private)


def begin(own: Own, offer: Offer, trusted: bytes | None) -> Begin:
    """What begins a connection of ours; trusted: the certificate that was checked, None to take any."""
    return lambda plain, stream, recording: OwnWire(own, plain, stream, recording, offer, trusted)
