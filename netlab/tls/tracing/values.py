"""What the tracer yields: records, the handshake messages in them, and problems with their offset.

Values alone. The fields of a record or a message are read only when they are asked for, so that a long
conversation costs no more than its decryption.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from netlab.tls import handshake, record
from netlab.tls.decrypt import Opened
from netlab.tls.handshake import Situation
from netlab.tls.wire import registry, ssl2
from netlab.tls.wire.spans import Cursor, Span, read_all


class Side(enum.Enum):
    """Which side sent it. The client is the side that sends the ClientHello."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def other(self) -> Side:
        """The peer."""
        return Side.SERVER if self is Side.CLIENT else Side.CLIENT


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read, in one line. offset: where sense ends, in the bytes that side sent."""

    side: Side
    offset: int
    text: str

    def __str__(self) -> str:
        return f"{self.side.value} byte {self.offset}: {self.text}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message: where its record starts in the side's bytes, and its place in that content."""

    record: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Message:
    """A whole handshake message. data: with its header of four bytes; pieces: the records that carried it."""

    side: Side
    data: bytes
    situation: Situation
    pieces: tuple[Piece, ...] = ()

    @property
    def name(self) -> str:
        """As IANA has it, or hello_retry_request."""
        return handshake.name_of(self.data)

    def fields(self) -> Span:
        """Every field, with the offsets of data."""
        return handshake.decode(self.data, self.situation)


@dataclass(slots=True)
class Record:
    """One record as it was on the wire, and its content where it could be read.

    data: with its header. time: seconds since 1970, or None. offset: where it starts in the bytes of its
    side. version: what the connection negotiated; before a ServerHello, what the record says. content:
    without header and protection, or None. reason: why content is None. key: the name of the secret that
    opened it. messages: the handshake messages that end in this record.
    """

    side: Side
    time: float | None
    offset: int
    data: bytes
    version: int
    content_type: int
    content: bytes | None = None
    reason: str = ""
    key: str = ""
    opened: Opened | None = None
    messages: list[Message] = field(default_factory=list)

    @property
    def decrypted(self) -> bool:
        """Was it protected, and could it be opened?"""
        return self.opened is not None

    @property
    def protected(self) -> bool:
        """Was it encrypted on the wire?"""
        return self.opened is not None or self.content is None

    @property
    def ssl2(self) -> bool:
        """Is it a ClientHello in the form of SSL 2.0, which has a header of its own?"""
        return bool(self.data[0] & 0x80)

    @property
    def handshake(self) -> list[str]:
        """The names of the handshake messages that end in this record."""
        return ["client_hello"] if self.ssl2 else [message.name for message in self.messages]

    @property
    def length(self) -> int:
        """The bytes behind the header, as the header says."""
        return len(self.data) - (ssl2.HEADER_LENGTH if self.ssl2 else record.HEADER_LENGTH)

    @property
    def content_name(self) -> str:
        """The name of its content type; of a record that was opened, of what was inside."""
        return registry.content_type(self.content_type)

    @property
    def version_name(self) -> str:
        """The name of its version."""
        return registry.version(self.version)

    def wire(self) -> Span:
        """The fields of the record as it was sent."""
        if self.ssl2:
            return ssl2.decode(self.data)
        if not self.protected:
            return record.decode(self.data)

        def whole(cursor: Cursor) -> None:
            record.header_fields(cursor, "opaque_type" if self.version >= handshake.TLS13 else "type")
            for name, size in self.opened.fragment if self.opened else ():
                cursor.opaque(size, name)
            cursor.rest("encrypted_record")

        return read_all(self.data, "record", whole)

    def inner(self) -> Span | None:
        """The fields of the decrypted bytes; None where nothing was decrypted."""
        opened = self.opened
        if opened is None:
            return None

        def whole(cursor: Cursor) -> None:
            for name, size in opened.inner:
                if name == "type":
                    cursor.number(1, name, registry.content_type)
                elif name == "content":
                    _content(cursor, size, self.content_type)
                else:
                    cursor.opaque(size, name)

        return read_all(opened.plain, "plaintext", whole)


def _content(cursor: Cursor, size: int, content_type: int) -> None:
    """The content inside a plaintext: read in its own bounds, so that what follows keeps its name."""
    if size:
        body = cursor.data[cursor.at : cursor.at + size]
        cursor.spans.append(record.content(body, content_type).shift(cursor.at))
        cursor.at += size
