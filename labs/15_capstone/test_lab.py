"""The checks of lab 15: the joints between the parts, and the whole that they make.

`parts` are the earlier labs' modules: yours where the lab is done. No check opens a socket but the last.
"""

from __future__ import annotations

import socket
from types import SimpleNamespace

import assembled
import conversations
import pytest
import wire_judge

from labs.runner.checks import same_bytes, table

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
MESSAGE = "RFC 9112 §6.3"
HOST = "RFC 9112 §3.2"


def head(*lines: str, start: str = "POST / HTTP/1.1") -> bytes:
    """A head of these lines."""
    return "\r\n".join([start, *lines, "", ""]).encode("latin-1")


def request(parts, minor=1, method="GET", target="/", fields=()):
    """What lab 02 makes of a head, ready made."""
    framing = parts["framing"]
    length = framing.Framing(framing.Kind.LENGTH, 0)
    return framing.Request(method, target, minor, list(fields), length, b"")


# --- task 1: refuse what is no head -----------------------------------------------------------------------


@pytest.mark.task(1, rule=HOST)
@table(
    "lines, status",
    (["Host: a", "Content-Length: +5"], 400),
    (["Host: a", "Transfer-Encoding: gzip"], 501),
    (["Host: a", "X : y"], 400),
    (["Host: a", f"Content-Length: {(1 << 20) + 1}"], 413),
)
def test_a_refused_head_keeps_the_status_of_its_rule(exercise, parts, lines, status):
    with pytest.raises(parts["siege"].Refused) as refused:
        exercise.read_head(parts, head(*lines))
        pytest.fail(f"{lines} must be refused with {status}, and read_head accepted it")
    assert refused.value.status == status, f"{lines} must be refused with {status}"


@pytest.mark.task(1, rule=HOST)
@table("lines", [], ["Host: a", "Host: a"], ["Host: a/b"], ["Host: a, b"])
def test_a_head_has_one_host(exercise, parts, lines):
    with pytest.raises(parts["siege"].Refused) as refused:
        exercise.read_head(parts, head(*lines))
        pytest.fail("no Host, two, or one that is none: refuse it with 400; read_head accepted it")
    assert refused.value.status == 400, "no Host, two, or one that is none: 400"


@pytest.mark.task(1, rule=HOST)
def test_a_head_of_http_1_0_needs_no_host(exercise, parts):
    found = exercise.read_head(parts, head(start="GET / HTTP/1.0"))
    assert (found.method, found.minor) == ("GET", 0)


# --- task 2: gather the content ---------------------------------------------------------------------------


def body(exercise, parts, *lines: str):
    """A Body for a head of these lines, which lab 02 reads."""
    return exercise.Body(parts, parts["framing"].parse(head("Host: a", *lines)))


