"""The ABNF of HTTP/1.1 as compiled patterns: one for each rule, the rule quoted above it.

Here live patterns alone: what a pattern's failure means is said in `parser` (status, rule, section).
RFC 9110 §5.5, §5.6 (fields), RFC 9112 §2 to §7 (messages), RFC 3986 (URIs).

All patterns work on text decoded as latin-1: one octet, one character, nothing lost. Digits are always
written [0-9]: `\\d` also matches the digits of other scripts, and `int()` would read them (aiohttp and
others were caught by that). Repetitions are possessive (`++`, Python 3.11): once matched they never give
back a character, so that no input, however hostile, makes a pattern backtrack.
"""

from __future__ import annotations

import re

# token = 1*tchar                                                                  RFC 9110 §5.6.2
TCHAR = r"!#$%&'*+\-.^_`|~0-9A-Za-z"
TOKEN = re.compile(rf"[{TCHAR}]++")

# field-value = *field-content; field-vchar = VCHAR / obs-text                      RFC 9110 §5.5
# CR, LF and NUL are never part of a value; the other controls but HTAB we refuse too, as §5.5 permits.
# Written as what is allowed: a third faster than [^…] (FAST.md).
VALUE = r"[\t\x20-\x7e\x80-\xff]*+"
FIELD_VALUE = re.compile(VALUE)

# field-line = field-name ":" OWS field-value OWS                                   RFC 9112 §5
# No white space stands before the colon, and no line begins with any (obs-fold, §5.2): both fail here.
FIELD_SECTION = re.compile(rf"(?:[{TCHAR}]++:{VALUE}\r\n)*+")

# (name, value) of each line of a section that is valid. White space behind the value is still to be stripped.
FIELD_PAIRS = re.compile(rf"([{TCHAR}]++):[ \t]*+({VALUE})")

# pchar, "/" and "?" of RFC 3986 §3.3 and §3.4. In the path every "%" is followed by two hex digits; in the
# query it may stand alone, as browsers send it (WHATWG URL, query state). Beyond the RFC we let pass
# [ ] \ ^ ` { | }: browsers send these raw in a query (WHATWG URL, query percent-encode set).
# The rest ( " < > # and all that is not visible ASCII) no client has a reason to send.
PATH_CHARS = "[!$&-;=@-~]"
PATH = rf"(?:{PATH_CHARS}++|%[0-9A-Fa-f]{{2}})++"
QUERY = r"\?[!$-;=?-~]*+"
_TARGET = rf"{PATH}(?:{QUERY})?|{QUERY}"
TARGET = re.compile(_TARGET)

# request-line = method SP request-target SP HTTP-version                           RFC 9112 §3
# Of the versions, those that this program speaks: HTTP/1.x. A method of more than 32 octets is unknown
# (the longest registered one has 17): it is 501, not read on and on.
METHOD_LENGTH = 32
REQUEST_LINE = re.compile(rf"([{TCHAR}]{{1,{METHOD_LENGTH}}}+) ({_TARGET}) HTTP/1\.([0-9])\r\n")

# HTTP-version = HTTP-name "/" DIGIT "." DIGIT                                      RFC 9112 §2.3
VERSION = re.compile(r"HTTP/([0-9])\.([0-9])")

# status-line = HTTP-version SP status-code SP [ reason-phrase ]                    RFC 9112 §4
# The second SP is required by the grammar even before an empty reason; clients are told to be lenient.
STATUS_LINE = re.compile(rf"HTTP/([0-9])\.([0-9]) ([1-9][0-9]{{2}})(?: ({VALUE}))?\r\n")

# uri-host = IP-literal / IPv4address / reg-name;  Host = uri-host [ ":" port ]     RFC 9110 §7.2
# reg-name = *( unreserved / pct-encoded / sub-delims )                             RFC 3986 §3.2.2
# No "@": userinfo has no place in a Host (RFC 9110 §4.2.4). A port has at most five digits.
HOST = re.compile(
    r"(\[[0-9A-Fa-f:.]{2,45}+\]|\[[vV][0-9A-Fa-f]++\.[0-9A-Za-z\-._~!$&'()*+,;=:]++\]"
    r"|(?:[0-9A-Za-z\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*+)(?::([0-9]{0,5}+))?"
)

# absolute-form = absolute-URI, of the two schemes that this server can stand for    RFC 9112 §3.2.2
ABSOLUTE = re.compile(r"(https?)://([^/?]*+)(.*)", re.IGNORECASE | re.DOTALL)

# Content-Length = 1*DIGIT                                                          RFC 9110 §8.6
# Nineteen digits hold every length below 2**63; a longer run of digits is refused before it is converted.
CONTENT_LENGTH = re.compile(r"[0-9]{1,19}")

# chunk = chunk-size [ chunk-ext ] CRLF;  chunk-size = 1*HEXDIG                     RFC 9112 §7.1
# chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )         RFC 9112 §7.1.1
# Sixteen digits hold 64 bits. BWS ("bad" white space) is read where the grammar has it (RFC 9110 §5.6.3,
# MUST) and nowhere else: a space between the size and its CRLF belongs to no extension.
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*+"'
CHUNK_LINE = re.compile(
    rf"([0-9A-Fa-f]{{1,16}}+)(?:[ \t]*+;[ \t]*+[{TCHAR}]++"
    rf"(?:[ \t]*+=[ \t]*+(?:[{TCHAR}]++|{_QUOTED}))?)*+\r\n".encode("latin-1")
)

# A run of small chunks in the plainest form (one digit, no extension) as one match: 13 times as fast as one
# by one. A client that sends a megabyte octet by octet must not keep the others waiting.
_SMALL = b"|".join(b"%x\r\n[\x00-\xff]{%d}\r\n" % (size, size) for size in range(1, 16))
SMALL_CHUNK = re.compile(_SMALL)
SMALL_CHUNKS = re.compile(b"(?:" + _SMALL + b"){2,}+")

HEXDIG_RUN = re.compile(rb"[0-9A-Fa-f]++")
