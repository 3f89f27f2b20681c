"""The checks of lab 01: what a client owes to TCP, which keeps octets in order and nothing else.

Most talk to a stream that hands out exactly the pieces it is told to; the others to real sockets, whose far
end is a thread that ends with its test.
"""

from __future__ import annotations

import random
import socket
import threading

import pytest
from far_ends import Listener, Stream, cut, one_by_one

from labs.runner.checks import same_bytes, table

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


# --- task 1: write the request ------------------------------------------------------------------------


@pytest.mark.task(1, rule="RFC 9112 §3")
def test_a_request_is_a_request_line_then_host_then_an_empty_line(exercise):
    expected = b"GET /data HTTP/1.1\r\nHost: example.org:8080\r\n\r\n"
    same_bytes(
        exercise.request_bytes("example.org", 8080, "/data"), expected, "RFC 9112 §3, §3.2", "the request"
    )


@pytest.mark.task(1, rule="RFC 9110 §7.2")
def test_host_names_a_port_that_is_not_the_default(exercise):
    expected = b"GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"
    same_bytes(exercise.request_bytes("localhost", 8080, "/"), expected, "RFC 9110 §7.2", "the request")


# --- task 2: send every octet -------------------------------------------------------------------------


@pytest.mark.task(2, rule="send(2): it may accept less than it is given")
@pytest.mark.parametrize("takes", [1, 7, 4096])
def test_every_octet_is_sent_once_and_in_order_however_little_send_takes(exercise, steps, takes):
    data = bytes(range(256)) * 5
    steps.note(f"a socket whose send takes at most {takes} of {len(data)} octets")
    stream = Stream(takes=takes)
    exercise.Connection(stream).send(data)
    same_bytes(stream.sent, data, "send returns how many octets it took", "the octets sent")


@pytest.mark.task(2, rule="send(2): it may accept less than it is given")
def test_a_real_socket_with_a_small_buffer_gets_it_all(exercise, steps, seed):
    data = random.Random(seed).randbytes(200_000)
    here, there = socket.socketpair()
    received = []

    def read():
        while piece := there.recv(10_000):
            received.append(piece)

    with here, there:
        here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        # With a timeout, send does not block in the kernel: it takes what fits and says how much.
        here.settimeout(3)
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            steps.note(f"send {len(data)} octets through a buffer of 4 KiB")
            exercise.Connection(here).send(data)
        finally:
            here.shutdown(socket.SHUT_WR)
            reader.join(3)
    same_bytes(b"".join(received), data, "send returns how many octets it took", "the octets received")


# --- task 3: receive what has arrived -----------------------------------------------------------------


def reading(exercise, pieces, steps, waiting=b"", **stream):
    connection = exercise.Connection(Stream(pieces, steps, **stream))
    connection.waiting = waiting
    return connection


@pytest.mark.task(3, rule="recv(2): it returns what has arrived")
def test_bytes_that_arrive_are_added_after_those_that_wait(exercise, steps):
    connection = reading(exercise, [b"TP/1.1", b" 200 OK"], steps, waiting=b"HT")
    connection.receive()
    same_bytes(connection.waiting, b"HTTP/1.1", "one recv, added behind what waits", "what waits")
    connection.receive()
    same_bytes(connection.waiting, b"HTTP/1.1 200 OK", "one recv, added behind what waits", "what waits")


@pytest.mark.task(3, rule="RFC 9112 §8")
@pytest.mark.parametrize("waiting", [b"", b"HTTP/1.1 200"], ids=["nothing waits", "half a head waits"])
def test_the_end_of_the_connection_is_an_error(exercise, steps, waiting):
    connection = reading(exercise, [], steps, waiting, then_ends=True)
    with pytest.raises(exercise.EndedEarly):
        connection.receive()
        raise AssertionError("recv gave b'': the server has closed, and receive must raise EndedEarly")


# --- task 4: read a whole head ------------------------------------------------------------------------


@pytest.mark.task(4, rule="RFC 9112 §2.1")
def test_a_head_goes_up_to_its_empty_line_and_the_rest_stays_waiting(exercise, steps):
    connection = reading(exercise, [OK + b"hello" + OK], steps)
    same_bytes(connection.read_head(), OK, "head = lines, then an empty line, RFC 9112 §2.1", "the head")
    left = connection.waiting + b"".join(connection.stream.pieces)
    same_bytes(left, b"hello" + OK, "what comes after the head is not the head's", "what is left for later")


