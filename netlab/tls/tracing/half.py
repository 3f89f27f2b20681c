"""What the tracer remembers of one direction of a conversation, and how it tells which side is the client."""

from __future__ import annotations

from netlab.tls import record as records
from netlab.tls.decrypt import Protection
from netlab.tls.tracing import tls13
from netlab.tls.tracing.assembly import Assembler
from netlab.tls.tracing.values import Side


class Half:
    """What the tracer remembers of one direction."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.before = bytearray()  # bytes before TLS was found
        self.searched = 0
        self.started = False
        self.dead = False  # a broken header: nothing is read until a piece starts with a record
        self.skipped = 0
        self.missing = 0  # records that may be missing before the next one
        self.reader = records.RecordReader()
        self.assembler = Assembler()
        self.protection: Protection | None = None  # TLS 1.2: set by ChangeCipherSpec
        self.blocked = ""  # TLS 1.2: why there is no protection although it began
        self.opener: tls13.StagedOpener | None = None
        self.finished = False


def were_swapped(side: Side, raw: bytes) -> bool:
    """Was the side that is fed as the client's the server's? The first hello tells."""
    if raw[0] != records.HANDSHAKE or len(raw) < 6 or raw[5] not in (1, 2):
        return False
    return (raw[5] == 1) is not (side is Side.CLIENT)
