"""What the parser yields: heads, content, the end of a message. RFC 9112 §2.1.

Values alone: no bytes are read or written here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from netlab.http1.fields import NO_FIELDS, Fields, read_pairs
from netlab.http1.framing import Framing
from netlab.http1.grammar import FIELD_PAIRS

# As FIELD_PAIRS, for octets.
_RAW_PAIRS = re.compile(FIELD_PAIRS.pattern.encode("latin-1"))


class RequestHead:
    """The request line and field section of a request. RFC 9112 §3 and §5."""

    __slots__ = (
        "_fields",
        "authority",
        "expects_continue",
        "framing",
        "method",
        "minor",
        "persistent",
        "scheme",
        "target",
    )

    def __init__(
        self,
        method: str,
        target: str,
        minor: int,
        fields: Fields | re.Match[str] | bytes,
        framing: Framing,
        persistent: bool,
        expects_continue: bool,
        authority: str | None = None,
        scheme: str | None = None,
    ) -> None:
        self.method = method
        """The method, case as sent: methods are case-sensitive (RFC 9110 §9.1)."""
        self.target = target
        """Path and query, or "*"; of an absolute-form its path and query."""
        self.minor = minor
        """The minor version: 0 for HTTP/1.0, 1 for HTTP/1.1 and every later 1.x (RFC 9110 §2.5)."""
        # The match of a plain head, or its section as bytes, until the fields are asked for: mostly never.
        self._fields = fields
        self.framing = framing
        """How long the content is, decided before any handler runs (RFC 9112 §6.3)."""
        self.persistent = persistent
        """May the connection carry another request after this one (RFC 9112 §9.3)?"""
        self.expects_continue = expects_continue
        """Does the client wait for 100 (Continue) before it sends content (RFC 9110 §10.1.1)?"""
        self.authority = authority
        """Host and port from an absolute-form target, which overrides Host (RFC 9112 §3.2.2); else None."""
        self.scheme = scheme
        """The scheme of an absolute-form target, in lower case; else None."""

    @property
    def fields(self) -> Fields:
        """The field lines."""
        fields = self._fields
        if isinstance(fields, bytes):
            self._fields = fields = Fields.of_section(fields.decode("latin-1"))
        elif isinstance(fields, re.Match):
            self._fields = fields = Fields(self._lines(fields))
        return fields

    def raw_lines(self) -> list[tuple[bytes, bytes]]:
        """The field lines as (name in lower case, value), in wire order, as ASGI's `scope` has them."""
        fields = self._fields
        if isinstance(fields, Fields):
            return [(name.lower().encode(), value.encode("latin-1")) for name, value in fields.lines]
        if isinstance(fields, bytes):
            section = fields
        else:
            begin = fields.string.index("\r\n", fields.end(2))
            section = fields.string[begin : fields.end()].encode("latin-1")  # at once, not line by line
        return [(name.lower(), value.rstrip(b" \t")) for name, value in _RAW_PAIRS.findall(section)]

    @staticmethod
    def _lines(head: re.Match[str]) -> list[tuple[str, str]]:
        """The field lines of a head that is valid: what stands behind the request line."""
        begin = head.string.index("\r\n", head.end(2))
        return read_pairs(head.string, begin, head.end())

    def __repr__(self) -> str:
        return f"<RequestHead {self.method} {self.target} HTTP/1.{self.minor} {self.framing!r}>"


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status line and field section of a response. RFC 9112 §4."""

    status: int
    reason: str
    minor: int
    fields: Fields
    framing: Framing
    persistent: bool

    @property
    def interim(self) -> bool:
        """Is this a 1xx response, with the final one still to come (RFC 9110 §15.2)?"""
        return self.status < 200


@dataclass(frozen=True, slots=True)
class Content:
    """A piece of content, transfer coding removed. Never empty; its borders mean nothing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class EndOfMessage:
    """The message is complete. `trailers` is empty unless a chunked message carried a trailer section."""

    trailers: Fields = field(default=NO_FIELDS)


Event = RequestHead | ResponseHead | Content | EndOfMessage
