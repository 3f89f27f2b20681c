"""The side door: bytes in pieces to lab 09's connection and lab 02's parser, then the same over a socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import assembled
import side_door

from conversations.answers import Expected, against, read
from conversations.wire import GET, HELLO, LAST, POST, Said, Turn, asked, coded, ended, one, played, read_as

HEAD_END = "RFC 9112 §2.2"
PIPELINED = "RFC 9112 §9.3.2"
SMUGGLED = "RFC 9112 §11.2"
CHUNKS = "RFC 9112 §7.1"
TEARDOWN = "RFC 9112 §9.6"
BYE = asked("Connection: close")


def refused(lab: str, rule: str) -> Expected:
    """A refusal whose content is the sentence of the rule: `framing` or `chunked`, and the rule's name."""
    return Expected(0, f"{lab} {rule}".encode())


LINE_END = refused("framing", "LINE_END")
SAID = (
    Said(HEAD_END, [Turn(GET[:3], []), Turn(GET[3:-3], []), Turn(GET[-3:-1], []), Turn(GET[-1:], [HELLO])]),
    Said(HEAD_END, [Turn(GET + GET[:9], [HELLO]), Turn(GET[9:], [HELLO])]),
    one(HEAD_END, b"\r\n" + GET, HELLO),
    one(HEAD_END, b"\r\n\r\n", refused("framing", "REQUEST_LINE"), closes=True),
    one(HEAD_END, b"GET / HTTP/1.1\nHost", LINE_END, closes=True),
    one(HEAD_END, b"GET / HTTP/1.1\rHost", LINE_END, closes=True),
    one(HEAD_END, b"GET / HTTP/1.1\r\nX: " + b"x" * 33_000, refused("framing", "HEAD_LIMIT"), closes=True),
    one(
        PIPELINED,
        GET + asked(start="GET /asked HTTP/1.1") + GET,
        HELLO,
        read_as("GET /asked HTTP/1.1|host: a||"),
        HELLO,
    ),
    one(
        "RFC 9112 §6.2",
        asked("Content-Length: 5", start=POST, content=b"a\nb\rc") + GET,
        Expected(200, b"a\nb\rc"),
        HELLO,
    ),
    one(
        "RFC 9112 §6.2",
        asked("Content-Length: 40000", start=POST, content=bytes(40_000)),
        Expected(200, bytes(40_000)),
    ),
    Said(
        "RFC 9112 §9.3",
        [Turn(GET, [HELLO]), Turn(GET, [HELLO]), Turn(GET + BYE + GET, [HELLO, LAST]), Turn(GET, [])],
        closes=True,
    ),
    Said(
        SMUGGLED,
        [Turn(GET + b"X : y\r\n" + GET, [HELLO, refused("framing", "REQUEST_LINE")]), Turn(GET, [])],
        closes=True,
    ),
    one("RFC 9110 §15.6.6", asked(start="GET / HTTP/2.0"), refused("framing", "VERSION"), closes=True),
    one(
        "RFC 9112 §6.3",
        asked("Transfer-Encoding: a b", "Content-Length: 5", start=POST),
        refused("framing", "BOTH"),
        closes=True,
    ),
    one(
        "RFC 9112 §6.1",
        asked("Transfer-Encoding: gzip", start=POST),
        refused("framing", "UNKNOWN_CODING"),
        closes=True,
    ),
    one(
        CHUNKS,
        coded(b"5\r\na\r\n\rc\r\n0\r\nA: b\r\nC: d\r\n\r\n") + GET,
        read_as("POST /asked HTTP/1.1|host: a|transfer-encoding: chunked|A: b|C: d||", b"a\r\n\rc"),
        HELLO,
    ),
    Said(
        CHUNKS,
        [
            Turn(coded(b"5\r\nhel"), []),
            Turn(b"lo\r", []),
            Turn(b"\n0\r\n", []),
            Turn(b"\r\n", [read_as("POST /asked HTTP/1.1|host: a|transfer-encoding: chunked||", b"hello")]),
        ],
    ),
    one(CHUNKS, coded(b"1\r\nabcd"), refused("chunked", "DATA_END"), closes=True),
    one(CHUNKS, coded(b"5\n\r\nhello\r\n0\r\n\r\n"), refused("chunked", "SIZE"), closes=True),
)


