"""The trailer section behind the last chunk: which fields may stand there, and which never. RFC 9110 §6.5.

Where it begins and ends is the affair of `parser`.
"""

from __future__ import annotations

from netlab.http1 import heads
from netlab.http1.errors import ProtocolError
from netlab.http1.fields import NO_FIELDS, Fields
from netlab.http1.limits import Limits

# Fields that must not stand in a trailer section: they frame, route or authenticate. RFC 9110 §6.5.1
FORBIDDEN_TRAILERS = frozenset(
    "authorization cache-control connection content-encoding content-length content-range content-type "
    "cookie expect host keep-alive max-forwards proxy-authorization range set-cookie te trailer "
    "transfer-encoding upgrade www-authenticate".split()
)


def read_trailers(block: str, limits: Limits) -> Fields:
    """The fields of a whole trailer section. Raises ProtocolError (400, 431)."""
    fields = heads.read_fields(block, limits.field_lines)
    forbidden = sorted(FORBIDDEN_TRAILERS.intersection(fields))
    if forbidden:
        raise ProtocolError(400, f"{forbidden[0]} must not stand in a trailer section", "RFC 9110 §6.5.1")
    return fields or NO_FIELDS