@pytest.mark.task(4, rule="RFC 9112 §2.2")
@pytest.mark.parametrize("way", ["octet by octet", "cut inside the end"])
def test_a_head_that_arrives_in_pieces_is_read_whole(exercise, steps, way):
    pieces = one_by_one(OK) if way == "octet by octet" else [OK[:-3], OK[-3:-1], OK[-1:] + b"he"]
    connection = reading(exercise, pieces, steps)
    same_bytes(connection.read_head(), OK, "one recv is not one message", "the head")


@pytest.mark.task(4, rule="RFC 9112 §2.2")
def test_a_head_that_waits_already_needs_no_recv(exercise, steps):
    connection = reading(exercise, [], steps, waiting=OK + b"hello")
    same_bytes(connection.read_head(), OK, "look into waiting first", "the head")
    same_bytes(connection.waiting, b"hello", "look into waiting first", "what waits")


@pytest.mark.task(4, rule="RFC 9112 §8")
@pytest.mark.parametrize(
    "piece", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", OK[:-1]], ids=["nothing", "half", "almost"]
)
def test_an_end_inside_the_head_is_an_error(exercise, steps, piece):
    connection = reading(exercise, [piece] if piece else [], steps, then_ends=True)
    with pytest.raises(exercise.EndedEarly):
        head = connection.read_head()
        raise AssertionError(
            f"recv gave b'', which means that the server has closed; yet read_head returned {head!r}"
        )


@pytest.mark.task(4, rule="RFC 9112 §3: a limit is the recipient's to set")
def test_a_head_without_an_end_is_refused_at_its_limit(exercise, steps):
    pieces = [b"HTTP/1.1 200 OK\r\n"] + [b"X-More: and more\r\n" * 200] * 60
    came = sum(map(len, pieces))
    said = f"{came:,} octets came without an empty line, and recv was called again: raise BadResponse"
    connection = reading(exercise, pieces, steps, once_more=said)
    with pytest.raises(exercise.BadResponse):
        connection.read_head()
        raise AssertionError("a head without an end was accepted")
    left = len(connection.stream.pieces)
    assert left > 30, (
        f"LARGEST_HEAD had long arrived, and it read on: only {left} of 61 pieces were left unread"
    )


# --- task 5: read exactly the content -----------------------------------------------------------------


@pytest.mark.task(5, rule="RFC 9112 §6.3")
@pytest.mark.parametrize("way", ["at once", "octet by octet", "cut at random"])
def test_content_that_arrives_in_pieces_is_read_whole(exercise, steps, seed, way):
    content = random.Random(seed).randbytes(300)
    pieces = {
        "at once": [content],
        "octet by octet": one_by_one(content),
        "cut at random": cut(content, seed),
    }
    connection = reading(exercise, pieces[way], steps)
    same_bytes(connection.read_content(300), content, "one recv is not one message", "the content")


@pytest.mark.task(5, rule="RFC 9112 §6.3")
def test_bytes_that_wait_already_are_read_first(exercise, steps):
    connection = reading(exercise, [b"lo"], steps, waiting=b"hel")
    same_bytes(connection.read_content(5), b"hello", "look into waiting first", "the content")
    same_bytes(connection.waiting, b"", "every octet is taken once", "what waits")


@pytest.mark.task(5, rule="RFC 9112 §9.3.2")
@pytest.mark.parametrize("waiting", [b"", b"he", b"hello", b"helloHTTP"])
def test_the_bytes_of_the_next_response_are_left(exercise, steps, waiting):
    whole = b"helloHTTP/1.1 200 OK\r\n"
    connection = reading(exercise, [whole[len(waiting) :]], steps, waiting)
    same_bytes(connection.read_content(5), b"hello", "content-length: 5", "the content")
    left = connection.waiting + b"".join(connection.stream.pieces)
    same_bytes(
        left, whole[5:], "what comes after the content is the next response's", "what is left for later"
    )


@pytest.mark.task(5, rule="RFC 9112 §6.3")
def test_after_the_whole_content_recv_is_not_called_again(exercise, steps):
    for waiting, length in ((b"", 0), (b"hello", 5), (b"hello and more", 5)):
        steps.note(f"read_content({length}) while {waiting!r} waits")
        connection = reading(exercise, [], steps, waiting)
        same_bytes(connection.read_content(length), waiting[:length], "RFC 9112 §6.3", "the content")


@pytest.mark.task(5, rule="RFC 9112 §8")
@pytest.mark.parametrize("arrived", [b"", b"hell"])
def test_an_end_inside_the_content_is_an_error(exercise, steps, arrived):
    connection = reading(exercise, [arrived] if arrived else [], steps, then_ends=True)
    with pytest.raises(exercise.EndedEarly):
        content = connection.read_content(5)
        raise AssertionError(
            f"the server closed after {len(arrived)} of 5 octets; yet read_content gave {content!r}"
        )


