"""What the checks of this lab are played on: a file, a wire, a producer, and a loop that turns by itself."""

from __future__ import annotations

import asyncio
import io
import math

MANY = 20  # turns of the loop: far more than any step needs


class File(io.BytesIO):
    """A file that remembers what was read of it, and may give less than it was asked for."""

    def __init__(self, content, most=math.inf):
        super().__init__(content)
        self.most = most
        self.reads = []

    def read(self, size=-1):
        asked = len(self.getvalue()) if size is None or size < 0 else size
        piece = super().read(int(min(asked, self.most)))
        self.reads.append(len(piece))
        assert len(self.reads) < 1000, "the file is read again and again at its end"
        return piece


class Wire(asyncio.Transport):
    """A transport as asyncio's are, whose kernel takes as many bytes as the test has given it room for."""

    def __init__(self, protocol, room=math.inf):
        super().__init__()
        self.protocol, self.room = protocol, room
        self.sent, self.kept = bytearray(), bytearray()
        self.high, self.paused, self.end = 65536, False, None

    def set_write_buffer_limits(self, high=None, low=None):
        self.high = 65536 if high is None else high

    def get_write_buffer_size(self):
        return len(self.kept)

    def write(self, data):
        self.kept += data
        self._flush()
        if len(self.kept) > self.high and not self.paused:
            self.paused = True
            self.protocol.pause_writing()

    def take(self, size):
        """The reader reads: there is room for so many bytes more."""
        self.room += size
        self._flush()
        if self.paused and not self.kept:
            self.paused = False
            self.protocol.resume_writing()

    def _flush(self):
        count = int(min(len(self.kept), self.room))
        self.sent += self.kept[:count]
        del self.kept[:count]
        self.room -= count

    def close(self):
        self.end = self.end or "closed"

    def abort(self):
        self.end = "aborted"

    def is_closing(self):
        return self.end is not None


class Producer:
    """Pieces that are made when they are asked for: how many so far, and whether respond has closed it."""

    def __init__(self, *pieces, failure=None, waits=False):
        self.pieces, self.failure, self.waits = list(pieces), failure, waits
        self.made, self.closed = 0, False

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0)
        if self.made < len(self.pieces):
            self.made += 1
            return self.pieces[self.made - 1]
        if self.waits:
            await asyncio.Event().wait()
        raise self.failure or StopAsyncIteration

    async def aclose(self):
        self.closed = True


def connected(exercise, room=math.inf):
    """A connection of the exercise on a wire of ours."""
    connection = exercise.Connection()
    connection.connection_made(Wire(connection, room))
    return connection, connection.transport


async def turns(count=MANY):
    for _ in range(count):
        await asyncio.sleep(0)


async def waits(task, why):
    """The task has not come to its end."""
    await turns()
    if task.done():
        task.result()
        raise AssertionError(why)


async def result(task):
    """What a task that should be done by now has come to; it is not waited for."""
    await turns()
    if not task.done():
        task.cancel()
        await asyncio.wait((task,))
        raise AssertionError("it still waits, and nothing is left to wait for")
    return task.result()


def awaited(test):
    """Run an async test in a loop of its own, which cancels what the test leaves behind."""

    def run(exercise):
        asyncio.run(test(exercise))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
