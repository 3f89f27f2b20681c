"""What the parser yields: heads, content, the end of a message. RFC 9112 §2.1.

Values alone: no bytes are read or written here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

from netlab.http1.fields import NO_FIELDS, Fields
from netlab.http1.framing import Framing


class RequestHead:
    """The request line and field section of a request. RFC 9112 §3 and §5."""

    __slots__ = (
        "authority",
        "expects_continue",
        "framing",
        "method",
        "minor",
        "path",
        "persistent",
        "scheme",
        "section",
        "target",
    )

    # Set by `begin`, not by an `__init__`: CPython 3.11 calls one by way of C (FAST.md).
    method: str
    """The method, case as sent: methods are case-sensitive (RFC 9110 §9.1)."""
    target: str
    """Path and query, or "*"; of an absolute-form its path and query."""
    path: str
    """The path of the target, percent-decoded as UTF-8; octets that are not UTF-8 read as U+FFFD."""
    minor: int
    """The minor version: 0 for HTTP/1.0, 1 for HTTP/1.1 and every later 1.x (RFC 9110 §2.5)."""
    framing: Framing
    """How long the content is, decided before any handler runs (RFC 9112 §6.3)."""
    persistent: bool
    """May the connection carry another request after this one (RFC 9112 §9.3)?"""
    expects_continue: bool
    """Does the client wait for 100 (Continue) before it sends content (RFC 9110 §10.1.1)?"""
    authority: str | None
    """Host and port from an absolute-form target, which overrides Host (RFC 9112 §3.2.2); else None."""
    scheme: str | None
    """The scheme of an absolute-form target, in lower case; else None."""
    section: Fields | str
    """The field section: its text, valid, until `fields` is asked for: mostly never. Then the fields."""

    def begin(
        self,
        method: str,
        target: str,
        minor: int,
        section: Fields | str,
        framing: Framing,
        persistent: bool,
    ) -> RequestHead:
        """A head in origin-form that expects nothing: itself."""
        self.method, self.target, self.minor = method, target, minor
        self.section, self.framing, self.persistent = section, framing, persistent
        path = target
        if "?" in path:
            path = path.partition("?")[0]
        self.path = unquote(path) if "%" in path else path
        self.expects_continue = False
        self.authority = self.scheme = None
        return self

    @property
    def fields(self) -> Fields:
        """The field lines."""
        section = self.section
        if isinstance(section, str):
            self.section = section = Fields.of_section(section)
        return section

    def raw_lines(self) -> list[tuple[bytes, bytes]]:
        """The field lines as (name in lower case, value), in wire order, as ASGI's `scope` has them."""
        section = self.section
        if isinstance(section, Fields):
            return [(name.lower().encode(), value.encode("latin-1")) for name, value in section.lines]
        lines = []
        for line in section.encode("latin-1").split(b"\r\n"):  # encoded at once, not line by line
            name, colon, value = line.partition(b":")
            if colon:
                lines.append((name.lower(), value.strip(b" \t")))
        return lines

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
