"""Fields over bytes: a tree of spans whose leaves cover every byte exactly once.

    cursor = Cursor(b"\\x03\\x03\\x01\\xff")
    cursor.number(2, "version", registry.version)       # a leaf: 0x0303 TLS 1.2
    cursor.vector(1, "session_id")                      # a span with two leaves: length, session_id

A `Cursor` walks over bytes and notes a span for each field it reads. It never reads beyond its end: a field
that does not fit raises `TraceError`, and the structure around it turns the bytes that are left into one
leaf named `not understood`. So damaged or unknown input is shown, never refused (presentation language: RFC
8446 §3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

NOT_UNDERSTOOD = "not understood"


class TraceError(Exception):
    """Bytes that do not follow their grammar. offset: where sense ends, from the start of the input."""

    def __init__(self, offset: int, problem: str, section: str = "") -> None:
        super().__init__(f"offset {offset}: {problem}" + (f" ({section})" if section else ""))
        self.offset, self.problem, self.section = offset, problem, section


class Span:
    """One field: the bytes from start to stop (stop excluded), its name in the RFC, and its value.

    text: the value for a person. problem: why the bytes are not what the RFC asks for, or empty. children:
    the fields inside, which tile the span without a gap; a leaf has none.
    """

    __slots__ = ("children", "name", "problem", "start", "stop", "text", "value")

    def __init__(
        self,
        name: str,
        start: int,
        stop: int,
        value: int | bytes | None = None,
        text: str = "",
        children: list[Span] | None = None,
        problem: str = "",
    ) -> None:
        self.name, self.start, self.stop = name, start, stop
        self.value, self.text, self.problem = value, text, problem
        self.children = children if children is not None else []

    def __repr__(self) -> str:
        return f"<Span {self.name} {self.start}:{self.stop} {self.text!r}>"

    def get(self, *path: str) -> Span | None:
        """The first descendant along a path of names, or None."""
        found: Span | None = self
        for name in path:
            found = next((child for child in found.children if child.name == name), None) if found else None
        return found

    def number(self, *path: str, default: int = 0) -> int:
        """The number at a path; default where there is none."""
        found = self.get(*path)
        return found.value if found is not None and isinstance(found.value, int) else default

    def octets(self, *path: str) -> bytes:
        """The bytes of an opaque field at a path; empty where there is none."""
        found = self.get(*path)
        return found.value if found is not None and isinstance(found.value, bytes) else b""

    def leaves(self) -> Iterator[Span]:
        """The fields that have no fields inside, in the order of the bytes."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Span]]:
        """Every span with its depth, each before its children."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)

    def problems(self) -> Iterator[Span]:
        """The spans that have a problem."""
        return (span for _, span in self.walk() if span.problem)

    def shift(self, by: int) -> Span:
        """The same tree, every offset larger by so many bytes."""
        children = [child.shift(by) for child in self.children]
        return Span(self.name, self.start + by, self.stop + by, self.value, self.text, children, self.problem)


Names = Callable[[int], str]
Inside = Callable[["Cursor"], object]


class Cursor:
    """Reads fields one after the other from data[start:stop] and keeps their spans."""

    __slots__ = ("at", "data", "spans", "stop")

    def __init__(self, data: bytes, start: int = 0, stop: int | None = None) -> None:
        self.data, self.at = data, start
        self.stop = len(data) if stop is None else min(stop, len(data))
        self.spans: list[Span] = []

    @property
    def left(self) -> int:
        """How many bytes are not read yet."""
        return self.stop - self.at

    def peek(self, size: int) -> int:
        """The number in the next size bytes, which stay unread. Raises TraceError when there are fewer."""
        self._need(size, "a number")
        return int.from_bytes(self.data[self.at : self.at + size], "big")

    def number(self, size: int, name: str, names: Names | None = None) -> int:
        """Read an unsigned number of size bytes; names gives a word for it. Raises TraceError at the end."""
        self._need(size, name)
        value = int.from_bytes(self.data[self.at : self.at + size], "big")
        text = f"0x{value:0{2 * size}x} {names(value)}" if names else str(value)
        self._leaf(name, size, value, text)
        return value

    def opaque(self, size: int, name: str, text: str = "") -> bytes:
        """Read size bytes as they are. Raises TraceError when there are fewer."""
        self._need(size, name)
        value = self.data[self.at : self.at + size]
        self._leaf(name, size, value, text or counted(size))
        return value

    def rest(self, name: str, text: str = "") -> bytes:
        """Read all that is left; no field at all when nothing is."""
        return self.opaque(self.left, name, text)

    def words(self, size: int, name: str) -> str:
        """Read size bytes as text; what is not printable ASCII is shown escaped."""
        self._need(size, name)
        text = printable(self.data[self.at : self.at + size])
        self.opaque(size, name, text)
        return text

    def group(self, name: str, inside: Inside, text: str = "") -> Span:
        """Read several fields as one span."""
        start, part = self.at, Cursor(self.data, self.at, self.stop)
        try:
            inside(part)
        finally:
            self.at = part.at
            span = Span(name, start, part.at, None, text, part.spans)
            self.spans.append(span)
        return span

    def vector(
        self, prefix: int, name: str, inside: Inside | None = None, each: Inside | None = None
    ) -> Span:
        """Read a length of prefix bytes and so many bytes (RFC 8446 §3.4): opaque, or fields inside.

        inside reads the content once, each reads it element by element. A length that runs beyond the end is
        a problem of the span; what is there is read, then TraceError is raised.
        """
        self._need(prefix, f"the length of {name}")
        start = self.at
        length = int.from_bytes(self.data[start : start + prefix], "big")
        part = Cursor(self.data, start, self.stop)
        part.number(prefix, "length")
        part.stop = min(part.at + length, self.stop)
        short = part.at + length - part.stop
        problem = f"its length says {length} bytes, {length - short} are there" if short else ""
        body = Cursor(self.data, part.at, part.stop)
        _read(body, name, inside, each)
        span = Span(name, start, body.stop, None, counted(length), part.spans + body.spans, problem)
        if inside is None and each is None:
            span.value = self.data[part.at : part.stop]
        self.spans.append(span)
        self.at = body.stop
        if short:
            raise TraceError(self.stop, f"{name}: {problem}", "RFC 8446 §3.4")
        return span

    def _need(self, size: int, name: str) -> None:
        if self.stop - self.at < size:
            raise TraceError(self.at, f"{name} needs {size} bytes, {self.left} are left", "RFC 8446 §3")

    def _leaf(self, name: str, size: int, value: int | bytes, text: str) -> None:
        if size:  # a span of no bytes would name nothing
            self.spans.append(Span(name, self.at, self.at + size, value, text))
            self.at += size


def _read(body: Cursor, name: str, inside: Inside | None, each: Inside | None) -> None:
    """Fill a body to its end; what its reader leaves or refuses becomes a leaf of its own."""
    try:
        if inside is not None:
            inside(body)
        elif each is not None:
            while body.left:
                before = body.at
                each(body)
                if body.at == before:
                    raise TraceError(before, f"{name}: an element without bytes")
        else:
            body.rest(name)
    except TraceError as error:
        leave(body, error.problem)
    else:
        leave(body, "more bytes than the fields of this structure")


def leave(cursor: Cursor, problem: str) -> None:
    """Turn what is left into one leaf with a problem; with nothing left the last span gets the problem."""
    if cursor.left:
        start, cursor.at = cursor.at, cursor.stop
        value = cursor.data[start : cursor.stop]
        cursor.spans.append(
            Span(NOT_UNDERSTOOD, start, cursor.stop, value, counted(len(value)), problem=problem)
        )


def read_all(data: bytes, name: str, inside: Inside) -> Span:
    """A span over all of data: what inside reads, then what it leaves. Raises nothing."""
    cursor = Cursor(data)
    problem = ""
    try:
        inside(cursor)
    except TraceError as error:
        problem = error.problem if not cursor.left else ""
        leave(cursor, error.problem)
    else:
        leave(cursor, "more bytes than the fields of this structure")
    return Span(name, 0, len(data), None, "", cursor.spans, problem)


def counted(size: int) -> str:
    """A number of bytes as text."""
    return "1 byte" if size == 1 else f"{size} bytes"


def printable(data: bytes) -> str:
    """Bytes as text; a byte that is not printable ASCII, and the backslash, as an escape."""
    return "".join(chr(o) if 0x20 <= o < 0x7F and o != 0x5C else f"\\x{o:02x}" for o in data)


def gaps(span: Span) -> list[str]:
    """Where the leaves of a tree do not tile their parent: an empty list when every byte is covered once."""
    found, at = [], span.start
    for child in span.children:
        if child.start != at:
            found.append(f"{span.name}: {child.name} starts at {child.start}, not at {at}")
        at = child.stop
        found += gaps(child)
    if span.children and at != span.stop:
        found.append(f"{span.name}: its fields end at {at}, not at {span.stop}")
    return found
