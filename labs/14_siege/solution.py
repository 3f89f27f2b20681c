"""How a server stands a siege: six rules, and the turn of the loop that obeys them.

A server dies of waiting long before it dies of work. An attacker that may keep it waiting for ever needs one
packet a minute, and as many connections as it has file descriptors. So nothing here waits without a bound:

    1  Deadlines      who is late?
    2  after, late    which deadline runs when, and what becomes of who is late
    3  HeadReader     how much of a request's head is heard before it is refused
    4  Progress       is it slow, or has it stopped?
    5  Gate, accept   may another one come in?
    6  fate, stop     what becomes of everybody at SIGTERM
    7  turn           one turn of the loop

The rules touch no socket and look at no clock of their own: time is handed to them, so that a test can turn
it. The reading and the writing are done: siege_loop.py beside this file is the server that your rules govern.
"""

from __future__ import annotations

import enum
import errno
import selectors
import socket
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol

ACCEPT = 64  # connections let in before those that are open get their turn


@dataclass(frozen=True)
class Timeouts:
    """Seconds."""

    head: float = 10.0  # until a request's head is whole
    idle: float = 75.0  # between an answer and the next request
    content: float = 30.0  # in which some of a request's content must come
    stall: float = 30.0  # in which some of a response must be taken
    linger: float = 5.0  # in which a client may read the last answer
    grace: float = 0.25  # after SIGTERM, for requests that are on their way
    drain: float = 30.0  # after SIGTERM, for everything


@dataclass(frozen=True)
class Limits:
    """Bytes, and a count."""

    line: int = 8 * 1024  # of a request line, CRLF included
    section: int = 32 * 1024  # of all field lines, CRLFs included
    lines: int = 128  # field lines
    least: int = 1024  # of a content or a response, in each window of time


class Refused(Exception):
    """The request is answered with this status, and the connection ends."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with {status}")
        self.status = status


class Phase(enum.Enum):
    """Where a connection is."""

    HEAD = "a request's head is awaited, or part of it has come"
    CONTENT = "the head is whole, its content is still coming"
    ANSWER = "the response is on its way"
    IDLE = "everything is answered; the next request may come or not"
    LINGER = "the last word is said (FIN); the client reads it"


class Event(enum.Enum):
    """What happens to a connection."""

    BYTES = "bytes have come"
    CONTENT_FOLLOWS = "the head is whole, and announces content"
    REQUEST_WHOLE = "nothing of the request is missing: the response begins"
    ANSWERED = "the response has gone, and the connection persists"
    LAST_SAID = "the last response has gone, and FIN behind it"


class Late(enum.Enum):
    """What becomes of a connection whose deadline has passed."""

    AGAIN = "it moves: as long again"
    REFUSE = "408, since a request has begun and the client may read the answer"
    CLOSE = "an ordinary end (FIN): nothing was begun"
    RESET = "cut (RST): what it got must not be taken for a whole response"


class Fate(enum.Enum):
    """What becomes of a connection after SIGTERM."""

    KEEP = "it may finish"
    CLOSE = "an ordinary end (FIN)"
    RESET = "cut (RST)"


class Deadlines:
    """A table of who must have done something by when. `clock()` gives seconds, and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.moments: dict[Hashable, float] = {}

    def set(self, name: Hashable, seconds: float) -> None:
        """Give `name` so many seconds from now. An earlier deadline of the same name is forgotten."""
        # >>> task 1: keep a table of deadlines
        self.moments[name] = self.clock() + seconds
        # <<< task 1

    def drop(self, name: Hashable) -> None:
        """Forget the deadline of `name`; no error when it has none."""
        # >>> task 1: keep a table of deadlines
        self.moments.pop(name, None)
        # <<< task 1

    def sweep(self) -> list[Hashable]:
        """The names whose moment has come, the earliest first. Each is told once, and forgotten here.

        A deadline is never early: what has 10 seconds is not late after 9.999, and is after 10.
        """
        # >>> task 1: keep a table of deadlines
        now = self.clock()
        due = [name for name, moment in self.moments.items() if moment <= now]
        due.sort(key=self.moments.__getitem__)
        for name in due:
            del self.moments[name]
        return due
        # <<< task 1


