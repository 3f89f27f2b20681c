"""One head as text in, one head as a value out, or the rule it broke. RFC 9112 §3, §4 and §5.

Two halves. The first accepts: one pattern for the request line, one for the whole field section, no loop
over lines that are good. The second explains: it runs only when the first has refused, takes the head apart
slowly, and names the rule that was broken. So a good request pays nothing for the error texts.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from functools import lru_cache
from typing import TypeVar

from netlab.http1 import framing
from netlab.http1.errors import ProtocolError
from netlab.http1.fields import Fields
from netlab.http1.framing import Framing
from netlab.http1.grammar import (
    ABSOLUTE,
    FIELD_LINE,
    FIELD_SECTION,
    FIELD_VALUE,
    HOST,
    METHOD_LENGTH,
    REQUEST_LINE,
    STATUS_LINE,
    TOKEN,
    VERSION,
)
from netlab.http1.limits import Limits
from netlab.http1.messages import RequestHead, ResponseHead

# What a request's field section says beyond its lines: fields, framing, persistence, 100-continue.
Section = tuple[Fields, Framing, bool, bool]

# What a head says depends on its bytes alone, and clients repeat themselves: a poller sends the same head
# again and again, a browser the same field section with another target (HPACK rests on the same fact). So
# both are remembered, up to this many, each up to this many bytes; then the memory starts anew.
_KEPT, KEPT_SIZE = 256, 1024

_Key = TypeVar("_Key", bytes, str)
_Value = TypeVar("_Value")


class _Memory(dict[_Key, _Value]):
    """What was read, by its bytes. Kept from the second time on: the first time only a number is noted.

    Most of what comes never comes again (a cookie, an identifier). Kept, it would be thousands of objects
    that live just long enough for the garbage collector to look through everything: 10 µs a request.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._once: set[int] = set()

    def note(self, key: _Key, value: _Value) -> None:
        """Something was read that was not in here."""
        number = hash(key)
        if number not in self._once:
            if len(self._once) >= 4 * self._most:
                self._once.clear()
            self._once.add(number)
        elif len(key) <= KEPT_SIZE:
            if len(self) >= self._most:
                self.clear()
            self[key] = value