# --- task 6: fetch, and fetch again -------------------------------------------------------------------


@pytest.mark.task(6, rule="RFC 9112 §9.3")
@pytest.mark.parametrize("way", ["in one piece", "octet by octet", "cut at random"])
def test_each_of_two_exchanges_gets_its_own_response(exercise, steps, seed, way):
    both = OK + b"first" + b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n" + b"second"
    pieces = {"in one piece": [both], "octet by octet": one_by_one(both), "cut at random": cut(both, seed)}
    connection = reading(exercise, pieces[way], steps)
    first = connection.get("a", 8080, "/1")
    second = connection.get("a", 8080, "/2")
    assert (first.status, second.status) == (200, 404), "each exchange has its own status"
    assert first.fields == {"content-length": "5"}, f"the fields of the first were {first.fields}"
    same_bytes(first.content, b"first", "one exchange after another", "the first content")
    same_bytes(second.content, b"second", "one exchange after another", "the second content")
    requests = b"GET /1 HTTP/1.1\r\nHost: a:8080\r\n\r\nGET /2 HTTP/1.1\r\nHost: a:8080\r\n\r\n"
    same_bytes(connection.stream.sent, requests, "one request for each exchange", "the octets sent")


@pytest.mark.task(6, rule="RFC 9112 §9.3")
def test_one_real_connection_serves_several_exchanges(exercise, steps):
    with Listener(OK + b"first", OK + b"again") as server:
        steps.note("one connection, two requests, the second after the first response")
        with socket.create_connection(("127.0.0.1", server.port), timeout=3) as stream:
            connection = exercise.Connection(stream)
            contents = [connection.get("127.0.0.1", server.port, path).content for path in ("/1", "/2")]
    assert contents == [b"first", b"again"], f"the contents were {contents}"
    assert [request.split()[1] for request in server.requests] == [b"/1", b"/2"], (
        "both came over one connection"
    )


