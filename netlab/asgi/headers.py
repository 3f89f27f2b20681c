"""An app's headers become field lines: octets to text, what belongs to the connection left out. Pure.

Apps answer with the same few headers again and again, so what they come to is remembered by their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netlab.http1.grammar import CONTENT_LENGTH
from netlab.server.responding import front_of

# These belong to one connection, not to the app (RFC 9110 §7.6.1); the server renders its own.
_OURS = frozenset({b"transfer-encoding", b"keep-alive", b"te", b"trailer", b"upgrade", b"proxy-connection"})

# Different headers that are remembered; then all are forgotten. A response with a length of its own is one.
MOST = 512

Pair = tuple[bytes, bytes]
Lines = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Headers:
    """What an app's headers come to."""

    lines: Lines
    """All field lines that are sent."""
    bare: Lines
    """Without Content-Length: equal for responses that differ in their length alone."""
    length: int | None
    """What Content-Length says, if it is there once and a number."""
    last: tuple[int, int, bytes | None] = (0, 0, None)
    """What `front_of` has given last, behind its arguments. One value: apps may run in several threads."""

    def fields(self, size: int) -> Lines:
        """The field lines for content of this size: a Content-Length that is right is left to the server."""
        return self.bare if self.length == size else self.lines

    def front_of(self, status: int, size: int) -> bytes | None:
        """The head of a response up to its Date field; None where it is not usual, or cannot be sent."""
        try:
            front = front_of(status, self.fields(size), size)
        except (ValueError, TypeError, AttributeError):  # `respond` will say what is wrong
            front = None
        self.last = status, size, front
        return front


KNOWN: dict[tuple[Pair, ...], Headers] = {}
"""What `headers_of` has found. To be read from elsewhere, too."""
_BARE: dict[Lines, Lines] = {}


def headers_of(given: Iterable[Pair]) -> Headers:
    """The field lines of an app's headers. Values are checked when they are sent."""
    key = tuple(given)
    try:
        return KNOWN[key]
    except KeyError:
        pass
    except TypeError:  # lists in place of tuples, or bytearrays: the specification asks for any iterable
        return _read(key)
    if len(KNOWN) >= MOST:
        KNOWN.clear()
        _BARE.clear()
    KNOWN[key] = made = _read(key)
    return made


def _read(given: Iterable[Pair]) -> Headers:
    lines = tuple(_lines(given))
    lengths = [value for name, value in lines if name.lower() == "content-length"]
    length = int(lengths[0]) if len(lengths) == 1 and CONTENT_LENGTH.fullmatch(lengths[0]) else None
    bare = lines
    if length is not None:
        bare = tuple(line for line in lines if line[0].lower() != "content-length")
    # One object for equal lines: the server's own memory then finds what it rendered by identity.
    return Headers(lines, _BARE.setdefault(bare, bare), length)


def _lines(given: Iterable[Pair]) -> Iterable[tuple[str, str]]:
    for name, value in given:
        lower = bytes(name).lower()
        if lower in _OURS:
            continue
        if lower == b"connection":
            if b"close" not in [option.strip() for option in bytes(value).lower().split(b",")]:
                continue
            value = b"close"
        yield bytes(name).decode("latin-1"), bytes(value).decode("latin-1")
