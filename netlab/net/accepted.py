"""A server's transport: on TLS it looks at the client's first bytes before OpenSSL reads them.

Two clients get an answer that they can read, which OpenSSL or Python's binding to it would not give:

- one that speaks plain HTTP: its connection becomes a plain one, and the protocol answers with a status;
- one that offers application protocols (ALPN) of which none is ours: it gets the fatal alert
  no_application_protocol (RFC 7301 §3.2). Python's ssl module would go on without a protocol.

The look costs one system call for each TLS connection (MSG_PEEK: the bytes stay in the kernel). A ClientHello
that comes in pieces is not judged by its first one: it goes on to OpenSSL.
"""

from __future__ import annotations

import socket
import ssl
from typing import Protocol, cast

from netlab.net.phase import HANDSHAKE, MOVES, OPEN
from netlab.net.protocol import TransportProtocol
from netlab.net.sockets import cork
from netlab.net.transport import Transport
from netlab.tls.context import ServerContext
from netlab.tls.hello import NO_APPLICATION_PROTOCOL, alert, without_common_protocol

# A ClientHello has 300 to 600 bytes, 1800 with a post-quantum key share.
_HELLO = 16 * 1024


class ServerProtocol(TransportProtocol, Protocol):
    """What a server's connection does at each event."""

    def watch_send(self) -> None:
        """The kernel did not take all of a write that was postponed: `flushed` comes when it has."""

    def spoke_plain_text(self) -> None:
        """The client began without TLS. The transport is a plain one from now on, its bytes still unread."""

    def linger(self) -> None:
        """OpenSSL has refused the handshake with an alert; the transport is a plain one from now on.

        What the client still sends must be read before the close, or a reset undoes the alert.
        """


def wrapped(sock: socket.socket, tls: ssl.SSLContext) -> socket.socket:
    """The same socket, wrapped in TLS. Raises ConnectionError, and closes it, when its client has left."""
    try:
        return tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
    except OSError as error:
        sock.close()
        raise ConnectionError("the client has left before the first byte of its handshake") from error


class AcceptedTransport(Transport):
    """The transport of a connection that the server has accepted."""

    __slots__ = ()

    # -- the handshake --------------------------------------------------------------------------------------

    def _handshake(self) -> None:
        """A step of it; what the step writes leaves together.

        The first step writes a flight that OpenSSL itself gathers. A server's last step writes the session
        tickets (RFC 8446 §4.6.1), a record each, and the request mostly lies behind the client's last record
        already. So the cork stays in until that is answered: one segment instead of three or four, and 5 %
        less CPU time for a connection with a single request.
        """
        if not self._looked:
            self._looked = True
            if self._look():
                self._handshake_step()
            return
        cork(self._socket, 1)
        try:
            self._handshake_step()
            self._send_kept_back()
        finally:  # whatever a protocol raises: a cork left in would hold back each answer for 200 ms
            if not self.closed:
                cork(self._socket, 0)

    def _send_kept_back(self) -> None:
        """Send what this transport keeps back for a while: into the same segment as the session tickets."""

    def _look(self) -> bool:
        """Look at the client's first bytes. False when this connection needs no handshake any more."""
        sock = self._socket
        assert isinstance(sock, ssl.SSLSocket)
        try:
            # The plain socket's method: SSLSocket's takes no flags.
            first = socket.socket.recv(sock, _HELLO, socket.MSG_PEEK)
        except OSError:
            return True
        if first[:1].isalpha():  # a record begins with its type, 22; a method with a letter
            self._become_plain(sock)
            return False
        context = sock.context
        ours = context.protocols if isinstance(context, ServerContext) else ()
        if ours and (theirs := without_common_protocol(first, ours)):
            self._refuse_protocols(sock, theirs)
            return False
        return True

    def _fail(self, error: Exception | None) -> None:
        """As Transport._fail; a client whose handshake was refused with an alert has time to read it."""
        sock, protocol = self._socket, self._protocol
        # At the end of the client's bytes there is nothing to wait for.
        refused = isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)
        if refused and self._phase is HANDSHAKE and isinstance(sock, ssl.SSLSocket):
            self._forget_tls(sock)
            cast(ServerProtocol, protocol).linger()
        else:
            super()._fail(error)

    def _become_plain(self, sock: ssl.SSLSocket) -> None:
        protocol = cast(ServerProtocol, self._protocol)  # as it was given: the transport is not closed
        self._forget_tls(sock)
        protocol.spoke_plain_text()

    def _forget_tls(self, sock: ssl.SSLSocket) -> None:
        """Go on with the plain socket below."""
        self._socket = socket.socket(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self._socket.setblocking(False)
        self._tls, self.secure = None, False
        self._phase = MOVES[HANDSHAKE][OPEN]
        self.resume()

    def _refuse_protocols(self, sock: ssl.SSLSocket, theirs: list[bytes]) -> None:
        try:
            socket.socket.send(sock, alert(NO_APPLICATION_PROTOCOL))
        except OSError:
            pass  # the client was faster
        names = b", ".join(theirs).decode("ascii", "backslashreplace")
        self._fail(ssl.SSLError(f"no application protocol in common: the client offers {names}"))
