"""One head as text in, one head as a value out, or the rule it broke. RFC 9112 §3, §4 and §5.

Theory of operation. Nearly every request is plain: origin-form, HTTP/1.1, each decisive field on one line.
Two patterns (`plainhead`) validate such a head from its first byte to its last and capture what the server
must know before any handler runs: method, target, Host, Content-Length, Connection. The other fields stay
text until a handler asks for them. What the patterns do not match is read with care: the request
line, the field section, Host, framing and persistence one after the other, by the same grammar. So the result
does not depend on the way it was found; a property test compares the two ways.

Which rule a refused head breaks is found in `refusing`; heads that come again are kept in `remembered`.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from functools import lru_cache
from urllib.parse import unquote

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
from netlab.http1.plainhead import plain_line, plain_section
from netlab.http1.refusing import (
    explain_request_line,
    explain_section,
    section_too_large,
    target_too_long,
)
from netlab.http1.remembered import PLACES, SHORTEST, Remembered, Section


class RequestHeads:
    """Reads request heads under certain limits, and remembers the ones that come again."""

    def __init__(
        self,
        limits: Limits,
        known: Remembered[bytes, RequestHead] | None = None,
        sections: Remembered[str, Section] | None = None,
    ) -> None:
        self._limits = limits
        # A head of at most so many bytes keeps the limits of its target and of its fields.
        self._within_limits = min(limits.target, limits.field_section)
        self._match_section = plain_section(limits.field_lines).fullmatch
        self.known: Remembered[bytes, RequestHead] = Remembered() if known is None else known
        self.sections: Remembered[str, Section] = Remembered() if sections is None else sections

    def read(self, block: bytes) -> RequestHead:
        """Read a head from the request line through the empty line.

        Raises ProtocolError: 400, 414, 417, 431, 501 or 505 as the broken rule asks.
        """
        head = self.known.get(block) if len(block) <= self.known.longest else None
        if head is None:
            head = self.read_plain(block)
        return self.read_with_care(block.decode("latin-1")) if head is None else head

    def read_plain(self, block: bytes) -> RequestHead | None:
        """The plain head that these bytes are, to be remembered; None where they are anything else."""
        text = block.decode("latin-1")
        line = plain_line(text)
        if line is None:
            return None
        method, target, path, lines = line.groups()
        section, value, size = lines, "", len(text)
        if size >= SHORTEST:
            # The section may be known without its Cookie line, which has others, or an empty one, behind it.
            # What is printable is a valid value: 1,500 instructions less than its pattern.
            before, found, behind = lines.rpartition("\r\nCookie: ")
            value, _, rest = behind.partition("\r\n")
            if found and rest and value.isprintable():
                section = f"{before}\r\n{rest}"
        known = self.sections.get(section) or self._read_section(lines, section)
        if known is None or (size > self._within_limits and self._exceeds_limits(target, lines)):
            return None
        # As RequestHead.begin, which would be one Python frame more.
        head = RequestHead()
        head.method, head.target, head.minor = method, target, 1
        head.path = unquote(path) if "%" in path else path
        head.framing, head.persistent = known
        head.section, head.expects_continue = lines, False
        head.authority = head.scheme = None
        # As Remembered.seen, for the same reason. These tell heads apart, and the long one is hashed already.
        number, marks = hash((section, target, value)), self.known.marks
        place = number & PLACES
        if marks[place] == number:
            self.known.keep(block, head)
        marks[place] = number
        return head

    def _read_section(self, lines: str, section: str) -> Section | None:
        """What a section says that is not known; None for one that must be read with care.

        section: the same one, to be remembered without its Cookie line.
        """
        found = self._match_section(lines)
        if found is None:
            return None
        connection, length, host = found.groups()
        content = NO_CONTENT if length is None else framing.plain_length(length)
        if host is None or content is None or not valid_host(host):
            return None
        known = content, connection is None or framing.plain_persistence(connection)
        # A Cookie line may come to its lines: their limit must hold with it.
        if self.sections.seen(hash(section)) and section.count("\n") <= self._limits.field_lines:
            self.sections.keep(section, known)
        return known

    def _exceeds_limits(self, target: str, lines: str) -> bool:
        limits = self._limits
        return len(target) > limits.target or len(lines) > limits.field_section

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