def after(phase: Phase, event: Event, timeouts: Timeouts) -> tuple[Phase, float | None]:
    """The phase after an event, and the seconds of the deadline that starts with it.

    None instead of seconds: the deadline that is running goes on. The head has one deadline, from the moment
    it could begin to come (accept, or the first byte behind an idle time) until it is whole, and no byte of
    it buys more. A phase that begins brings its own: content, stall, idle, linger. Bytes begin a phase only
    behind an idle time; an event that means nothing to a phase changes nothing.
    """
    # >>> task 2: choose the deadline
    beginnings = {
        (Phase.IDLE, Event.BYTES): (Phase.HEAD, timeouts.head),
        (Phase.HEAD, Event.CONTENT_FOLLOWS): (Phase.CONTENT, timeouts.content),
        (Phase.HEAD, Event.REQUEST_WHOLE): (Phase.ANSWER, timeouts.stall),
        (Phase.CONTENT, Event.REQUEST_WHOLE): (Phase.ANSWER, timeouts.stall),
        (Phase.ANSWER, Event.ANSWERED): (Phase.IDLE, timeouts.idle),
        (Phase.ANSWER, Event.LAST_SAID): (Phase.LINGER, timeouts.linger),
    }
    return beginnings.get((phase, event), (phase, None))
    # <<< task 2


def late(phase: Phase, heard: bool, moved: bool) -> Late:
    """What becomes of a connection whose deadline has passed. RFC 9110 §15.5.9

    heard: part of a head has come. moved: enough of the content, or of the response, has moved since the
    deadline began. The deadlines of CONTENT and ANSWER are windows: they begin again while something moves.
    """
    # >>> task 2: choose the deadline
    if phase in (Phase.CONTENT, Phase.ANSWER) and moved:
        return Late.AGAIN
    if phase is Phase.ANSWER:
        return Late.RESET
    if phase is Phase.CONTENT or (phase is Phase.HEAD and heard):
        return Late.REFUSE
    return Late.CLOSE
    # <<< task 2


class HeadReader:
    """Gathers one head, and refuses it as soon as it is too large: by then most of it has not come yet."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.held = bytearray()
        self.lines = 0  # lines that have ended, the request line among them
        self.line_at = 0  # where the line begins that has not ended
        self.section_at = 0  # where the field lines begin
        self.sought = 0  # up to here there is no further end of a line

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Take what has come: (the head through its empty line, what follows it); None when it is not whole.

        A line ends with LF here, and an empty line is LF or CRLF. Refused with 414 as soon as the request
        line is longer than `limits.line`, whether its end has come or not; with 431 as soon as more than
        `limits.lines` field lines have ended, or all of them together, as far as they have come, are larger
        than `limits.section` (the empty line is none of them); with 400 for an empty line where the request
        line should be. No byte is looked at twice: a head that comes octet by octet costs as much as one that
        comes whole.
        """
        # >>> task 3: refuse a head early
        self.held += data
        while True:
            end = self.held.find(b"\n", self.sought) + 1
            size = (end or len(self.held)) - self.line_at
            empty = self.held[self.line_at : self.line_at + 2].rstrip(b"\r\n") == b"" and size <= 2
            if not self.lines and size > self.limits.line:
                raise Refused(414)
            if self.lines and not empty and self.line_at + size - self.section_at > self.limits.section:
                raise Refused(431)
            if not end:
                self.sought = len(self.held)
                return None
            if empty and not self.lines:
                raise Refused(400)
            if empty:
                return bytes(self.held[:end]), bytes(self.held[end:])
            self.lines += 1
            if self.lines == 1:
                self.section_at = end
            if self.lines - 1 > self.limits.lines:
                raise Refused(431)
            self.line_at = self.sought = end
        # <<< task 3


class Progress:
    """Is something slow, or has it stopped? Looked at once in each window of time.

    A download over a slow link may take hours, and is honest. Time alone cannot tell it from a client that
    has stopped; what has moved since the last look can.
    """

    def __init__(self, least: int) -> None:
        self.least = least
        self.before = 0

    def look(self, total: int) -> bool:
        """`total`: bytes moved since the beginning. Are at least `least` of them new to this look?"""
        # >>> task 4: tell slow from stopped
        moved = total - self.before
        self.before = total
        return moved >= self.least
        # <<< task 4


