"""A server's transport whose small writes leave together, at the end of the poller's turn.

Each `send` to a client that sleeps wakes its thread, at the sender's cost (some 3 µs on one machine). Sent
one behind the other, the first wakes it and the others find it awake. That pays where a response takes so
long that its client sleeps meanwhile: ASGI apps (FAST.md). A fast handler keeps its clients awake, and would
only pay for the frames below: it has the plain transport.
"""

from __future__ import annotations

import socket
from typing import cast

from netlab.net.accepted import AcceptedTransport, ServerProtocol
from netlab.net.outgoing import Buffer
from netlab.net.poller import Poller
from netlab.net.protocol import TransportProtocol
from netlab.net.transport import Transport

# Bound once: a look at the class in each call costs more than the call.
_write_now = Transport.write

# Bytes of a write that may be postponed: the small responses, which are most of them.
SMALL = 16 * 1024


class PostponingTransport(AcceptedTransport):
    """An accepted connection whose small responses are sent behind the work of the turn.

    The price: a response waits for those of its turn, at most a millisecond and the work of one connection:
    of one handler, or of 16 where its client pipelines.
    """

    __slots__ = ("_postponed",)

    _postponed: bytes  # written in this turn of the poller, still to be sent

    def attach(self, sock: socket.socket, poller: Poller, protocol: TransportProtocol) -> None:
        """As Transport.attach."""
        super().attach(sock, poller, protocol)
        self._postponed = b""

    def write(self, data: Buffer) -> bool:
        """As Transport.write. True also for a small write that is postponed to the end of the turn."""
        turn = self._poller.postponed
        if turn is None or self._waiting is not None or data.__class__ is not bytes or len(data) > SMALL:
            if self._postponed:
                self.send_postponed()
            return super().write(data)
        if self._postponed:
            self._postponed += data
        else:
            self._postponed = data
            turn.append(self)
        return True

    def send_postponed(self) -> None:
        """Send now what was postponed."""
        data, self._postponed = self._postponed, b""
        if not data:
            return
        try:
            sent = self._socket.send(data) if self._tls is None else 0
        except OSError:
            sent = 0  # `write` meets it again, and knows what to do
        # Nearly always all is sent, and `write` would be a call more.
        if sent != len(data) and not _write_now(self, data[sent:]):
            cast(ServerProtocol, self._protocol).watch_send()

    def write_parts(self, parts: tuple[Buffer, ...]) -> bool:
        """As Transport.write_parts, behind what was postponed."""
        if self._postponed:
            self.send_postponed()
        return super().write_parts(parts)

    def write_file(self, fd: int, offset: int, count: int) -> bool:
        """As Transport.write_file, behind what was postponed."""
        if self._postponed:
            self.send_postponed()
        return super().write_file(fd, offset, count)

    @property
    def waiting(self) -> int:
        """As Transport.waiting; what was postponed is sent first."""
        if self._postponed:
            self.send_postponed()
        return super().waiting

    @property
    def unacknowledged(self) -> int:
        """As Transport.unacknowledged; what was postponed is sent first."""
        if self._postponed:
            self.send_postponed()
        return super().unacknowledged

    def shut(self) -> None:
        """As Transport.shut, behind what was postponed."""
        if self._postponed:
            self.send_postponed()
        super().shut()

    def close(self, notify: bool = True, unless_waiting: bool = False) -> bool:
        """As Transport.close, behind what was postponed."""
        if self._postponed:
            self.send_postponed()
        return super().close(notify, unless_waiting)

    def abort(self) -> None:
        """As Transport.abort; what was postponed is dropped, as what waits is."""
        self._postponed = b""
        super().abort()

    def _send_kept_back(self) -> None:
        if self._postponed:
            self.send_postponed()


def transport_for(app: object) -> type[AcceptedTransport]:
    """The transport for an app's connections: this one for an app that says `postpones_writes`."""
    return PostponingTransport if getattr(app, "postpones_writes", False) else AcceptedTransport
