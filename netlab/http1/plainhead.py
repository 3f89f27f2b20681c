"""A plain request head as two patterns: valid from its first byte to its last, what decides is captured.

Plain is what nearly every client sends: origin-form, HTTP/1.1, one Host, at most one Content-Length and one
Connection, no Transfer-Encoding, no Expect. RFC 9112 §3 and §5. Any other head is read with care (`heads`).

Speed: two calls of the regular-expression engine replace a look at each line. For nine lines of a browser
that differ each time they take 1.2 µs of the 2.5 µs that a head costs; line by line it was 5 µs (FAST.md).
The request line has a pattern of its own, since most requests differ in it alone.

How the pattern of a section works. The first letter of a field name picks a branch, so that most lines try
one branch only. In the branch of "h" the name "host" captures its value; a negative look-ahead keeps the
other way of that branch from taking it. `(?(3)(?!))` means: if group 3 has a value already, match nothing.
So a second Host makes the whole pattern fail, and the head is read with care, which refuses it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from netlab.http1.grammar import METHOD_LENGTH, PATH_CHARS, QUERY, TCHAR, TOKEN, VALUE

# The fields that decide where a message ends and what becomes of the connection, with the group that captures
# the value. A head with one that has no group is not plain.
_DECISIVE = {"connection": 1, "content-length": 2, "expect": None, "host": 3, "transfer-encoding": None}

# As PATH, beginning with "/". Its characters in front of the loop, and (…|) in place of (…)?, save the engine
# the two loops that most targets never enter: 700 of 4,000 instructions.
_PATH = rf"/{PATH_CHARS}*+(?:%[0-9A-Fa-f]{{2}}{PATH_CHARS}*+)*+"
plain_line = re.compile(
    rf"(?!CONNECT )([{TCHAR}]{{1,{METHOD_LENGTH}}}+) (({_PATH})(?:{QUERY}|)) HTTP/1\.[1-9]\r\n((?s:.*))"
).match
"""The request line of a plain head, at the front of a text. Groups: method, target, path, the rest."""

_TCHARS = {chr(octet) for octet in range(128) if TOKEN.fullmatch(chr(octet))}


@lru_cache(maxsize=16)
def plain_section(most_lines: int) -> re.Pattern[str]:
    """The pattern of a plain head's field section, its empty line included, with up to so many field lines.

    Groups: Connection, Content-Length, Host.
    """
    return re.compile(rf"(?:{_field_line()}\r\n){{0,{most_lines}}}+\r\n")


def _field_line() -> str:
    """A pattern for one field line: a branch for each letter of a decisive name, and one for the rest."""
    letters = "".join(sorted({name[0] for name in _DECISIVE}))
    # A set in front lets the engine skip a branch by one look at the next character.
    others = "".join(sorted(_TCHARS - set(letters + letters.upper())))
    branches = [rf"[{re.escape(others)}][{TCHAR}]*+:{VALUE}"]
    branches += [_branch(letter) for letter in letters]
    return f"(?:{'|'.join(branches)})"


def _branch(letter: str) -> str:
    """A pattern for the field lines that begin with this letter."""
    groups = {name: group for name, group in _DECISIVE.items() if name[0] == letter}
    ways = [
        rf"{_any_case(name[1:])}:(?({group})(?!))[ \t]*+({VALUE})" for name, group in groups.items() if group
    ]
    decisive = "|".join(_any_case(name[1:]) for name in groups)
    ways.append(rf"(?!(?:{decisive}):)[{TCHAR}]*+:{VALUE}")
    return rf"{_any_case(letter)}(?:{'|'.join(ways)})"


def _any_case(name: str) -> str:
    """A pattern for this name in upper and lower case: letters as sets are faster than a flag."""
    return "".join(f"[{c.upper()}{c}]" if c.isalpha() else re.escape(c) for c in name)