class Gate:
    """How many connections there is room for, and whether another may be accepted now."""

    def __init__(self, descriptors: int, reserve: int = 64, pause: float = 0.25) -> None:
        self.pause = pause  # seconds to wait when there was no descriptor although we counted on one
        self.open = 0
        self.not_before = 0.0
        self.room = self.room_for(descriptors, reserve)

    @staticmethod
    def room_for(descriptors: int, reserve: int) -> int:
        """How many connections a limit on descriptors allows.

        The reserve is for all else: logs, files, the selector, a peer of the handler's. It is never more than
        half of the limit, and one connection there is always room for.
        """
        # >>> task 5: keep room, and wait for it
        return max(1, descriptors - min(reserve, descriptors // 2))
        # <<< task 5

    def listening(self, now: float) -> bool:
        """May another connection be accepted? Without room, or before a pause is over, not."""
        # >>> task 5: keep room, and wait for it
        return self.open < self.room and now >= self.not_before
        # <<< task 5

    def opened(self) -> None:
        """A connection was accepted."""
        self.open += 1

    def closed(self) -> None:
        """A connection has ended: its descriptor is free, and no pause need go on."""
        # >>> task 5: keep room, and wait for it
        self.open -= 1
        self.not_before = 0.0
        # <<< task 5

    def failed(self, error: OSError, now: float) -> None:
        """`accept` has failed. Used up descriptors or memory (EMFILE, ENFILE, ENOBUFS, ENOMEM): pause.

        A client that left too early (ECONNABORTED) is no reason for anything. Any other error is raised.
        """
        # >>> task 5: keep room, and wait for it
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            self.not_before = now + self.pause
        elif error.errno != errno.ECONNABORTED:
            raise error
        # <<< task 5


class Loop(Protocol):
    """The server, as far as `accept`, `stop` and `turn` need it (siege_loop.py)."""

    listener: socket.socket
    selector: selectors.BaseSelector
    gate: Gate
    timeouts: Timeouts
    deadlines: Deadlines
    clock: Callable[[], float]
    connections: set[Any]
    """Those that are open; each has a `phase` and says whether a head was `heard` in part."""
    stopping: float | None
    """When it was told to stop."""

    def listen(self, wanted: bool) -> None:
        """Let the selector report the listener, or not."""

    def welcome(self, sock: socket.socket) -> None:
        """A new connection. The gate is told, and the time for its head begins."""

    def serve(self, connection: Any, mask: int) -> None:
        """Read from a connection or write to it."""

    def expire(self, connection: Any) -> None:
        """Do with a connection that is late as `late` says."""

    def close(self, connection: Any) -> None:
        """End a connection in order (FIN). The gate is told. No error when it has ended."""

    def reset(self, connection: Any) -> None:
        """Cut a connection off (RST). The gate is told. No error when it has ended."""


def accept(loop: Loop) -> None:
    """Accept clients until none waits, the gate says no, or it is the connections' turn (ACCEPT).

    A listener raises BlockingIOError when no client waits. Its other errors are the gate's.
    """
    # >>> task 5: keep room, and wait for it
    for _ in range(ACCEPT):
        if not loop.gate.listening(loop.clock()):
            return
        try:
            sock, _address = loop.listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            loop.gate.failed(error, loop.clock())
        else:
            loop.welcome(sock)
    # <<< task 5


def fate(phase: Phase, heard: bool, elapsed: float, timeouts: Timeouts) -> Fate:
    """What becomes of a connection `elapsed` seconds after SIGTERM.

    Who has begun anything may finish it. Who has not (IDLE, or HEAD with nothing heard) may have a request on
    its way: it is closed when `grace` is over, not before. When `drain` is over, everybody is cut off.
    """
    # >>> task 6: end without a loss
    if elapsed >= timeouts.drain:
        return Fate.RESET
    untouched = phase is Phase.IDLE or (phase is Phase.HEAD and not heard)
    if untouched and elapsed >= timeouts.grace:
        return Fate.CLOSE
    return Fate.KEEP
    # <<< task 6


def stop(loop: Loop) -> None:
    """SIGTERM: let in who has been connected by the kernel already, close the listener, note the time.

    The loop does the rest: from now on every response says "Connection: close".
    """
    # >>> task 6: end without a loss
    accept(loop)
    loop.listen(False)
    loop.listener.close()
    loop.stopping = loop.clock()
    # <<< task 6


def turn(loop: Loop, wait: float = 0.05) -> None:
    """One turn of the loop; `wait` seconds for something to happen, at most.

    First the listener is watched as the gate says, and never when stopping: one that is watched and cannot be
    accepted from is reported for ever. Then serve each connection that the selector reports; `key.data` is
    None for the listener, else the connection. Then expire the late connections. Last, when stopping, close
    or reset each connection as its fate says.
    """
    # >>> task 7: turn the loop
    loop.listen(loop.stopping is None and loop.gate.listening(loop.clock()))
    for key, mask in loop.selector.select(wait):
        if key.data is None:
            accept(loop)
        else:
            loop.serve(key.data, mask)
    for connection in loop.deadlines.sweep():
        loop.expire(connection)
    if loop.stopping is not None:
        elapsed = loop.clock() - loop.stopping
        for connection in list(loop.connections):
            decided = fate(connection.phase, connection.heard, elapsed, loop.timeouts)
            if decided is Fate.CLOSE:
                loop.close(connection)
            elif decided is Fate.RESET:
                loop.reset(connection)
    # <<< task 7
