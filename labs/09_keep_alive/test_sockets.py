"""The checks of lab 09, task 6: a connection over a real socket of this machine."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress

import pytest
from keep_alive_app import App, answer, get

from labs.runner.checks import same_bytes

PERSISTENCE, TEARDOWN = "RFC 9112 §9.3", "RFC 9112 §9.6"


@pytest.fixture
def app(exercise):
    return App(exercise)


# --- task 6: carry it over a socket -------------------------------------------------------------------


@contextmanager
def serving(exercise, app, idle=10.0, linger=10.0):
    """A client's socket, and the future of the `serve` that has the other end."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), timeout=3) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        server, _ = listener.accept()

        def work():
            try:
                exercise.serve(server, exercise.Connection(app), idle, linger)
                return server.fileno() < 0
            finally:
                server.close()

        future = pool.submit(work)
        try:
            yield client, future
        except Exception:
            client.close()
            future.result()  # what serve raised explains the rest
            raise
        client.close()
        future.result()


def send(client, octets):
    """Send; that the server has left already is for `read` to find."""
    with suppress(OSError):
        client.sendall(octets)


def read(client, size):
    """So many octets from the client's side, or all until the end."""
    got = b""
    try:
        while len(got) < size and (data := client.recv(size - len(got))):
            got += data
    except OSError as error:
        raise AssertionError(f"after {len(got)} of {size} octets the client saw: {error!r}") from None
    return got


@pytest.mark.task(6, rule=PERSISTENCE)
def test_the_socket_stays_open_from_one_request_to_the_next(exercise, app, steps):
    with serving(exercise, app) as (client, _):
        for target in ("/a", "/b", "/c"):
            send(client, get(target))
            steps.sent(get(target), "the client sent")
            expected = answer(f"GET {target} ".encode())
            same_bytes(read(client, len(expected)), expected, PERSISTENCE, "the octets of the answer")


@pytest.mark.task(6, rule=TEARDOWN)
def test_after_the_last_answer_comes_the_end(exercise, app, steps):
    expected = answer(b"GET /a ", "Connection: close")
    with serving(exercise, app) as (client, _):
        send(client, get("/a", "Connection: close"))
        steps.note("the client sent Connection: close and waits for the end")
        same_bytes(read(client, 10_000), expected, "then FIN, RFC 9112 §9.6", "the octets that it got")


@pytest.mark.task(6, rule="RFC 9112 §9.6")
def test_a_half_closed_client_still_gets_its_answers(exercise, app, steps):
    wire = get("/a") + get("/b")
    expected = answer(b"GET /a ") + answer(b"GET /b ")
    with serving(exercise, app) as (client, _):
        send(client, wire)
        client.shutdown(socket.SHUT_WR)
        steps.note("the client sent two requests, then FIN, and reads")
        same_bytes(
            read(client, 10_000), expected, "a half-closed client still reads", "the octets that it got"
        )


@pytest.mark.task(6, rule=TEARDOWN)
def test_unread_bytes_do_not_destroy_the_last_answer(exercise, app, steps):
    expected = answer(b"GET /a ", "Connection: close")
    with serving(exercise, app) as (client, _):
        steps.note("the client sends Connection: close and 200,000 octets more, and only then reads")
        send(client, get("/a", "Connection: close") + bytes(200_000))
        same_bytes(read(client, 10_000), expected, "and then an end, no reset", "the octets that it got")


@pytest.mark.task(6, rule="RFC 9112 §9.5")
def test_an_idle_connection_is_ended(exercise, app, steps):
    with serving(exercise, app, idle=0.05) as (client, _):
        steps.note("idle=0.05, and the client says nothing")
        same_bytes(read(client, 1), b"", "nothing came for `idle` seconds: FIN", "the octets that it got")


@pytest.mark.task(6, rule=TEARDOWN)
def test_a_client_that_never_closes_is_waited_for_at_most_linger_seconds(exercise, app, steps):
    with serving(exercise, app, linger=0.5) as (client, future):
        send(client, get("/a", "Connection: close"))
        steps.note("linger=0.5, and the client sends an octet every 0.01 s and never closes")
        end = time.monotonic() + 3
        while not future.done() and time.monotonic() < end:
            try:
                client.sendall(b"x")
            except OSError:
                wait([future], 3)  # the socket is closed, and `serve` about to return
                break
            time.sleep(0.01)
        assert future.done(), "linger is the time in all, not the time from octet to octet"


@pytest.mark.task(6, rule="RFC 9112 §9.6")
def test_a_client_that_vanished_is_no_error_and_leaves_no_socket_open(exercise, app, steps):
    with serving(exercise, app) as (client, future):
        steps.note("the client sends a request and resets the connection")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        send(client, get("/a"))
        client.close()
        assert future.result(5) is True, "serve closes the socket, whatever happens"
