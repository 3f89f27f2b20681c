"""What the checks of this lab are played on: a clock, a queue of clients, a doorman, a server in turns."""

from __future__ import annotations

import errno
import socket

from siege_loop import Loop


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Waiting:
    """A listener with waiting clients: sockets, or errors to raise."""

    def __init__(self, *queue):
        self.queue, self.asked = list(queue), 0

    def accept(self):
        self.asked += 1
        if not self.queue:
            raise BlockingIOError(errno.EAGAIN, "no client waits")
        first = self.queue.pop(0)
        if isinstance(first, OSError):
            raise first
        return first, ("127.0.0.1", 1)


class Doorman:
    """As much of a loop as `accept` needs."""

    def __init__(self, exercise, listener, room):
        self.listener, self.clock = listener, Clock()
        self.gate = exercise.Gate(2 * room, reserve=room)
        self.let_in = []

    def welcome(self, sock):
        self.let_in.append(sock)
        self.gate.opened()


class Field:
    """A server of the exercise, a clock, and clients; all in this thread."""

    def __init__(self, exercise, stack, *, room=8, **timeouts):
        self.clock = Clock()
        self.stack = stack
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        self.port = listener.getsockname()[1]
        self.code = exercise
        limits = exercise.Limits(least=100)
        self.loop = Loop(
            exercise, listener, lambda target, length: b"x" * (8_000_000 if target == "/big" else 5),
            exercise.Gate(2 * room, reserve=room), timeouts=exercise.Timeouts(**timeouts), limits=limits,
            clock=self.clock,
        )  # fmt: skip
        stack.callback(self.tidy)

    def tidy(self):
        for connection in list(self.loop.connections):
            self.loop.close(connection)
        self.loop.selector.close()

    def client(self, data=b""):
        sock = self.stack.enter_context(socket.socket())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(5)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(data)
        return sock

    def turns(self, count=6):
        for _ in range(count):
            self.code.turn(self.loop, 0)

    def pass_time(self, seconds):
        self.clock.now += seconds
        self.turns()


def said(sock):
    """What the server has said to a client by now; None for nothing, b"" when it has ended in order."""
    sock.setblocking(False)
    heard = None
    try:
        while data := sock.recv(65536):
            heard = (heard or b"") + data
    except BlockingIOError:
        return heard
    return heard or b""


class Counting(bytearray):
    """Counts the octets that the code looks at."""

    looked = 0

    def find(self, what, start=0, end=None):
        self.looked += len(self) - start
        return super().find(what, start)

    def __contains__(self, what):
        self.looked += len(self)
        return super().__contains__(what)

    def endswith(self, what, start=0, end=None):
        return super().endswith(what, start)

    def __getitem__(self, place):
        found = super().__getitem__(place)
        self.looked += len(found) if isinstance(place, slice) else 1
        return found

    def split(self, *arguments):
        self.looked += len(self)
        return super().split(*arguments)

    def count(self, *arguments):
        self.looked += len(self)
        return super().count(*arguments)

    def __bytes__(self):
        self.looked += len(self)
        return bytes(bytearray(self))

    def __add__(self, more):
        summed = Counting(bytearray(self) + more)
        summed.looked = self.looked + len(self)
        return summed
