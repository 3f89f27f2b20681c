"""One direction of a TCP connection: segments in any order in, octets in order out (RFC 9293 §3.4, §3.10).

Here lives the order alone. Which packets belong together is said in `stream` and `following`.
"""

from __future__ import annotations

import bisect

from netlab.capture.errors import DecodeError
from netlab.capture.tcp import Flags, Segment

# No window is larger (RFC 7323 §2.3: 65,535 shifted by 14): what lies further ahead is no part of this
# stream.
_LARGEST_WINDOW = 1 << 30

# Memory that a waiting piece takes besides its octets. Counting it bounds a flood of tiny pieces, too.
_COST_OF_A_PIECE = 160

_WAITING_LIMIT = 16 << 20

_FIN = Flags.FIN.value


class Flow:
    """One direction of a connection: segments in any order become octets in order.

    Offsets inside count from 0 and never wrap; only `offset` handles the 32 bits of the wire. Two segments
    may bring different octets for one place: those of the first are kept, and the conflict is counted.
    """

    def __init__(self, waiting_limit: int = _WAITING_LIMIT) -> None:
        self.octets = 0  # delivered in order
        self.retransmitted = 0  # octets that came again
        self.out_of_order = 0  # segments that came before their turn
        self.conflicts = 0  # octets that came again and differed, as far as the first copy was still here
        self.outside = 0  # segments that no window could hold
        self.finished = False  # everything up to the FIN was delivered
        self._base: int | None = None  # the sequence number of octet 0
        self._end: int | None = None  # where the FIN stands
        self._waiting: list[tuple[int, bytes]] = []  # sorted, not overlapping, all beyond self.octets
        self._cost = 0
        self._limit = waiting_limit

    @property
    def missing(self) -> tuple[int, int] | None:
        """The first gap as offsets (start, stop), or None when nothing is known to be missing."""
        if self._waiting:
            return self.octets, self._waiting[0][0]
        if self._end is not None and self.octets < self._end:
            return self.octets, self._end
        return None

    def relative(self, sequence: int) -> int:
        """A sequence number counted as tools do: the SYN is 0, the first octet (of those seen) is 1."""
        base = sequence if self._base is None else self._base
        return (sequence - base + 1) & 0xFFFFFFFF

    @property
    def waiting(self) -> int:
        """What the octets that wait behind a gap cost in memory; 0 when nothing waits."""
        return self._cost

    def add(self, segment: Segment) -> bytes:
        """Take one segment; return the octets that are now in order, often none. Raises DecodeError."""
        delivered = self.take(segment.sequence, segment.flags.value, segment.payload)
        if self._cost > self._limit:
            problem = f"more than {self._limit} octets wait for it"
            raise DecodeError("TCP stream", self.octets, problem, "a bound of this reader")
        return delivered

    def take(self, sequence: int, flags: int, payload: bytes, missing: int = 0) -> bytes:
        """Take one segment as numbers; return the octets that are now in order. Nothing here is bounded.

        flags: the control bits of RFC 9293 §3.1; missing: octets of the payload that were not captured.
        """
        sequence = (sequence + (flags >> 1 & 1)) & 0xFFFFFFFF  # the SYN itself uses one number
        if self._base is None:
            self._base = sequence
        offset = self.offset(sequence)
        if offset - self.octets > _LARGEST_WINDOW:
            self.outside += 1
            return b""
        end = offset + len(payload) + missing
        if flags & _FIN and self._end is None and end >= self.octets:
            self._end = end
        if offset == self.octets and not self._waiting and self._end is None:
            # The usual case, without the general one's cost: nothing waits, and this is what comes next.
            self.octets += len(payload)
            return payload
        self._insert(offset, payload)
        delivered = self._deliver()
        self.finished = self._end is not None and self.octets >= self._end
        return delivered

    def skip(self, most: int | None = None) -> tuple[int, bytes]:
        """Give up the octets that are missing next: how many, and the octets that are now in order.

        most: skip no more than that many, where something else is known to follow.
        """
        gap = self.missing
        size = (gap[1] - gap[0]) if gap else (most or 0)
        size = size if most is None else min(size, most)
        self.octets += size
        data = self._deliver()
        self.finished = self._end is not None and self.octets >= self._end
        return size, data

    def offset(self, sequence: int) -> int:
        """The place of a sequence number in the whole stream: the one nearest to what was delivered last."""
        distance = (sequence - (self._base or 0) - self.octets) & 0xFFFFFFFF
        # RFC 9293 §3.4: numbers are compared modulo 2**32; the upper half means "before".
        return self.octets + (distance - (1 << 32) if distance >= 1 << 31 else distance)

    def _insert(self, offset: int, data: bytes) -> None:
        """Keep those octets of data that are new, cut into pieces that overlap nothing."""
        already = max(0, min(self.octets - offset, len(data)))
        self.retransmitted += already
        offset, data = offset + already, data[already:]
        if self._end is not None:
            data = data[: max(0, self._end - offset)]  # nothing can follow the FIN
        if data and offset > self.octets:
            self.out_of_order += 1
        while data:
            at = bisect.bisect_right(self._waiting, offset, key=lambda piece: piece[0])
            if at and (overlap := self._waiting[at - 1][0] + len(self._waiting[at - 1][1]) - offset) > 0:
                self._compare(self._waiting[at - 1], offset, data[:overlap])
                offset, data = offset + min(overlap, len(data)), data[overlap:]
                continue
            room = self._waiting[at][0] - offset if at < len(self._waiting) else len(data)
            self._keep(at, offset, data[:room])
            offset, data = offset + min(room, len(data)), data[room:]

    def _compare(self, piece: tuple[int, bytes], offset: int, again: bytes) -> None:
        start = offset - piece[0]
        first = piece[1][start : start + len(again)]
        self.retransmitted += len(first)
        self.conflicts += sum(a != b for a, b in zip(first, again, strict=False))

    def _keep(self, at: int, offset: int, data: bytes) -> None:
        self._cost += len(data) + _COST_OF_A_PIECE
        self._waiting.insert(at, (offset, data))

    def _deliver(self) -> bytes:
        ready = 0
        reach = self.octets
        while ready < len(self._waiting) and self._waiting[ready][0] == reach:
            reach += len(self._waiting[ready][1])
            ready += 1
        pieces = [data for _, data in self._waiting[:ready]]
        del self._waiting[:ready]
        self._cost -= sum(len(data) + _COST_OF_A_PIECE for data in pieces)
        self.octets = reach
        return b"".join(pieces)
