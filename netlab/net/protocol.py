"""The protocol that a transport reports to (a connection), and the null protocol of a closed transport."""

from __future__ import annotations

from typing import Protocol


class TransportProtocol(Protocol):
    """What a connection does at each event. The transport calls none of these after `close`."""

    def connected(self) -> None:
        """The TLS handshake is done."""

    def received(self, data: bytes) -> None:
        """Bytes came from the peer, never empty."""

    def ended(self) -> None:
        """The peer sends no more (FIN or close_notify); it may still read."""

    def lost(self, error: Exception | None) -> None:
        """The connection is gone; the transport is closed already."""

    def flushed(self) -> None:
        """The kernel has taken all that waited. Called after `write` had to keep some."""


class NullProtocol:
    """The protocol of a closed transport: every event ends here."""

    def connected(self) -> None:
        """Ignored."""

    def received(self, data: bytes) -> None:
        """Ignored."""

    def ended(self) -> None:
        """Ignored."""

    def lost(self, error: Exception | None) -> None:
        """Ignored."""

    def flushed(self) -> None:
        """Ignored."""


NULL_PROTOCOL = NullProtocol()