CONTENT = (
    (["Content-Length: 5"], b"hello"),
    (["Transfer-Encoding: chunked"], b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
)


@pytest.mark.task(2, rule=MESSAGE)
@table("lines, wire", *CONTENT)
def test_content_is_read_whole_and_the_next_request_is_left(exercise, parts, lines, wire):
    gathered = body(exercise, parts, *lines)
    same_bytes(gathered.feed(wire + GET), GET, "what is behind the content")
    assert gathered.whole, "all of the content has come"
    same_bytes(gathered.content, b"hello", "the content")


@pytest.mark.task(2, rule=MESSAGE)
@table("lines, wire", *CONTENT)
def test_content_comes_byte_by_byte(exercise, parts, lines, wire):
    gathered = body(exercise, parts, *lines)
    for at in range(len(wire)):
        assert not gathered.whole, f"{len(wire) - at} bytes are missing"
        assert gathered.feed(wire[at : at + 1]) == b""
    assert gathered.whole and gathered.content == b"hello"


@pytest.mark.task(2, rule="RFC 9112 §7.1")
@table("wire, status", (b"+5\r\n", 400), (b"100001\r\n", 413), (b"1\r\nabc", 400))
def test_a_broken_chunk_is_refused_with_the_right_status(exercise, parts, wire, status):
    with pytest.raises(parts["siege"].Refused) as refused:
        body(exercise, parts, "Transfer-Encoding: chunked").feed(wire)
        pytest.fail(f"{wire!r} must be refused with {status}, and feed accepted it")
    assert refused.value.status == status, f"{wire!r} must be refused with {status}"


# --- task 3: answer the border guard ----------------------------------------------------------------------


def asked(exercise, parts, method, *fields, own=()):
    """An answer of the guarded app, and how often the app ran."""
    ran = []
    response = parts["keep_alive"].Response(200, b"data", own)
    guarded = exercise.guarded(
        parts, assembled.policy(parts), lambda request: ran.append(request) or response
    )
    return guarded(parts["keep_alive"].Request(method, "/", 1, fields)), len(ran)


ORIGIN = ("Origin", assembled.ORIGIN)
ASKS = ("Access-Control-Request-Method", "PUT")


@pytest.mark.task(3, rule="Fetch, CORS-preflight request")
def test_a_preflight_never_reaches_the_app(exercise, parts):
    response, ran = asked(exercise, parts, "OPTIONS", ORIGIN, ASKS)
    assert (response.status, ran) == (204, 0), "a preflight is answered with 204, and the app does not run"
    assert dict(response.fields)["Access-Control-Allow-Origin"] == assembled.ORIGIN


@pytest.mark.task(3, rule="Fetch, CORS protocol")
@table("origin, allowed", (assembled.ORIGIN, True), ("https://evil.example", False))
def test_a_request_runs_for_every_origin(exercise, parts, origin, allowed):
    response, ran = asked(exercise, parts, "GET", ("Origin", origin))
    assert (response.content, ran) == (b"data", 1), "CORS stops no request: it tells who may read the answer"
    assert ("Access-Control-Allow-Origin" in dict(response.fields)) is allowed


@pytest.mark.task(3, rule="RFC 9110 §12.5.5")
def test_vary_of_the_app_and_of_cors_is_one_field(exercise, parts):
    response, _ = asked(exercise, parts, "GET", ORIGIN, own=[("vary", "Accept"), ("X", "y")])
    lines = [value for name, value in response.fields if name.lower() == "vary"]
    assert lines == ["Accept, Origin"], f"one Vary with both names, not {lines}"
    assert ("X", "y") in list(response.fields), "the app's other fields stay"


# --- task 4: one exchange ---------------------------------------------------------------------------------


@pytest.mark.task(4, rule="RFC 9112 §9.3")
@table(
    "fields, stopping, last",
    ((), False, False),
    ((), True, True),
    ((("connection", "close"),), False, True),
)
def test_an_exchange_says_whether_it_is_the_last(exercise, parts, fields, stopping, last):
    app = assembled.app(parts)
    wire, closing = exercise.exchange(parts, app, request(parts, fields=fields), b"", stopping)
    assert closing is last
    assert (b"Connection: close" in wire) is last, "the last answer, and no other, says Connection: close"


@pytest.mark.task(4, rule="RFC 9110 §9.3.3")
def test_the_app_sees_the_request_with_its_content(exercise, parts):
    seen = []

    def app(asked):
        seen.append(asked)
        return parts["keep_alive"].Response(200, b"ok")

    exercise.exchange(parts, app, request(parts, 0, "POST", "/echo", [("x", "y")]), b"hello", False)
    assert [tuple(one) for one in seen] == [("POST", "/echo", 0, [("x", "y")], b"hello")]


# --- task 5: stream an answer -----------------------------------------------------------------------------


@pytest.mark.task(5, rule="RFC 9112 §7.1")
@table(
    "minor, method, last, lines, content",
    (1, "GET", False, [b"Transfer-Encoding: chunked"], b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
    (
        1,
        "GET",
        True,
        [b"Transfer-Encoding: chunked", b"Connection: close"],
        b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    ),
    (0, "GET", True, [b"Connection: close"], b"abc"),
    (1, "HEAD", False, [b"Transfer-Encoding: chunked"], b""),
)
def test_a_stream_is_framed_for_the_version_that_asks(exercise, parts, minor, method, last, lines, content):
    made = b"".join(exercise.stream(parts, request(parts, minor, method), [b"ab", b"", b"c"], last))
    fields, _, rest = made.partition(b"\r\n\r\n")
    assert fields.split(b"\r\n") == [b"HTTP/1.1 200 OK", *lines]
    same_bytes(rest, content, "the content")


@pytest.mark.task(5, rule="RFC 9112 §7.1")
def test_a_piece_is_asked_for_when_it_is_sent(exercise, parts):
    taken = []
    pieces = (taken.append(number) or b"x" for number in range(3))
    made = exercise.stream(parts, request(parts), pieces, False)
    next(made)
    assert taken == [], "the head goes out before the first piece is read"
    next(made)
    assert taken == [0], "one piece at a time: two in memory are one too many"


# --- task 6: ask through the pool -------------------------------------------------------------------------


class Wires:
    """Connections that are numbers, and what became of them."""

    def __init__(self, parts):
        self.made, self.closed, self.stale = [], [], set()
        self.pool = parts["pool"].Pool(self.connect, self.closed.append, stale=self.stale.__contains__)

    def connect(self, host):
        """The next number."""
        self.made.append(len(self.made))
        return self.made[-1]


@pytest.fixture
def wires(parts):
    return Wires(parts)


@pytest.mark.task(6, rule="RFC 9112 §9.3")
def test_a_connection_that_may_persist_is_used_again(exercise, wires):
    used = []

    def send(connection, text):
        used.append(connection)
        return text.encode(), text != "last"

    assert exercise.ask_all(wires.pool, "a", ["1", "2", "last", "4"], send) == [b"1", b"2", b"last", b"4"]
    assert used == [0, 0, 0, 1], f"a new connection behind the one that said close, and only there: {used}"
    assert wires.closed == [0]


@pytest.mark.task(6, rule="RFC 9112 §9.3.1")
def test_a_stale_connection_is_replaced_before_use(exercise, wires):
    used = []

    def send(connection, text):
        used.append(connection)
        wires.stale.add(connection)
        return b"", True

    exercise.ask_all(wires.pool, "a", ["1", "2"], send)
    assert used == [0, 1], "the server closed connection 0 while it was idle: the pool's check must be asked"


@pytest.mark.task(6, rule="RFC 9112 §9.5")
def test_an_error_leaves_no_connection_in_use(exercise, wires):
    def send(connection, text):
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        exercise.ask_all(wires.pool, "a", ["1"], send)
        pytest.fail("send raised ConnectionResetError, and ask_all kept it: let it out")
    assert wires.pool.counts()["open"] == 0, "a connection that failed is discarded"


# --- the whole: it needs all tasks, and counts for the one that joins it -----------------------------------


@pytest.mark.task(4, rule="RFC 9112 and RFC 9110")
def test_the_assembled_server_passes_the_wire_cases_of_must(exercise, parts):
    found = {
        case.id: wire_judge.wrong(case, assembled.Talk(parts, exercise)) for case in wire_judge.playable()
    }
    broken = [
        f"{name}: {why}" for name, why in found.items() if why and name not in wire_judge.LEFT_TO_NETLAB
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.task(4, rule="the conversations of labs/15_capstone/conversations")
def test_the_assembled_server_holds_its_conversations(exercise, parts):
    names = [kind.name for kind in conversations.kinds()]
    broken = next(conversations.broken(parts, exercise, names), "")
    assert not broken, broken


@pytest.mark.task(4, rule=MESSAGE)
def test_the_assembled_server_answers_the_same_byte_by_byte(exercise, parts):
    wire = head("Host: a", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n" + GET
    talk, slow = assembled.Talk(parts, exercise), assembled.Talk(parts, exercise)
    whole = talk.feed(wire)
    same_bytes(b"".join(slow.feed(bytes([octet])) for octet in wire), whole, "the answers")
    assert whole.count(b"HTTP/1.1 200") == 2


@pytest.mark.task(4, rule="RFC 9112 §9.5")
def test_the_loop_closes_a_slow_head_and_drains(exercise, parts):
    clock = SimpleNamespace(now=0.0)
    listener = socket.create_server(("127.0.0.1", 0))
    options = {"clock": lambda: clock.now, "gate": parts["siege"].Gate(16)}
    loop = assembled.Assembled(parts, exercise, listener, **options)

    def turns(count=4):
        for _ in range(count):
            parts["siege"].turn(loop, 0.02)

    with (
        socket.create_connection(listener.getsockname()) as slow,
        socket.create_connection(listener.getsockname()) as good,
    ):
        try:
            slow.sendall(b"GET /")
            turns()
            clock.now = 9.0
            good.sendall(GET)
            slow.sendall(b"x")
            turns()
            assert good.recv(65536).startswith(b"HTTP/1.1 200")
            clock.now = 11.0
            turns()
            slow.settimeout(5)
            assert b" 408 " in slow.recv(65536), "10 s for a head, and no byte of it buys more"
            parts["siege"].stop(loop)
            good.sendall(GET)
            turns()
            assert b"Connection: close" in good.recv(65536), "after SIGTERM an answer is the last"
            clock.now = 60.0
            turns()
            assert not loop.connections, "the drain has an end"
        finally:
            for connection in list(loop.connections):
                loop.close(connection)
            loop.selector.close()
            listener.close()
