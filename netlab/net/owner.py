"""Who a transport reports to, and who it reports to when it is closed: nobody."""

from __future__ import annotations

from typing import Protocol


class Owner(Protocol):
    """Who a transport reports to. Each is called at most once for one cause, never after `close`."""

    def connected(self) -> None:
        """The TLS handshake is done."""

    def received(self, data: bytes) -> None:
        """Bytes from the peer, never empty."""

    def ended(self) -> None:
        """The peer sends no more (FIN or close_notify); it may still read."""

    def lost(self, error: Exception | None) -> None:
        """The connection is gone; the transport is closed already."""

    def flushed(self) -> None:
        """What waited has gone to the kernel. Called after `write` had to keep some."""


class Nobody:
    """The owner of a transport that is closed."""

    def connected(self) -> None:
        """Nobody is told."""

    def received(self, data: bytes) -> None:
        """Nobody is told."""

    def ended(self) -> None:
        """Nobody is told."""

    def lost(self, error: Exception | None) -> None:
        """Nobody is told."""

    def flushed(self) -> None:
        """Nobody is told."""


NOBODY = Nobody()
