"""Where TLS begins in a stream: at its first byte, behind plain text (STARTTLS, CONNECT), or not at all.

A ClientHello is known by its first bytes: a handshake record of version 3.x whose content starts with
message type 1 (RFC 8446 §5.1); a ServerHello by type 2. SSL 2.0's hello has a header of its own (RFC 5246
appendix E.2).
"""

from __future__ import annotations

import re

from netlab.tls.record import header_problem

# A record that may open a conversation: a hello, or an alert that refuses one.
_HELLO = re.compile(
    rb"\x16\x03[\x00-\x04][\x00-\x48].[\x01\x02]\x00|\x15\x03[\x00-\x04]\x00\x02[\x01\x02]", re.DOTALL
)
_LONGEST_MATCH = 7
_RECORD = re.compile(rb"[\x14-\x18]\x03[\x00-\x04]..", re.DOTALL)
# More plain text than this before TLS is no STARTTLS.
LIMIT = 64 << 10

_SPEAKERS = (
    (re.compile(rb"^\* OK|^[^\r\n ]+ STARTTLS\r\n", re.IGNORECASE), "IMAP"),
    (re.compile(rb"^220[ -].*|^EHLO |^LHLO ", re.IGNORECASE), "SMTP"),
    (re.compile(rb"^AUTH (TLS|SSL)\r\n", re.IGNORECASE), "FTP"),
    (re.compile(rb"^\+OK|^STLS\r\n|^CAPA\r\n", re.IGNORECASE), "POP3"),
    (re.compile(rb"^CONNECT |^HTTP/1\.[01] 200"), "HTTP CONNECT"),
    (re.compile(rb"^\x00\x00\x00\x08\x04\xd2\x16\x2f|^[SN]$"), "PostgreSQL"),
    (re.compile(rb"^<\?xml|^<stream"), "XMPP"),
    (re.compile(rb"1\.3\.6\.1\.4\.1\.1466\.20037"), "LDAP"),
    (re.compile(rb"^.{3}[\x00\x01]\x0a", re.DOTALL), "MySQL"),
)  # fmt: skip


def starts(data: bytes | bytearray, searched: int = 0) -> int | None:
    """Where the first record starts in the first bytes of a side; None while nothing is found.

    searched: how many bytes were looked at before, so that a byte at a time costs no more than all at once.
    """
    if len(data) >= 5 and searched < 5 and not header_problem(bytes(data[:5])):
        return 0
    found = _HELLO.search(data, max(0, searched - _LONGEST_MATCH))
    return found.start() if found else None


def resumes(data: bytes) -> int | None:
    """Where records go on, in a piece of a stream whose start is not known: None when nowhere.

    A header counts when it is the first in the piece, or when another one follows right behind its record.
    """
    if len(data) >= 5 and not header_problem(data[:5]):
        return 0
    for found in _RECORD.finditer(data):
        at = found.start()
        behind = at + 5 + (data[at + 3] << 8 | data[at + 4])
        if behind == len(data) or (_RECORD.match(data, behind) and not header_problem(data[at : at + 5])):
            return at
    return None


def protocol(data: bytes) -> str:
    """Which protocol the plain text before TLS is, or empty."""
    return next((name for pattern, name in _SPEAKERS if pattern.search(data)), "")