@pytest.fixture
def opened(monkeypatch):
    """Every connection that socket.create_connection made, kept so that none is closed by chance."""
    made = []
    connect = socket.create_connection

    def create_connection(*arguments, **options):
        made.append(connect(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(socket, "create_connection", create_connection)
    yield made
    for stream in made:
        stream.close()


@pytest.mark.task(6, rule="RFC 9293 §3.6")
def test_fetch_opens_a_connection_and_closes_it(exercise, steps, opened):
    with Listener(OK + b"hello") as server:
        steps.note("fetch from a real server")
        response = exercise.fetch("127.0.0.1", server.port, "/data")
        assert len(opened) == 1, (
            f"fetch opened {len(opened)} connections with socket.create_connection, not 1"
        )
        closed = opened[0].fileno() < 0
        assert closed, "fetch left its connection open: close it before fetch returns"
    same_bytes(response.content, b"hello", "content-length: 5", "the content")
    expected = b"GET /data HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port
    same_bytes(server.requests[0], expected, "RFC 9112 §3", "the request as the server got it")


@pytest.mark.task(6, rule="RFC 9293 §3.6")
def test_fetch_closes_the_connection_after_a_failure_too(exercise, steps, opened):
    with Listener(b"hello\r\n\r\n") as server:
        steps.note("the server sends hello, which is no HTTP/1.1")
        with pytest.raises(exercise.BadResponse):
            response = exercise.fetch("127.0.0.1", server.port, "/")
            raise AssertionError(f"what is no HTTP/1.1 was accepted: {response}")
        assert opened, "fetch opened no connection with socket.create_connection"
        closed = opened[0].fileno() < 0
        assert closed, "fetch raised BadResponse and left its connection open"


# --- task 7 (further): know how long the content is ---------------------------------------------------


@pytest.mark.task(7, rule="RFC 9112 §6.3 rule 5")
@pytest.mark.parametrize(
    ("value", "length"), [("0", 0), ("5", 5), ("0017", 17), ("999999999999999999", 10**18 - 1)]
)
def test_the_length_is_the_value_of_content_length(exercise, value, length):
    found = exercise.content_length(206, {"content-length": value})
    assert found == length, f"content-length: {value} means {length} octets, not {found!r}"


WRONG_LENGTHS = ["", "+5", "-5", "0x5", "1_0", "5.0", " 5", "5 ", "5\n", "5, 5", "five", "٥", "²", "9" * 19]


@pytest.mark.task(7, rule="RFC 9110 §8.6")
@table("value", *WRONG_LENGTHS)
def test_a_length_that_is_not_digits_is_refused(exercise, steps, value):
    steps.note(f"content_length(200, {{'content-length': {value!r}}})")
    with pytest.raises(exercise.BadResponse):
        found = exercise.content_length(200, {"content-length": value})
        raise AssertionError(f"{value!r} is not 1*DIGIT, yet it was read as {found!r} (RFC 9110 §8.6)")


@pytest.mark.task(7, rule="RFC 9112 §6.3 rule 8")
def test_content_without_a_length_is_refused(exercise):
    with pytest.raises(exercise.BadResponse):
        found = exercise.content_length(200, {"content-type": "text/plain"})
        raise AssertionError(f"nothing says where the content ends, yet the length was {found!r}")


@pytest.mark.task(7, rule="RFC 9112 §6.3 rule 3")
def test_a_transfer_coding_goes_before_the_length(exercise):
    with pytest.raises(exercise.BadResponse):
        found = exercise.content_length(200, {"transfer-encoding": "chunked", "content-length": "5"})
        raise AssertionError(f"the content is in chunks, yet its length was read as {found!r}")


@pytest.mark.task(7, rule="RFC 9112 §6.3 rule 1")
@pytest.mark.parametrize("status", [100, 103, 204, 304])
def test_some_responses_have_no_content_whatever_their_fields_say(exercise, status):
    for fields in ({}, {"content-length": "5"}, {"transfer-encoding": "chunked"}):
        found = exercise.content_length(status, fields)
        assert found == 0, f"a {status} ends with its head; with {fields} the length was {found!r}"


@pytest.mark.task(7, rule="RFC 9112 §6.3 rule 1")
def test_a_304_with_a_length_does_not_wait_for_content(exercise, steps):
    connection = reading(exercise, [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"], steps)
    response = connection.get("a", 8080, "/")
    assert response.status == 304, f"the status was {response.status}"
    same_bytes(response.content, b"", "a 304 has no content, RFC 9112 §6.3 rule 1", "the content")


# --- task 8 (further): write a request that is not plain -----------------------------------------------


@pytest.mark.task(8, rule="RFC 9110 §7.2")
def test_host_leaves_out_the_default_port(exercise):
    expected = b"GET /data?x=1 HTTP/1.1\r\nHost: example.org\r\n\r\n"
    same_bytes(
        exercise.request_bytes("example.org", 80, "/data?x=1"), expected, "RFC 9110 §7.2", "the request"
    )


@pytest.mark.task(8, rule="RFC 3986 §3.2.2")
@pytest.mark.parametrize("port", [80, 8080])
def test_an_ipv6_address_stands_in_brackets(exercise, port):
    expected = b"GET / HTTP/1.1\r\nHost: [::1]%s\r\n\r\n" % (b"" if port == 80 else b":8080")
    same_bytes(
        exercise.request_bytes("::1", port, "/"), expected, "IP-literal, RFC 3986 §3.2.2", "the request"
    )


@pytest.mark.task(8, rule="RFC 9112 §3.2.1")
def test_an_empty_path_is_asked_for_as_a_slash(exercise):
    expected = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    same_bytes(exercise.request_bytes("a", 80, ""), expected, "origin-form, RFC 9112 §3.2.1", "the request")


BREAKING = ["/a b", "/a\r\nX-Admin: yes", "/a\nb", "/\0", "/\x7f", "/ü", "/a\u2028", "/end\n"]


@pytest.mark.task(8, rule="RFC 9112 §11.1")
@table("text", *BREAKING)
def test_a_path_or_a_host_with_a_line_break_is_refused(exercise, steps, text):
    for host, path in (("a", text), ("a" + text[1:], "/")):
        steps.note(f"request_bytes({host!r}, 80, {path!r})")
        try:
            written = exercise.request_bytes(host, 80, path)
        except ValueError:
            continue
        raise AssertionError(
            f"{text!r} was let in and the request became {written!r}: raise ValueError (request splitting, "
            "RFC 9112 §11.1)"
        )


# --- task 9 (further): skip interim responses ---------------------------------------------------------


@pytest.mark.task(9, rule="RFC 9110 §15.2")
def test_interim_responses_are_not_the_answer(exercise, steps):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
    connection = reading(exercise, [b"HTTP/1.1 100 Continue\r\n\r\n" + hints, hints + OK + b"hello"], steps)
    response = connection.get("a", 8080, "/")
    assert response.status == 200, (
        f"a {response.status} is interim: the response to the request comes after it"
    )
    same_bytes(response.content, b"hello", "RFC 9110 §15.2", "the content")
