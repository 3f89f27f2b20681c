"""One head as text in, one head as a value out, or the rule it broke. RFC 9112 §3, §4 and §5.

Theory of operation. Nearly every request is plain: origin-form, HTTP/1.1, each decisive field on one line.
One pattern (`plainhead`) validates such a head from its first byte to its last and captures what the server
must know before any handler runs: method, target, Host, Content-Length, Connection. The other fields stay
text until a handler asks for them. What the pattern does not match is read with care: the request
line, the field section, Host, framing and persistence one after the other, by the same grammar. So the result
does not depend on the way it was found; a property test compares the two ways.

Which rule a refused head breaks is found in `refusing`; heads that come again are kept in `remembered`.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from functools import lru_cache

from netlab.http1 import framing
from netlab.http1.errors import ProtocolError
from netlab.http1.fields import Fields
from netlab.http1.framing import NO_CONTENT
from netlab.http1.grammar import (
    ABSOLUTE,
    FIELD_SECTION,
    HOST,
    REQUEST_LINE,
)
from netlab.http1.limits import Limits
from netlab.http1.messages import RequestHead
from netlab.http1.plainhead import plain_head, plain_line
from netlab.http1.refusing import (
    explain_request_line,
    explain_section,
    section_too_large,
    target_too_long,
)
from netlab.http1.remembered import SHORTEST, Remembered, Section, is_value


class RequestHeads:
    """Reads request heads under certain limits, and remembers the ones that come again."""

    def __init__(
        self,
        limits: Limits,
        known: Remembered[RequestHead] | None = None,
        sections: Remembered[Section] | None = None,
    ) -> None:
        self._limits = limits
        # A head of at most so many bytes keeps the limits of its target and of its fields.
        self._within_limits = min(limits.target, limits.field_section)
        self._match_plain = plain_head(limits.field_lines).match
        self.known: Remembered[RequestHead] = Remembered() if known is None else known
        self.sections: Remembered[Section] = Remembered() if sections is None else sections
        # Line ends of a section that leaves room for a Cookie line: the empty line has one, too.
        self._most_lines = limits.field_lines

    def read(self, block: bytes) -> RequestHead:
        """Read a head from the request line through the empty line.

        Raises ProtocolError: 400, 414, 417, 431, 501 or 505 as the broken rule asks.
        """
        text = block.decode("latin-1")
        plain = self.read_plain(text)
        return self.read_with_care(text) if plain is None else plain[0]

    def read_first(self, buffer: bytes) -> tuple[RequestHead, int] | None:
        """The plain head at the front of this buffer, and its size in bytes; None where there is none."""
        size = len(buffer)
        if size < SHORTEST or size > self._within_limits or not buffer.endswith(b"\r\n\r\n"):
            plain = self.read_plain(buffer.decode("latin-1"))
            if plain is not None:
                self.known.note(buffer if plain[1] == size else buffer[: plain[1]], plain[0])
            return plain
        # The buffer is one head, it seems. Its field section may be known, without a Cookie line whose value
        # is valid.
        line, _, lines = buffer.partition(b"\r\n")
        before, found, behind = lines.partition(b"\r\nCookie: ")
        value, _, rest = behind.partition(b"\r\n")
        section = b"\r\n".join((before, rest)) if found and is_value(value) else lines
        known = self.sections.get(section)
        if known is None:
            return self._read_new_section(buffer, section)
        begin = plain_line(line.decode("latin-1"))
        if begin is None:
            return None
        method, target = begin.groups()
        if method == "CONNECT":
            return None
        head = RequestHead().begin(method, target, 1, lines, known.framing, known.persistent)
        self.known.note(buffer, head)
        return head, size

    def _read_new_section(self, buffer: bytes, section: bytes) -> tuple[RequestHead, int] | None:
        """As `read_first`; section: that of the buffer, to be remembered without its Cookie line."""
        plain = self.read_plain(buffer.decode("latin-1"))
        if plain is None:
            return None
        head, size = plain
        if size < len(buffer):
            self.known.note(buffer[:size], head)
            return plain
        self.known.note(buffer, head)
        # A Cookie line may come to its lines: their limit must hold with it.
        if section.count(b"\n") <= self._most_lines:
            self.sections.note(section, Section(head.framing, head.persistent))
        return plain

    def read_plain(self, text: str) -> tuple[RequestHead, int] | None:
        """The plain head at the front of this text, and its size; None for what must be read with care."""
        found = self._match_plain(text)
        if found is None:
            return None
        method, target, connection, length, host = found.groups()
        size = found.end()
        content = NO_CONTENT if length is None else framing.plain_length(length)
        if host is None or content is None or not valid_host(host) or method == "CONNECT":
            return None
        if size > self._within_limits and (
            len(target) > self._limits.target or size - found.end(2) > self._limits.field_section
        ):
            return None
        persistent = connection is None or framing.plain_persistence(connection)
        return RequestHead().begin(method, target, 1, found, content, persistent), size

    def read_with_care(self, text: str) -> RequestHead:
        """Read a head part by part. Raises as `read`."""
        line = REQUEST_LINE.match(text)
        if line is None:
            raise explain_request_line(text, self._limits)
        method, target = line.group(1, 2)
        version = 0 if line[3] == "0" else 1
        if len(target) > self._limits.target:
            raise target_too_long(self._limits)
        section = text[line.end() : -2]
        if len(section) > self._limits.field_section:
            raise section_too_large(self._limits)
        fields = read_fields(section, self._limits.field_lines)
        check_host(fields, version)
        content = framing.request_framing(fields, version)
        persistent = framing.persistent(fields, version)
        expects_continue = _expects_continue(fields, version)
        authority = scheme = None
        if target[0] != "/" or method == "CONNECT":
            target, authority, scheme = _other_target(method, target)
        head = RequestHead().begin(method, target, version, fields, content, persistent)
        head.expects_continue, head.authority, head.scheme = expects_continue, authority, scheme
        return head


@lru_cache(maxsize=16)
def request_heads(limits: Limits) -> RequestHeads:
    """The reader for these limits: one for all the connections of a server."""
    return RequestHeads(limits)


def read_fields(section: str, most: int) -> Fields:
    """The fields of a field section, whose lines each end with CRLF.

    most: how many lines are allowed. Raises ProtocolError (400 or 431).
    """
    if section.count("\n") > most:
        raise ProtocolError(431, f"more than {most} field lines", "RFC 6585 §5")
    if FIELD_SECTION.fullmatch(section) is None:
        raise explain_section(section)
    return Fields.of_section(section)


def check_host(fields: Fields, version: int) -> None:
    """RFC 9112 §3.2: one Host in HTTP/1.1, well formed wherever it stands. Raises ProtocolError (400)."""
    hosts = fields.get_all("host")
    if len(hosts) > 1:
        raise ProtocolError(400, "Host stands on more than one line", "RFC 9112 §3.2")
    if not hosts:
        if version >= 1:
            raise ProtocolError(400, "an HTTP/1.1 request must have a Host", "RFC 9112 §3.2")
        return
    if not valid_host(hosts[0]):
        raise ProtocolError(400, "Host is not a host with an optional port", "RFC 9112 §3.2")


@lru_cache(maxsize=256)
def valid_host(value: str) -> bool:
    """Is it uri-host [ ":" port ], with a port that exists? An empty host is allowed (RFC 9112 §3.2)."""
    parts = HOST.fullmatch(value)
    if parts is None or int(parts[2] or 0) > 65535:
        return False
    if value.startswith("[") and value[1] not in "vV":
        try:
            ipaddress.IPv6Address(parts[1][1:-1])
        except ValueError:
            return False
    return True


def _expects_continue(fields: Fields, version: int) -> bool:
    """RFC 9110 §10.1.1: 100-continue is the one expectation there is; HTTP/1.0 has none."""
    expected = fields.get("expect")
    if expected is None or version == 0:
        return False
    members = {member.strip(" \t").lower() for member in expected.split(",")}
    if members - {"", "100-continue"}:
        raise ProtocolError(417, "the only expectation known is 100-continue", "RFC 9110 §10.1.1")
    return "100-continue" in members


def _other_target(method: str, target: str) -> tuple[str, str | None, str | None]:
    """The targets that are no origin-form: (path and query or "*", authority, scheme). RFC 9112 §3.2"""
    if method == "CONNECT":
        host, colon, port = target.rpartition(":")
        if not (host and colon and port and valid_host(target)):
            raise ProtocolError(400, "the target of CONNECT is host:port", "RFC 9112 §3.2.3")
        raise ProtocolError(501, "CONNECT: this server opens no tunnels", "RFC 9110 §9.3.6")
    if target == "*":
        if method != "OPTIONS":
            raise ProtocolError(400, "the target * belongs to OPTIONS alone", "RFC 9112 §3.2.4")
        return target, None, None
    absolute = ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise ProtocolError(400, "the request target has none of the four forms", "RFC 9112 §3.2")
    authority, rest = absolute[2], absolute[3]
    # §4.2.1 of RFC 9110: an http URI with an empty host is invalid. Userinfo fails in HOST (§4.2.4).
    if not authority or authority[0] == ":" or not valid_host(authority):
        raise ProtocolError(400, "the authority of the request target is not valid", "RFC 9110 §4.2.1")
    if rest[:1] != "/":
        # An empty path is "/" in origin-form; OPTIONS of a whole server is "*". RFC 9112 §3.2.4
        rest = "*" if method == "OPTIONS" and not rest else "/" + rest
    # The authority of the target outranks Host, whatever Host says: RFC 9112 §3.2.2 (MUST).
    return rest, authority, absolute[1].lower()


@lru_cache(maxsize=64)
def with_content_limit(limits: Limits, size: int) -> Limits:
    """The same limits with another size of content, in bytes: handlers ask for few different ones."""
    return dataclasses.replace(limits, content=size)
