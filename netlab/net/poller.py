"""One selector for all the sockets of a server, itself one descriptor of the event loop.

`loop.add_reader` costs a handle, a selector key and a dictionary entry for each socket, and for each event
a trip through the loop's queue and a context switch. An epoll descriptor is itself readable when one of its
sockets is ready. So the loop watches ours, and one turn here serves every socket that is ready, with one
dictionary look-up each. Works in every event loop that has add_reader (asyncio on Unix, uvloop).

Level-triggered: a socket with bytes left is reported again in the next turn. So a member need not read until
it would block, and no member can starve the rest. Handshake steps, which cost the most, have a budget (see
`budget`); a TLS read that does not return is ended by a thread (see `watchdog`).
"""

from __future__ import annotations

import asyncio
import select
import selectors
import ssl
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from netlab.net.budget import HANDSHAKES, Budget
from netlab.net.watchdog import Watchdog

READABLE = 0x001  # EPOLLIN
WRITABLE = 0x004  # EPOLLOUT
BROKEN = 0x018  # EPOLLERR | EPOLLHUP: reported without being asked for

# Events taken in one turn; the loop's own tasks get theirs in between.
_BATCH = 256

# Where so many members were ready at once, others are by now: they are served in the same turn. It saves the
# event loop's own work between two turns (FAST.md). A quiet server pays for no second look.
_BUSY = 8

# Seconds for which a write may be postponed, beside the work of one member. With 0.5 ms, an app of 60 µs took
# 2 % more CPU time, and its clients waited longer; 2 ms gave no more (FAST.md).
POSTPONED = 0.001


class Ready(Protocol):
    """What the poller holds for a descriptor."""

    def ready(self, events: int) -> None:
        """The descriptor is READABLE, WRITABLE or BROKEN: an or of these."""


class Postponing(Protocol):
    """A member whose small writes leave at the end of the poller's turn."""

    def send_postponed(self) -> None:
        """Send what was written in this turn."""


class Poller:
    """Descriptors, and the member that is told when one is ready."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._selector = select.epoll() if hasattr(select, "epoll") else _PortableSelector()
        self._poll = self._selector.poll
        self._members: dict[int, Ready] = {}
        self._watchdog: Watchdog | None = None
        self.postponed: list[Postponing] | None = None
        """The members that have written in the turn under way; None between turns. See `accepted`."""
        self.at_end: Callable[[], None] | None = None
        """What is called once, at the end of the turn under way. Set by LentTask."""
        self.handshakes = Budget(HANDSHAKES)
        """What the members of this poller may spend on handshakes in one turn."""
        loop.add_reader(self._selector.fileno(), self._turn)

    def register(self, fd: int, member: Ready, events: int = READABLE) -> None:
        """Watch a descriptor."""
        self._members[fd] = member
        self._selector.register(fd, events)

    def modify(self, fd: int, events: int) -> None:
        """Watch for other events; 0 watches for BROKEN alone."""
        self._selector.modify(fd, events)

    def unregister(self, fd: int) -> None:
        """Stop watching, before the descriptor is closed; no error when it was not watched."""
        if self._members.pop(fd, None) is not None:
            try:
                self._selector.unregister(fd)
            except OSError:
                pass  # the watchdog has put another file in its place

    def watch_tls(self, context: ssl.SSLContext) -> None:
        """A member speaks TLS: from now on the watchdog runs, unless that can be TLS 1.2 at most."""
        if self._watchdog is None and context.maximum_version is not ssl.TLSVersion.TLSv1_2:
            self._watchdog = Watchdog()
            self._watchdog.start()

    def close(self) -> None:
        """Forget every descriptor. The members close the sockets themselves."""
        if self._watchdog is not None:
            self._watchdog.stop()
            self._watchdog = None
        self._loop.remove_reader(self._selector.fileno())
        self._members.clear()
        self._selector.close()

    def _turn(self) -> None:
        members = self._members
        self.handshakes.left = self.handshakes.seconds
        postponed: list[Postponing] = []
        self.postponed = postponed
        left = _BATCH
        try:
            while left > 0:
                late = monotonic() + POSTPONED
                batch = self._poll(0, left)
                for fd, events in batch:
                    # One member's work may have closed another of this same batch.
                    member = members.get(fd)
                    if member is not None:
                        member.ready(events)
                        if postponed and monotonic() > late:
                            self._send_postponed(postponed)
                            late = monotonic() + POSTPONED
                if len(batch) < _BUSY:
                    break
                left -= len(batch)
                self._send_postponed(postponed)
        finally:
            self.postponed = None
            if self.at_end is not None:
                at_end, self.at_end = self.at_end, None
                at_end()
            for writer in postponed:
                writer.send_postponed()

    def _send_postponed(self, postponed: list[Postponing]) -> None:
        """Send what the members have written so far in this turn."""
        batch = postponed[:]
        postponed.clear()
        for member in batch:
            member.send_postponed()


class _PortableSelector:
    """epoll's interface over the `selectors` module, for systems with kqueue (macOS, the BSDs)."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._paused: set[int] = set()

    def fileno(self) -> int:
        return int(self._selector.fileno())

    def register(self, fd: int, events: int) -> None:
        if events:
            self._selector.register(fd, self._translate(events))
        else:
            self._paused.add(fd)

    def modify(self, fd: int, events: int) -> None:
        self.unregister(fd)
        self.register(fd, events)

    def unregister(self, fd: int) -> None:
        if fd in self._paused:
            self._paused.discard(fd)
        else:
            self._selector.unregister(fd)

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        ready = self._selector.select(timeout)[:maxevents]
        both = (selectors.EVENT_READ, READABLE), (selectors.EVENT_WRITE, WRITABLE)
        return [(key.fd, sum(ours for theirs, ours in both if mask & theirs)) for key, mask in ready]

    def close(self) -> None:
        self._selector.close()

    @staticmethod
    def _translate(events: int) -> int:
        read = selectors.EVENT_READ if events & READABLE else 0
        return read | (selectors.EVENT_WRITE if events & WRITABLE else 0)
