"""Which rule does a refused head break? The explaining half of `heads`. RFC 9112 §2.2, §3 and §5.

`heads` reads good heads by patterns and has no error texts. What the patterns refuse comes here: this half
takes the head apart slowly, line by line, and names the first rule that is broken. A good request never pays
for that.
"""

from __future__ import annotations

from netlab.http1.errors import ProtocolError
from netlab.http1.grammar import FIELD_SECTION, FIELD_VALUE, METHOD_LENGTH, REQUEST_LINE, TOKEN, VERSION
from netlab.http1.limits import Limits


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
            raise target_too_long(limits)
        if len(buffer) - end > limits.field_section + 4:
            raise section_too_large(limits)


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
        return target_too_long(limits)
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


def target_too_long(limits: Limits) -> ProtocolError:
    return ProtocolError(414, f"the request target is longer than {limits.target} bytes", "RFC 9112 §3")


def section_too_large(limits: Limits) -> ProtocolError:
    return ProtocolError(431, f"the field section is larger than {limits.field_section} bytes", "RFC 6585 §5")