class RequestHeads:
    """Reads request heads under certain limits, and remembers what it has read.

    For nine lines (CPython 3.11): a repeated head costs 0.1 µs, a known field section behind a new target
    1.7, a field section of which one line is new 6.3.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.known: _Memory[bytes, RequestHead] = _Memory(_KEPT)
        self._sections: tuple[_Memory[str, Section], _Memory[str, Section]]  # by minor version
        self._sections = (_Memory(_KEPT), _Memory(_KEPT))

    def read(self, block: bytes) -> RequestHead:
        """Read a head from the request line through the empty line.

        Raises ProtocolError: 400, 414, 417, 431, 501 or 505 as the broken rule asks.
        """
        return self.known.get(block) or self._read(block, block.decode("latin-1"))

    def _read(self, octets: bytes, block: str) -> RequestHead:
        line = REQUEST_LINE.match(block)
        if line is None:
            raise explain_request_line(block, self._limits)
        method, target, minor = line.group(1, 2, 3)
        if len(target) > self._limits.target:
            raise _target_too_long(self._limits)
        version = 0 if minor == "0" else 1
        section = block[line.end() : -2]
        known = self._sections[version].get(section)
        fields, content, persistent, expects_continue = known or self._read_section(section, version)
        head = RequestHead(method, target, version, fields, content, persistent, expects_continue)
        if target[0] != "/" or method == "CONNECT":
            head.target, head.authority, head.scheme = _other_target(method, target)
        if known is not None:
            # A head cannot have come before whose field section has not: that costs a note less for most.
            self.known.note(octets, head)
        return head

    def _read_section(self, section: str, version: int) -> Section:
        """What a field section says, read line by line and checked."""
        if len(section) > self._limits.field_section:
            raise _section_too_large(self._limits)
        fields = read_fields(section, self._limits.field_lines)
        check_host(fields, version)
        content = framing.request_framing(fields, version)
        known = (fields, content, framing.persistent(fields, version), _expects_continue(fields, version))
        self._sections[version].note(section, known)
        return known


@lru_cache(maxsize=16)
def request_heads(limits: Limits) -> RequestHeads:
    """The reader for these limits: one for all the connections of a server."""
    return RequestHeads(limits)


def read_fields(section: str, most: int) -> Fields:
    """The fields of a field section, whose lines each end with CRLF.

    most: how many lines are allowed. Raises ProtocolError (400 or 431).
    """
    lines = section.split("\r\n")
    if len(lines) - 1 > most:
        raise ProtocolError(431, f"more than {most} field lines", "RFC 6585 §5")
    if lines.pop():
        raise explain_section(section)
    try:
        return Fields.of_section(section, list(map(_known_lines.__getitem__, lines)))
    except _BadLineError:
        raise explain_section(section) from None


class _BadLineError(Exception):
    """A field line does not follow its grammar."""


class _Lines(_Memory[str, tuple[str, str]]):
    """What a field line says, (name in lower case, value); one that is not known yet is read."""

    def __missing__(self, line: str) -> tuple[str, str]:
        if FIELD_LINE.fullmatch(line) is None:
            raise _BadLineError
        name, _, value = line.partition(":")
        said = (name.lower(), value.strip(" \t"))
        self.note(line, said)
        return said


# Most lines of a request stand in the one before it, too, even when its target or a cookie differs. A known
# line costs 0.05 µs, an unknown one 0.9.
_known_lines = _Lines(4 * _KEPT)


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


def response_head(block: str, limits: Limits, method: str) -> ResponseHead:
    """Read a response head, from the status line through the empty line.

    method: that of the request it answers. Raises ProtocolError.
    """
    line = STATUS_LINE.match(block)
    if line is None:
        raise ProtocolError(400, "not a status line", "RFC 9112 §4")
    if line.end() > limits.target:
        raise ProtocolError(431, f"the status line is longer than {limits.target} bytes", "RFC 9112 §4")
    if line[1] != "1":
        raise ProtocolError(505, f"HTTP/{line[1]}.{line[2]} is not spoken here", "RFC 9112 §2.3")
    section = block[line.end() : -2]
    if len(section) > limits.field_section:
        raise _section_too_large(limits)
    fields = read_fields(section, limits.field_lines)
    minor, status = (0 if line[2] == "0" else 1), int(line[3])
    content = framing.response_framing(fields, minor, status, method)
    # A response that ends with the connection leaves no connection to persist. RFC 9112 §9.3
    persistent = framing.persistent(fields, minor) and content is not framing.UNTIL_CLOSE
    return ResponseHead(status, line[4] or "", minor, fields, content, persistent)


# -- explaining: only for heads that are refused ------------------------------------------------------------


def refuse_partial_request(buffer: bytes | bytearray, at: int, scanned: int, limits: Limits) -> None:
    """Refuse a head that is not complete and can never become good. Linear: reads from `scanned` on.

    Raises ProtocolError; returns when more bytes could make it a good head.
    """
    if scanned <= at and TOKEN.match(chr(buffer[at])) is None and buffer[at] != 0x0D:
        raise ProtocolError(400, "a request begins with a method, which is a token", "RFC 9112 §3.1")
    first = refuse_bare_lf(buffer, at, scanned)
    if first is not None:
        # The request line is complete: a client that stops here (HTTP/0.9) must not wait for us.
        line = buffer[at : first + 1].decode("latin-1")
        if REQUEST_LINE.fullmatch(line) is None:
            raise explain_request_line(line, limits)
    size = len(buffer) - at
    if size > METHOD_LENGTH and b" " not in buffer[at : at + METHOD_LENGTH + 1]:
        raise explain_request_line(buffer[at : at + METHOD_LENGTH + 1].decode("latin-1"), limits)
    if size > limits.target + _ROOM:
        end = buffer.find(b"\r\n", at, at + limits.target + _ROOM)
        if end < 0:
            raise _target_too_long(limits)
        if len(buffer) - end > limits.field_section + 4:
            raise _section_too_large(limits)


def refuse_bare_lf(buffer: bytes | bytearray, at: int, scanned: int) -> int | None:
    """Refuse a line that ends with LF alone; where the first line ends, if its end has come since `scanned`.

    Raises ProtocolError (400). A recipient may take a bare LF for a line's end (RFC 9112 §2.2); two
    recipients that do not agree about it are how requests are smuggled.
    """
    first = None
    newline = buffer.find(b"\n", max(at, scanned))
    while newline >= 0:
        if newline == at or buffer[newline - 1] != 0x0D:
            raise ProtocolError(400, "a line ends with CRLF, not with a bare LF", "RFC 9112 §2.2")
        if buffer.rfind(b"\n", at, newline) < 0:
            first = newline
        newline = buffer.find(b"\n", newline + 1)
    return first


# The rest of a request line: a method, two spaces, the version.
_ROOM = 64


def explain_request_line(block: str, limits: Limits) -> ProtocolError:
    """Which rule does this request line break? RFC 9112 §3"""
    line, newline, _ = block.partition("\r\n")
    method = TOKEN.match(line)
    if method is not None and method.end() > METHOD_LENGTH:
        return ProtocolError(501, "no method of that length is known", "RFC 9112 §3")
    if "\n" in line or "\r" in line or not newline:
        return ProtocolError(400, "a line ends with CRLF; no CR or LF stands alone", "RFC 9112 §2.2")
    if len(line) > limits.target + _ROOM:
        return _target_too_long(limits)
    parts = line.split(" ")
    if len(parts) == 2:
        return ProtocolError(400, "a request line without a version (HTTP/0.9)", "RFC 9112 §3")
    if len(parts) != 3:
        rule = "a request line is method, target, version with one space between"
        return ProtocolError(400, rule, "RFC 9112 §3")
    if TOKEN.fullmatch(parts[0]) is None:
        return ProtocolError(400, "the method is not a token", "RFC 9112 §3.1")
    version = VERSION.fullmatch(parts[2])
    if version is None:
        return ProtocolError(400, "the version is not HTTP/DIGIT.DIGIT", "RFC 9112 §2.3")
    if version[1] != "1":
        rule = f"{parts[2]} is not spoken here; HTTP/1.1 and HTTP/1.0 are"
        return ProtocolError(505, rule, "RFC 9110 §15.6.6")
    rule = "the request target has an octet, or a bad percent-encoding, that no URI may have"
    return ProtocolError(400, rule, "RFC 9112 §3.2")


def explain_section(section: str) -> ProtocolError:
    """Which rule does the first bad line of this field section break? RFC 9112 §5"""
    good = FIELD_SECTION.match(section)
    line = section[good.end() if good else 0 :].split("\r\n", 1)[0]
    name, colon, value = line.partition(":")
    if line[:1] in (" ", "\t"):
        return ProtocolError(400, "a field line begins with white space (obs-fold)", "RFC 9112 §5.2")
    if "\n" in line or "\r" in line:
        return ProtocolError(400, "a line ends with CRLF; no CR or LF stands alone", "RFC 9112 §2.2")
    if not colon:
        return ProtocolError(400, "a field line without a colon", "RFC 9112 §5")
    if name != name.rstrip(" \t"):
        return ProtocolError(400, "white space between field name and colon", "RFC 9112 §5.1")
    if TOKEN.fullmatch(name) is None:
        return ProtocolError(400, "the field name is not a token", "RFC 9110 §5.1")
    if FIELD_VALUE.fullmatch(value) is None:
        return ProtocolError(400, "a control octet in a field value", "RFC 9110 §5.5")
    return ProtocolError(400, "a field section that does not follow its grammar", "RFC 9112 §5")


def _target_too_long(limits: Limits) -> ProtocolError:
    return ProtocolError(414, f"the request target is longer than {limits.target} bytes", "RFC 9112 §3")


def _section_too_large(limits: Limits) -> ProtocolError:
    return ProtocolError(431, f"the field section is larger than {limits.field_section} bytes", "RFC 6585 §5")


@lru_cache(maxsize=64)
def with_content_limit(limits: Limits, size: int) -> Limits:
    """The same limits with another size of content, in bytes: handlers ask for few different ones."""
    return dataclasses.replace(limits, content=size)
