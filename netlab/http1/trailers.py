"""The trailer section behind the last chunk: which fields may stand there, and which never. RFC 9110 §6.5.

Where it begins and ends is the affair of `parser`.
"""

from __future__ import annotations

from netlab.http1 import heads
from netlab.http1.errors import ProtocolError
from netlab.http1.fields import NO_FIELDS, Fields
from netlab.http1.limits import Limits

# Fields of framing: a message that sends them behind its content contradicts the framing that it was read by.
FRAMING_FIELDS = frozenset({"content-length", "transfer-encoding"})

# Fields that must not stand in a trailer section: they frame, route or authenticate. RFC 9110 §6.5.1
FORBIDDEN_TRAILERS = FRAMING_FIELDS | frozenset(
    "authorization cache-control connection content-encoding content-range content-type cookie expect host "
    "keep-alive max-forwards proxy-authorization range set-cookie te trailer upgrade www-authenticate".split()
)


def read_trailers(block: str, limits: Limits) -> Fields:
    """The fields of a whole trailer section, without those that must not stand there (RFC 9110 §6.5.1).

    Raises ProtocolError (400, 431). A field of framing is an error, the other forbidden fields are dropped.
    """
    fields = heads.read_fields(block, limits.field_lines)
    forbidden = FORBIDDEN_TRAILERS.intersection(fields)
    if not forbidden:
        return fields or NO_FIELDS
    for name in sorted(FRAMING_FIELDS & forbidden):
        raise ProtocolError(400, f"{name} must not stand in a trailer section", "RFC 9110 §6.5.1")
    return Fields([line for line in fields.lines if line[0].lower() not in forbidden]) or NO_FIELDS