def says(parts: Any, mine: Any) -> Iterator[str]:
    """Each conversation with lab 09's connection."""
    app = assembled.app(parts)
    for said in SAID:
        connection = side_door.connection(parts, app)
        turns = [Turn(turn.sent, [_named(parts, each) for each in turn.answers]) for turn in said.turns]
        differs = played(connection.received, said._replace(turns=turns)) or ended(connection.closing, said)
        if not differs and turns[-1].answers and turns[-1].answers[-1].status >= 400 and connection.waiting:
            differs = f"{len(connection.waiting)} bytes behind the refusal are kept in memory"
        if differs:
            yield f"{said.turns[0].sent[:120]!r}: {differs} ({said.rule})"


def _named(parts: Any, expected: Expected) -> Expected:
    """A refusal with its status and the sentence of its rule."""
    if expected.status:
        return expected
    lab, rule = (expected.content or b"").decode().split()
    value = parts[lab].Rule[rule].value
    status, sentence = value if isinstance(value, tuple) else (400, value)
    return Expected(status, f"{sentence}\n".encode(), {"Connection": "close"})


# -- over a socket -------------------------------------------------------------------------------------------

PATIENCE = 3.0  # seconds that a client waits for what must come


class Spoken(NamedTuple):
    """A client: what it does in order, what it reads in all; idle and linger are the server's, in seconds.

    A step is bytes to send, `half` to end its side, `reset`, `read` for one more answer, `end` for all up to
    the server's end, or `trickle`: an octet every 10 ms until the server closes the socket.
    """

    told: str
    steps: list[bytes | str]
    answers: list[Expected]
    idle: float = 10.0
    linger: float = 10.0


SPOKEN = (
    Spoken("asks twice and waits for each answer", [GET, "read", GET, "read"], [HELLO, HELLO]),
    Spoken("says Connection: close and waits for the end", [BYE, "end"], [LAST]),
    Spoken("sends two requests and ends its side", [GET + GET, "half", "end"], [HELLO, HELLO]),
    Spoken("sends 200,000 bytes behind Connection: close", [BYE + bytes(200_000), "end"], [LAST]),
    Spoken("says nothing", ["end"], [], idle=0.05),
    Spoken("resets the connection", [GET, "reset"], []),
    Spoken("sends on behind the last answer", [BYE, "read", "trickle"], [LAST], linger=0.3),
)


def speaks(parts: Any, mine: Any) -> Iterator[str]:
    """Each client over a socket of this machine."""
    for spoken in SPOKEN:
        try:
            with _served(parts, spoken) as (client, thread, failed):
                differs = against(read(_spoken(client, spoken, thread)), spoken.answers)
                client.close()
                thread.join(PATIENCE)
                differs = differs or (
                    failed[0] if failed else "the server still serves" if thread.is_alive() else ""
                )
        except (ValueError, OSError) as error:
            differs = f"{type(error).__name__}: {error}"
        if differs:
            yield f"a client that {spoken.told}: {differs} ({TEARDOWN})"


@contextmanager
def _served(parts: Any, spoken: Spoken) -> Iterator[tuple[socket.socket, threading.Thread, list[str]]]:
    """A client, the thread that serves it, and what went wrong there."""
    failed: list[str] = []
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), timeout=PATIENCE) as client,
    ):
        server, _ = listener.accept()

        def work() -> None:
            try:
                connection = side_door.connection(parts, assembled.app(parts))
                parts["keep_alive"].serve(server, connection, spoken.idle, spoken.linger)
                if server.fileno() >= 0:
                    failed.append("the server leaves its socket open")
            except Exception as error:
                failed.append(f"the server fails: {type(error).__name__}: {error}")
            finally:
                server.close()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield client, thread, failed


def _spoken(client: socket.socket, spoken: Spoken, thread: threading.Thread) -> bytes:
    """Do the steps; what was read. Raises OSError when nothing comes, or a reset does."""
    got = b""
    for step in spoken.steps:
        if isinstance(step, bytes):
            with suppress(ConnectionError):  # the server has left: `read` finds that
                client.sendall(step)
        elif step == "half":
            client.shutdown(socket.SHUT_WR)
        elif step == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
        elif step == "trickle":
            _trickle(client, thread)
        else:
            while (data := client.recv(65536)) and (step == "end" or not data.endswith(b"hello")):
                got += data
            got += data
    return got


def _trickle(client: socket.socket, thread: threading.Thread) -> None:
    """An octet every 10 ms, until the server has closed the socket. Raises OSError when it never does."""
    end = time.monotonic() + PATIENCE
    while thread.is_alive():
        if time.monotonic() > end:
            raise TimeoutError("every octet prolongs the time that the server lingers")
        with suppress(ConnectionError):
            client.sendall(b"x")
        time.sleep(0.01)
