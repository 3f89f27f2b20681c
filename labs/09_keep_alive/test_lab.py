"""The checks of lab 09: a connection that carries many requests, and ends when it should and not before.

Every expected byte below is written out by hand from RFC 9112; no server makes it.
"""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from keep_alive_app import App, answer, get, post

from labs.runner.checks import same_bytes, table

PERSISTENCE, PIPELINING, TEARDOWN = "RFC 9112 §9.3", "RFC 9112 §9.3.2", "RFC 9112 §9.6"
LENGTH = "RFC 9110 §8.6"


@pytest.fixture
def app(exercise):
    return App(exercise)


@pytest.fixture
def connection(exercise, app):
    return exercise.Connection(app)


def request(exercise, method="GET", minor=1, fields=()):
    return exercise.Request(method, "/", minor, fields)


# --- task 1: may the connection persist? --------------------------------------------------------------


@pytest.mark.task(1, rule=PERSISTENCE)
@table("fields", (), (("Host", "a"),), (("Connection", "keep-alive"),), (("Connection", "upgrade"),))
def test_http_1_1_persists_unless_it_says_close(exercise, fields):
    assert exercise.persists(1, fields) is True, f"HTTP/1.1 with {fields} persists: it is the default"


@pytest.mark.task(1, rule=PERSISTENCE)
@table(
    "fields, expected",
    ((), False),
    ((("Connection", "upgrade"),), False),
    ((("Keep-Alive", "timeout=5"),), False),
    ((("Connection", "keep-alive"),), True),
    ((("connection", "Keep-Alive"),), True),
)
def test_http_1_0_ends_unless_it_says_keep_alive(exercise, fields, expected):
    got = exercise.persists(0, fields)
    assert got is expected, f"HTTP/1.0 with {fields}: {expected}, not {got} (RFC 9112 §9.3)"


@pytest.mark.task(1, rule="RFC 9110 §7.6.1")
@table(
    "fields",
    (("Connection", "close"),),
    (("CONNECTION", "Close"),),
    (("Connection", "upgrade, close"),),
    (("Connection", "close,upgrade"),),
    (("Connection", " upgrade \t,\tclose "),),
    (("Connection", "upgrade"), ("Host", "a"), ("connection", "close")),
)
def test_close_is_found_wherever_the_list_has_it(exercise, fields):
    assert exercise.persists(1, fields) is False, f"{fields} has the option close: the connection ends"


@pytest.mark.task(1, rule=PERSISTENCE)
@table(
    "minor, fields", (1, (("Connection", "keep-alive, close"),)), (0, (("Connection", "close, keep-alive"),))
)
def test_close_beats_keep_alive(exercise, minor, fields):
    assert exercise.persists(minor, fields) is False, f"{fields}: close comes first in §9.3, so it ends"


@pytest.mark.task(1, rule="RFC 9110 §7.6.1")
@table("minor, value, expected", (1, "closed", True), (1, "x-close", True), (1, "close-not", True),
       (0, "keep-alive-not", False), (0, "keepalive", False))  # fmt: skip
def test_an_option_is_a_whole_word(exercise, minor, value, expected):
    got = exercise.persists(minor, [("Connection", value)])
    assert got is expected, f"{value!r} is another option than close and keep-alive: {expected}, not {got}"


# --- task 2: write the response -----------------------------------------------------------------------


@pytest.mark.task(2, rule="RFC 9112 §4")
def test_a_response_is_a_status_line_field_lines_an_empty_line_and_content(exercise):
    made = exercise.render(
        request(exercise), exercise.Response(404, b"no\r\n", [("X-Y", "é"), ("x-y", "2")]), True
    )
    expected = b"HTTP/1.1 404 Not Found\r\nX-Y: \xe9\r\nx-y: 2\r\nContent-Length: 4\r\n\r\nno\r\n"
    same_bytes(
        made, expected, "status-line, field lines, empty line, RFC 9112 §4", "the octets of the response"
    )


@pytest.mark.task(2, rule=PERSISTENCE)
@table(
    "minor, persist, line",
    (1, True, b""),
    (1, False, b"Connection: close\r\n"),
    (0, True, b"Connection: keep-alive\r\n"),
    (0, False, b""),
)
def test_connection_is_sent_only_where_the_version_does_not_imply_it(exercise, minor, persist, line):
    made = exercise.render(request(exercise, minor=minor), exercise.Response(200, b"hi"), persist)
    expected = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + line + b"\r\nhi"
    same_bytes(
        made,
        expected,
        f"to HTTP/1.{minor}, persist is {persist}: {PERSISTENCE}",
        "the octets of the response",
    )


