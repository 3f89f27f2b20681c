"""One connection through the relay as a lane: spans of time with their kind, why it closed, and its records.

Times are seconds since the client was accepted by the relay. What came before is the kernel's word: the
handshake of TCP was over when the relay was told (see `netlab.relay.TcpOpening`).
"""

from __future__ import annotations

from collections import deque
from typing import Any

from netlab.capture import Direction
from netlab.capture.delayline import Ending
from netlab.http1.messages import EndOfMessage, Event, RequestHead, ResponseHead
from netlab.live.annotated import RecordReading
from netlab.live.plaintext import PlainReading
from netlab.relay import Conversation, TcpOpening
from netlab.tls.handshake import TLS13
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Side
from netlab.tls.tracing.web import NotHttp

SIDES = {Direction.TO_SERVER: Side.CLIENT, Direction.TO_CLIENT: Side.SERVER}

SPANS = 80
"""Spans of a lane that are kept."""

RECORDS = 60
"""Records of a lane that are kept."""

TLS_HANDSHAKE = 0x16  # the first byte of a ClientHello's record (RFC 8446 §5.1)

SYN, CONNECT, TLS, REQUEST, RESPONSE, IDLE, OTHER = "syn connect tls request response idle wait".split()

TITLES = {
    SYN: "SYN, SYN-ACK, ACK: before the accept; this system does not tell when",
    CONNECT: "connected, no byte yet",
    TLS: "TLS handshake",
    OTHER: "bytes that are not read as HTTP/1.1",
    IDLE: "idle",
}

Span = list[Any]  # from, to, kind, title: as the page takes it


def opened(opening: TcpOpening | None) -> list[Span]:
    """The first spans of a lane: the handshake of TCP, the wait for accept(), and what comes then."""
    now: Span = [0.0, 0.0, CONNECT, TITLES[CONNECT]]
    if opening is None:
        return [[0.0, 0.0, SYN, TITLES[SYN]], now]
    trip, waited = opening
    words = f"SYN, SYN-ACK, ACK: the ACK came {trip * 1e6:,.0f} µs after the SYN-ACK, the accept "
    words += f"{waited * 1e3:.0f} ms later (TCP_INFO)"
    return [[-waited - trip, -waited, SYN, words], [-waited, 0.0, CONNECT, "waits for accept()"], now]


class LaneReading:
    """Follows one conversation. spans: of time, the last one is still growing while `closed` is empty."""

    def __init__(self, conversation: Conversation, ring: Keyring) -> None:
        self.conversation = conversation
        self.spans: deque[Span] = deque(opened(conversation.opening), maxlen=SPANS)
        self.records: deque[dict[str, Any]] = deque(maxlen=RECORDS)
        self.seen = 0
        """Records so far, those that are not kept any more included."""
        self.requests = 0
        self.statuses: list[int] = []
        self.closed = ""
        """Why it closed, in one sentence; empty while it is open."""
        self.reading: RecordReading | PlainReading | None = None
        self._ring = ring
        self._ripe = 0
        """Chunks that had gone by at the last call."""

    def follow(self, now: float, whole: bool = False) -> bool:
        """Read what had gone by at the last call: since then its client has logged the keys of it.

        now: seconds, as its times. whole: read all, for no further call comes; of a connection that is closed
        all is read, too. Returns: did anything happen?
        """
        if self.closed:
            return False
        chunks = self.conversation.chunks
        count = len(chunks) if whole or self.conversation.closed else self._ripe
        for chunk in chunks[:count]:
            self._take(SIDES[chunk.direction], chunk.data, chunk.time)
        del chunks[:count]
        self._ripe = len(chunks)
        self.spans[-1][1] = max(now, self.spans[-1][1])
        if self.conversation.closed:
            self._close(now)
        return bool(count) or bool(self.closed)

    def _take(self, side: Side, data: bytes, time: float) -> None:
        if self.reading is None:
            tls = side is Side.CLIENT and data[0] == TLS_HANDSHAKE
            self.reading = RecordReading(self._ring) if tls else PlainReading()
            if tls:
                self._begin(TLS, time)
        if self._kind in (IDLE, CONNECT) and side is Side.CLIENT:
            self._begin(REQUEST, time, "a request begins")
        new = self.reading.feed(side, data, time * 1000)
        self.records.extend(new)
        self.seen += len(new)
        for whose, event in self.reading.events:
            self._event(whose, event, time)
        self.reading.events.clear()
        if self._kind == TLS and isinstance(self.reading, RecordReading):
            self._leave_handshake(self.reading, side, time)

    def _leave_handshake(self, reading: RecordReading, side: Side, time: float) -> None:
        """The handshake is over when both sides' Finished have gone by, as far as they can be read."""
        tracer = reading.tracer
        opened = {whose for whose, _ in tracer.finished}
        blind = tracer.version >= TLS13 and not opened and self._has_application_data(side)
        if len(opened) == len(Side):
            self._begin(IDLE, time, "the handshake is over")
        elif blind:
            self._begin(OTHER, time, "encrypted: there is no key for it here")

    def _has_application_data(self, side: Side) -> bool:
        return side is Side.CLIENT and any(
            record["what"].startswith("application_data") for record in self.records
        )

    def _event(self, side: Side, event: Event | NotHttp, time: float) -> None:
        if isinstance(event, RequestHead):
            self.requests += 1
            self._begin(REQUEST, time, f"{event.method} {event.target[:60]}")
        elif isinstance(event, ResponseHead):
            if not event.interim:
                self.statuses.append(event.status)
            self._begin(RESPONSE, time, f"{event.status} {event.reason}")
        elif isinstance(event, EndOfMessage) and side is Side.SERVER:
            self._begin(IDLE, time)
        elif isinstance(event, NotHttp):
            self._begin(OTHER, time, event.reason)

    @property
    def _kind(self) -> str:
        kind: str = self.spans[-1][2]
        return kind

    def _begin(self, kind: str, time: float, title: str = "") -> None:
        """Another span from now on."""
        self.spans[-1][1] = time
        self.spans.append([time, time, kind, title or TITLES.get(kind, kind)])

    def _close(self, now: float) -> None:
        self.closed = self._why()
        endings = self.conversation.endings.values()
        end = min((time for time, _ in endings), default=now)
        self.spans[-1][1] = max(end, self.spans[-1][0])
        self.spans.append([end, end, "close", self.closed])

    def _why(self) -> str:
        """Which side closed first, how, and in which state the connection was."""
        conversation = self.conversation
        if conversation.error is not None:
            return conversation.error
        if not conversation.endings:
            return "reset while bytes were on their way"
        way, (_, how) = min(conversation.endings.items(), key=lambda each: each[1][0])
        state = {
            IDLE: "while idle", CONNECT: "before a byte was sent", TLS: "in the handshake",
            REQUEST: "while a request waited for its response", RESPONSE: "in a response",
        }.get(self._kind, "")  # fmt: skip
        sent = "reset (RST)" if how is Ending.RST else "closed (FIN)"
        return f"the {SIDES[way].value} {sent} {state}".strip()
