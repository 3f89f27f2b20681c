"""The servers that the checks of the ladder are played on: a few numbers each, no process."""

from __future__ import annotations

KIB, MIB = 1024, 1024 * 1024


class Script:
    """A server whose readings are written down beforehand; the last one repeats."""

    def __init__(self, exercise, *readings):
        self.readings = [self.reading(exercise, *each) for each in readings]
        self.log = []

    @staticmethod
    def reading(exercise, descriptors, written, uss=None):
        memory = exercise.Memory(rss=40 * MIB, uss=30 * MIB if uss is None else uss, written=written)
        return exercise.Reading(descriptors, memory)

    def read(self):
        taken = sum(event == "read" for event in self.log)
        self.log.append("read")
        return self.readings[min(taken, len(self.readings) - 1)]

    def pause(self):
        self.log.append("pause")

    @property
    def reads(self):
        return self.log.count("read")


class Simulated:
    """A server of known cost that behaves as real ones do; all numbers are bytes.

    Its first connections ever fill caches. What it once held it keeps (an allocator does). After every burst
    there is garbage for a while, and it accepts no more than `accepts` connections between two readings.
    """

    def __init__(self, exercise, cost=20 * KIB, garbage=MIB, accepts=64, leaks=0, fails_at=None):
        self.exercise, self.cost, self.accepts = exercise, cost, accepts
        self.leaks, self.fails_at, self.burst = leaks, fails_at, garbage
        self.clients = self.accepted = self.peak = self.ever = self.lost = self.garbage = 0
        self.log = []

    def open(self, count):
        self.log.append(f"open {count}")
        if self.fails_at is not None and count >= self.fails_at:
            raise OSError("the server refused it")
        self.ever += max(0, count - self.clients)
        self.clients = count
        self.peak = max(self.peak, count)
        self.garbage = self.burst

    def close(self):
        self.log.append("close")
        if self.clients:
            self.lost += self.leaks
        self.clients = self.accepted = 0
        self.garbage = self.burst

    def pause(self):
        self.garbage //= 4
        self.accepted = min(self.clients, self.accepted + self.accepts)

    def read(self):
        caches = 8 * KIB * min(self.ever, 70)
        written = 24 * MIB + caches + self.cost * self.peak + self.garbage
        return Script.reading(self.exercise, 7 + self.accepted + self.lost, written)


class Interrupted(Simulated):
    """Ctrl-C is pressed while the probe does one thing or the other, with 200 connections open."""

    def __init__(self, exercise, during):
        super().__init__(exercise)
        self.during = during

    def open(self, count):
        super().open(count)
        self.press("opens")

    def pause(self):
        super().pause()
        self.press("pauses")

    def read(self):
        self.press("reads")
        return super().read()

    def press(self, now):
        if now == self.during and self.clients == 200:
            raise KeyboardInterrupt
