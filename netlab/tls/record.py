"""Records: the five bytes before every piece of TLS, and what is behind them (RFC 8446 §5, RFC 5246 §6.2).

Here live the header, the reader that cuts a stream into records, and the fields of a record on the wire and
of its content. Keys are no matter here: see `decrypt` and `tracer`.
"""

from __future__ import annotations

from functools import partial

from netlab.tls.wire import registry
from netlab.tls.wire.spans import Cursor, Span, read_all

HEADER_LENGTH = 5
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24

# The largest fragment: 2**14 bytes and what protection may add, 2048 up to TLS 1.2 (RFC 5246 §6.2.3).
LARGEST = (1 << 14) + 2048

_CONTENT_TYPES = range(CHANGE_CIPHER_SPEC, HEARTBEAT + 3)


def header_problem(header: bytes) -> str:
    """Why five bytes are no record header; empty when they are one."""
    if header[0] not in _CONTENT_TYPES:
        return f"content type {header[0]} is none of TLS"
    if header[1] != 3 and header[1] != 0x7F:
        return f"version 0x{header[1:3].hex()} is none of TLS"
    length = header[3] << 8 | header[4]
    if length > LARGEST:
        return f"a record of {length} bytes, {LARGEST} is the most (RFC 5246 §6.2.3)"
    return ""


class RecordReader:
    """Cuts the bytes of one direction into records. It keeps less than one record and the last piece.

    offset: where the next record starts, counted from the first byte of the direction.
    """

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self._buffer = bytearray()
        self._at = 0

    @property
    def buffered(self) -> int:
        """Bytes that wait for the rest of their record."""
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += data

    def problem(self) -> str:
        """Why what waits can't be a record; empty when it can, or when it is too short to say."""
        header = bytes(self._buffer[self._at : self._at + HEADER_LENGTH])
        if len(header) < HEADER_LENGTH:
            return ""
        return header_problem(header)

    def next_record(self) -> bytes | None:
        """The next whole record with its header; None while bytes are missing or a header is broken."""
        at = self._at
        if len(self._buffer) - at < HEADER_LENGTH or self.problem():
            return None
        end = at + HEADER_LENGTH + (self._buffer[at + 3] << 8 | self._buffer[at + 4])
        if end > len(self._buffer):
            return None
        self._at = end
        self.offset += end - at
        return bytes(self._buffer[at:end])

    def take(self, size: int) -> bytes:
        """Take size bytes that are no record of TLS; they must be there."""
        found = bytes(self._buffer[self._at : self._at + size])
        self._at += len(found)
        self.offset += len(found)
        return found

    def rest(self) -> bytes:
        """Take all that waits."""
        found = bytes(self._buffer[self._at :])
        self._buffer.clear()
        self._at = 0
        self.offset += len(found)
        return found


def header_fields(cursor: Cursor, name: str = "type") -> None:
    """The five bytes: opaque_type and legacy_record_version are their names in TLS 1.3."""
    cursor.number(1, name, registry.content_type)
    cursor.number(2, "legacy_record_version", registry.version)
    cursor.number(2, "length")


def decode(data: bytes) -> Span:
    """The fields of a record whose fragment is not protected, header included. Raises nothing."""

    def whole(cursor: Cursor) -> None:
        header_fields(cursor)
        content_fields(cursor, data[0])

    return read_all(data, "record", whole)


def content(data: bytes, content_type: int) -> Span:
    """The fields of the content of a record, header and protection taken off. Raises nothing."""
    return read_all(
        data, registry.content_type(content_type), lambda cursor: content_fields(cursor, content_type)
    )


def content_fields(cursor: Cursor, content_type: int) -> None:
    """Read the content of a record of that type. Raises TraceError where it does not follow its grammar."""
    reader = _CONTENTS.get(content_type)
    if reader is not None:
        reader(cursor)
    else:
        cursor.rest("fragment" if content_type == HANDSHAKE else registry.content_type(content_type))


def _alert(cursor: Cursor) -> None:
    """RFC 8446 §6: two bytes."""
    cursor.number(1, "level", registry.alert_level)
    cursor.number(1, "description", registry.alert)


def _change_cipher_spec(cursor: Cursor) -> None:
    cursor.number(1, "change_cipher_spec", partial(registry.small, "ccs"))


def _heartbeat(cursor: Cursor) -> None:
    """RFC 6520 §4."""
    cursor.number(1, "heartbeat_type", partial(registry.small, "heartbeat type"))
    cursor.vector(2, "payload")
    cursor.rest("padding")


_CONTENTS = {ALERT: _alert, CHANGE_CIPHER_SPEC: _change_cipher_spec, HEARTBEAT: _heartbeat}