@pytest.mark.task(2, rule="RFC 9110 §9.3.2")
def test_a_response_to_head_has_the_length_and_no_content(exercise):
    made = exercise.render(request(exercise, "HEAD"), exercise.Response(200, b"hello"), True)
    expected = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    same_bytes(
        made, expected, "the client would read content as the next response", "the octets of the response"
    )


@pytest.mark.task(2, rule=LENGTH)
@table("status, head", (204, b"HTTP/1.1 204 No Content\r\n\r\n"),
       (304, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"))  # fmt: skip
def test_204_and_304_have_no_content_and_204_has_no_length(exercise, status, head):
    made = exercise.render(request(exercise), exercise.Response(status, b"hello"), True)
    same_bytes(made, head, "RFC 9112 §6.3 rule 1, RFC 9110 §8.6", "the octets")


@pytest.mark.task(2, rule=LENGTH)
def test_content_length_and_connection_are_sent_once_by_the_server(exercise):
    fields = [("content-length", "999"), ("A", "1"), ("CONNECTION", "keep-alive"), ("B", "2")]
    made = exercise.render(request(exercise), exercise.Response(200, b"hi", fields), False)
    expected = b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
    same_bytes(made, expected, "two lengths would be two framings", "the octets")


# --- task 3: answer what has come, in order -----------------------------------------------------------


@pytest.mark.task(3, rule=PERSISTENCE)
def test_one_connection_answers_one_request_after_the_other(connection, app, steps):
    for target in ("/a", "/b", "/c"):
        steps.sent(get(target), "the client sends")
        same_bytes(
            connection.received(get(target)), answer(f"GET {target} ".encode()), PERSISTENCE, "the answer"
        )
    assert not connection.closing, "neither side sent close: the connection waits for the next request"


@pytest.mark.task(3, rule=PIPELINING)
def test_pipelined_requests_are_answered_in_the_order_they_came(connection, app, steps):
    burst = get("/a") + post("/b", b"content") + get("/c")
    steps.sent(burst, "the client sends at once")
    expected = answer(b"GET /a ") + answer(b"POST /b content") + answer(b"GET /c ")
    same_bytes(
        connection.received(burst), expected, f"{PIPELINING}: in the order of the requests", "the answers"
    )
    assert app.seen == ["/a", "/b", "/c"], f"the app was asked for {app.seen}"


@pytest.mark.task(3, rule="RFC 9112 §2.2")
def test_a_request_in_pieces_is_answered_when_it_is_whole_and_not_before(connection, app, steps):
    wire = post("/a", b"hello")
    for end in range(1, len(wire)):
        got = connection.received(wire[end - 1 : end])
        assert got == b"", (
            f"after {end} of {len(wire)} octets the request is not whole, but you answered {got!r}"
        )
    steps.sent(wire, "the client has sent, octet by octet,")
    same_bytes(connection.received(wire[-1:]), answer(b"POST /a hello"), "the last octet makes it whole")


@pytest.mark.task(3, rule="RFC 9112 §2.2")
def test_the_answers_do_not_depend_on_where_the_bytes_are_cut(exercise, seed, steps):
    chance = random.Random(seed)
    wire = b"".join(
        post(f"/{n}", bytes(chance.choices(b"ab\r\n", k=chance.randrange(40)))) for n in range(20)
    )
    whole = exercise.Connection(App(exercise)).received(wire)
    for _ in range(5):
        places = [0, *sorted(chance.sample(range(1, len(wire)), 25)), len(wire)]
        connection = exercise.Connection(App(exercise))
        steps.note(f"cut at {places[1:-1]}")
        got = b"".join(connection.received(wire[a:b]) for a, b in pairwise(places))
        same_bytes(got, whole, "TCP has no borders of messages", "the answers")


@pytest.mark.task(3, rule=TEARDOWN)
def test_nothing_is_answered_after_the_request_that_said_close(connection, app, steps):
    burst = get("/a") + get("/b", "Connection: close") + get("/c")
    steps.sent(burst, "the client sends at once")
    expected = answer(b"GET /a ") + answer(b"GET /b ", "Connection: close")
    same_bytes(connection.received(burst), expected, f"{TEARDOWN}: /b was the last", "the answers")
    late = connection.received(get("/d"))
    assert late == b"" and app.seen == ["/a", "/b"], (
        f"{app.seen} ran, and {late!r} was answered after the close"
    )


@pytest.mark.task(3, rule=PIPELINING)
def test_requests_before_a_refusal_are_answered_first(connection, steps):
    burst = get("/a") + b"nonsense\r\n\r\n"
    steps.sent(burst, "the client sends at once")
    got = connection.received(burst)
    first = answer(b"GET /a ")
    same_bytes(got[: len(first)], first, f"{PIPELINING}: /a came first", "the octets of the first answer")
    assert got[len(first) :].startswith(b"HTTP/1.1 400 "), "then comes the refusal, with its 400"


# --- task 4: one exchange: is it the last? ------------------------------------------------------------


@pytest.mark.task(4, rule=PERSISTENCE)
@table("minor, fields, closing", (1, (), False), (1, (("Connection", "close"),), True), (0, (), True),
       (0, (("Connection", "keep-alive"),), False))  # fmt: skip
def test_the_request_may_say_that_it_is_the_last(exercise, connection, minor, fields, closing):
    got = connection.exchange(request(exercise, minor=minor, fields=fields))
    assert connection.closing is closing, (
        f"HTTP/1.{minor} with {fields}: closing is {closing} ({PERSISTENCE})"
    )
    said = b"Connection: close" if closing else b"Connection: keep-alive"
    expected = answer(b"GET / ", *([said.decode()] if closing == (minor == 1) else []))
    same_bytes(got, expected, "and the response says so", "the octets of the answer")


@pytest.mark.task(4, rule=TEARDOWN)
def test_the_response_may_say_that_it_is_the_last(exercise):
    connection = exercise.Connection(App(exercise, ("connection", "Close"), ("A", "1")))
    got = connection.exchange(request(exercise))
    assert connection.closing is True, "the app's Connection: close ends the connection (RFC 9112 §9.6)"
    expected = b"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 6\r\nConnection: close\r\n\r\nGET / "
    same_bytes(got, expected, f"{TEARDOWN}: a server that will close says so", "the octets of the answer")


@pytest.mark.task(4, rule="RFC 9110 §15.6.1")
def test_a_failing_handler_gets_500_and_the_connection_goes_on(exercise, steps):
    app = App(exercise, failing=["/bad"])
    connection = exercise.Connection(app)
    steps.note("the app raises ValueError at /bad")
    bad = exercise.Request("GET", "/bad", 1, ())
    expected = answer(b"the handler failed\n", status="500 Internal Server Error")
    same_bytes(connection.exchange(bad), expected, "RFC 9110 §15.6.1", "the octets of the answer")
    assert connection.closing is False, "the framing is whole: the next request can be found"


@pytest.mark.task(4, rule=PERSISTENCE)
def test_a_failing_handler_does_not_keep_a_closing_connection_open(exercise):
    connection = exercise.Connection(App(exercise, failing=["/"]))
    got = connection.exchange(request(exercise, fields=[("Connection", "close")]))
    assert connection.closing is True, "the request said close, whatever became of it (RFC 9112 §9.3)"
    assert b"\r\nConnection: close\r\n" in got, f"and the 500 says so: {got!r}"


# --- task 5: refuse, and read nothing after it --------------------------------------------------------


@pytest.mark.task(5, rule="RFC 9110 §15.5")
@table(
    "status, phrase", (400, "Bad Request"), (431, "Request Header Fields Too Large"), (501, "Not Implemented")
)
def test_a_refusal_names_the_rule_and_says_close(exercise, connection, status, phrase):
    got = connection.refuse(exercise.Refused(status, "the rule that was broken"))
    expected = answer(b"the rule that was broken\n", "Connection: close", status=f"{status} {phrase}")
    same_bytes(got, expected, "RFC 9112 §9.3: nothing can follow", "the octets of the refusal")


@pytest.mark.task(5, rule="RFC 9112 §11.2")
def test_bytes_after_a_refusal_are_not_read_as_a_request(connection, app, steps):
    smuggled = b"POST /a HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 40\r\n\r\n" + get("/admin")
    steps.sent(smuggled, "the client sends")
    got = connection.received(smuggled)
    assert got.startswith(b"HTTP/1.1 400 ") and got.count(b"HTTP/1.1 ") == 1, f"one 400, not {got!r}"
    late = connection.received(get("/admin"))
    assert late == b"" and app.seen == [], (
        f"{app.seen} ran behind a request with two lengths (RFC 9112 §11.2)"
    )
    assert connection.closing is True, "a connection with a framing error is over"


@pytest.mark.task(5, rule="RFC 9112 §11.2")
def test_a_refusal_drops_the_bytes_that_wait(exercise, connection):
    connection.waiting = b"no request can be found in these bytes"
    connection.refuse(exercise.Refused(400, "the rule that was broken"))
    assert connection.waiting == b"", "nothing of it will ever be read: do not keep it"
