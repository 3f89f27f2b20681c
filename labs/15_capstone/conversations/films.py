"""A film at the assembled server: parts of it, and readers that stall or leave. Lab 13."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import assembled
from film import TURNS, Cut, Film, Showing

from conversations.answers import Expected, against, read
from conversations.cors import request

RANGES = "RFC 9110 §14.1.2"
CODING = "RFC 9112 §7.1"
CLOSED = "RFC 9112 §8"
FLOW = "asyncio: pause_writing, resume_writing"
MEMORY = "one piece in memory"
LETTERS = b"abcdefghijklmnopqrstuvwxyz"

# -- the wire: (the Range field or None, the status, Content-Range, the content) -----------------------------

PARTS: tuple[tuple[str | None, int, str | None, bytes], ...] = (
    (None, 200, None, LETTERS),
    ("bytes=0-4", 206, "bytes 0-4/26", b"abcde"),
    ("BYTES=5-6", 206, "bytes 5-6/26", b"fg"),
    ("bytes=20-", 206, "bytes 20-25/26", b"uvwxyz"),
    ("bytes=20-99", 206, "bytes 20-25/26", b"uvwxyz"),
    ("bytes=-5", 206, "bytes 21-25/26", b"vwxyz"),
    ("bytes=-99", 206, "bytes 0-25/26", LETTERS),
    ("bytes=25-25", 206, "bytes 25-25/26", b"z"),
    ("bytes=26-", 416, "bytes */26", b""),
    ("bytes=-0", 416, "bytes */26", b""),
    ("bytes=5-4", 200, None, LETTERS),
    ("bytes=+1-5", 200, None, LETTERS),
    ("bytes=1-5,7-9", 200, None, LETTERS),
    ("pages=1-5", 200, None, LETTERS),
    ("1-5", 200, None, LETTERS),
)


def ranges(parts: Any, mine: Any) -> Iterator[str]:
    """Each part of the film, from a disk that gives what is asked for and from one that gives less."""
    for most in (1 << 20, 4):
        for field, status, where, content in PARTS:
            wire = request("GET", "/film", [] if field is None else [("Range", field)])
            expected = Expected(
                status, content, {"Content-Range": where, "Content-Length": str(len(content))}
            )
            differs = _played(parts, mine, wire, expected, Film(LETTERS, most))
            if differs:
                yield f"Range: {field} from reads of {most} bytes: {differs} ({RANGES})"
    wire, film = request("GET", "/film?chunked", []), Film(LETTERS)
    try:
        found = assembled.Talk(parts, mine, reel=film).feed(wire).partition(b"\r\n\r\n")[2]
    except Cut as error:
        found = str(error).encode()
    if found != b"1a\r\n" + LETTERS + b"\r\n0\r\n\r\n":
        yield f"the film in chunks: expected a chunk of 26 bytes and the last chunk, got {found!r} ({CODING})"


def _played(parts: Any, mine: Any, wire: bytes, expected: Expected, film: Film) -> str:
    try:
        return against(read(assembled.Talk(parts, mine, reel=film).feed(wire)), [expected])
    except (ValueError, Cut) as error:
        return str(error)


# -- readers -------------------------------------------------------------------------------------------------


class Watched(NamedTuple):
    """How a client watches, and what becomes of the response. The film has 26 bytes in pieces of `size`.

    writes: how many writes the client takes, None for all. leaves: then it leaves; otherwise it stalls.
    roomy: the kernel takes everything at once. registered: the connection knows the task that answers.
    slow: the disk keeps the third read waiting. others: more tasks that write to the same connection.
    read: bytes read of the file at the end; end: how the transport was asked to end; outcome: of the task.
    """

    told: str
    rule: str
    writes: int | None
    leaves: bool
    read: int
    end: str
    outcome: str
    size: int = 5
    promised: int = 26
    chunked: bool = True
    roomy: bool = False
    registered: bool = True
    slow: bool = False
    others: int = 0
    content: bytes | None = None


CHUNKS = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (LETTERS[n : n + 10] for n in (0, 10, 20)))
WATCHED = (
    Watched(
        "reads it whole, in chunks", CODING, None, False, 26, "close", "", 10, content=CHUNKS + b"0\r\n\r\n"
    ),
    Watched(
        "reads it whole, by its length", CODING, None, False, 26, "close", "", chunked=False, content=LETTERS
    ),
    Watched(
        "reads at once what is sent",
        FLOW,
        None,
        False,
        26,
        "close",
        "",
        10,
        roomy=True,
        content=CHUNKS + b"0\r\n\r\n",
    ),
    Watched("reads nothing", MEMORY, 1, False, 0, "", "goes on"),
    Watched("stalls in the first piece", MEMORY, 2, False, 5, "", "goes on"),
    Watched("stalls in the third piece", MEMORY, 4, False, 15, "", "goes on", chunked=False),
    Watched("leaves before the first piece", CLOSED, 1, True, 0, "abort", "cancelled"),
    Watched("leaves in the second piece", CLOSED, 3, True, 10, "abort", "cancelled"),
    Watched(
        "leaves while only a write can tell",
        CLOSED,
        3,
        True,
        10,
        "abort",
        "ConnectionResetError",
        registered=False,
    ),
    Watched(
        "leaves before the first piece, and only a write can tell",
        CLOSED,
        1,
        True,
        0,
        "abort",
        "ConnectionResetError",
        registered=False,
    ),
    Watched("leaves while the disk works", CLOSED, 3, True, 10, "abort", "cancelled", slow=True),
    Watched(
        "leaves while the disk works, and only a write can tell",
        CLOSED,
        3,
        True,
        15,
        "abort",
        "ConnectionResetError",
        slow=True,
        registered=False,
    ),
    Watched(
        "reads a film that has shrunk",
        CLOSED,
        None,
        False,
        26,
        "abort",
        "Shrunk",
        promised=30,
        content=b"".join(
            b"%x\r\n%b\r\n" % (len(p), p) for p in (LETTERS[n : n + 5] for n in range(0, 26, 5))
        ),
    ),
    Watched("reads while two others write", FLOW, None, False, 26, "close", "", chunked=False, others=2),
    Watched(
        "leaves while two others write", CLOSED, 2, True, 5, "abort", "cancelled", chunked=False, others=2
    ),
)


class Disk:
    """The pieces of a film; the third is late until `ready`."""

    def __init__(self, pieces: Any) -> None:
        self.pieces, self.asked = pieces, 0
        self.ready = asyncio.Event()

    def __aiter__(self) -> Disk:
        return self

    async def __anext__(self) -> bytes:
        """The next piece."""
        self.asked += 1
        if self.asked == 3:
            await self.ready.wait()
        return await anext(self.pieces)  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        """Close the file."""
        await self.pieces.aclose()


def watches(parts: Any, mine: Any) -> Iterator[str]:
    """Each reader, and what the server has read, sent and closed by then."""
    for watched in WATCHED:
        if differs := _watch(parts["river"], watched):
            yield f"a client that {watched.told}: {differs} ({watched.rule})"
    yield from _turns(parts["river"])
    yield from _together(parts["river"])


def _watch(river: Any, watched: Watched) -> str:
    film = Film(LETTERS)
    content = river.Pieces(film, 0, watched.promised, watched.size)
    disk = Disk(content)
    framing = river.Framing.CHUNKED if watched.chunked else river.Framing.LENGTH
    options = {"roomy": watched.roomy, "registered": watched.registered}
    showing = Showing(river, b"head", disk if watched.slow else content, framing, **options)
    others = [showing.events.create_task(_send(showing.connection)) for _ in range(watched.others)]
    try:
        batches = _taken(showing, watched)
        for _ in range(TURNS * watched.slow):  # until it waits for the disk
            showing.turn()
        if watched.leaves:
            showing.leave()
            disk.ready.set()
        for _ in range(TURNS):
            showing.turn()
        return _outcome(showing, watched, film, batches) or _wakes(others, watched)
    except Cut as error:
        return str(error)
    finally:
        showing.close()


async def _send(connection: Any) -> None:
    """Another task that writes to the connection."""
    for _ in range(3):
        await connection.send((b"",) if connection.lost else (b"+",))


def _taken(showing: Showing, watched: Watched) -> list[list[bytes]]:
    """The writes that the client takes; the last of them stays on its way if the client does not take all."""
    batches: list[list[bytes]] = []
    while (watched.writes is None or len(batches) < watched.writes) and (written := showing.next()):
        batches.append(written)
        if watched.writes is None or len(batches) < watched.writes or watched.slow:
            showing.taken()
    return batches


def _outcome(showing: Showing, watched: Watched, film: Film, batches: list[list[bytes]]) -> str:
    """How the response and its file stand, against what the table says."""
    sent = [part for written in batches for part in written]
    if watched.content is not None and b"".join(sent) != b"head" + watched.content:
        return f"expected {watched.content!r}, got {b''.join(sent[1:])!r}"
    if watched.chunked and film.pieces and len(sent) > 1 and not any(p is film.pieces[0] for p in sent):
        return "the piece that was read was copied before it was sent"
    if watched.others and (most := max(map(len, batches[1:]))) > 1:
        return f"expected one write whenever there is room, got {most}"
    is_whole = watched.outcome != "goes on"
    for name, expected, found in (
        ("bytes read of the file", watched.read, film.taken if not film.closed or film.pieces else 0),
        ("end of the connection", watched.end, showing.transport.end),
        ("end of the task", watched.outcome, showing.outcome()),
        ("the file is closed", is_whole, film.closed),
        ("bytes written to a client that has left", 0, showing.transport.late),
    ):
        if found != expected:
            return f"{name}: expected {expected!r}, got {found!r}"
    return ""


def _wakes(others: list[asyncio.Task[None]], watched: Watched) -> str:
    """The other tasks have ended, too."""
    asleep = sum(not task.done() for task in others)
    for task in others:
        if task.done() and not task.cancelled():
            task.exception()
    return f"{asleep} other tasks wait for ever" if asleep else ""


def _turns(river: Any) -> Iterator[str]:
    """A client that reads as fast as the server writes does not keep the others waiting."""
    film, size = Film(bytes(1 << 20)), 1 << 16
    content = river.Pieces(film, 0, 1 << 20, size)
    showing = Showing(river, b"head", content, river.Framing.LENGTH, roomy=True)
    try:
        most = 0
        while written := showing.next():
            most = max(most, sum(map(len, written)))
        if most > river.TURN + size:
            yield f"a fast reader: expected {river.TURN:,} bytes in a turn, got {most:,} ({FLOW})"
    except Cut as error:
        yield f"a fast reader: {error} ({FLOW})"
    finally:
        showing.close()


def _together(river: Any) -> Iterator[str]:
    """Two clients watch one open file."""
    film = Film(LETTERS)
    shows = [Showing(river, b"", river.Pieces(film, start, 9, 3), river.Framing.LENGTH) for start in (0, 10)]
    got = [b"", b""]
    try:
        for _ in range(4):
            for number, showing in enumerate(shows):
                got[number] += b"".join(showing.next())
                showing.taken()
    except Cut as error:
        got.append(str(error).encode())
    finally:
        for showing in shows:
            showing.close()
    if got != [LETTERS[:9], LETTERS[10:19]]:
        yield f"two clients of one open file: expected abcdefghi and klmnopqrs, got {got} (one file position)"
