"""How much the kernel may hold for a peer follows the peer's window: asked of the kernel itself."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from netlab.net import window

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO has its layout from Linux")

KIB = 1024


@pytest.fixture
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A writer that has what a server's connection has, and its reader."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        window.limit(listener)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        reader = stack.enter_context(socket.socket())
        reader.connect(listener.getsockname())
        writer = stack.enter_context(listener.accept()[0])
        writer.setblocking(False)
        yield writer, reader


def allowed(sock: socket.socket) -> int:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)


def fill(sock: socket.socket) -> int:
    sent = 0
    while True:
        try:
            sent += sock.send(bytes(64 * KIB))
        except BlockingIOError:
            return sent


def test_an_accepted_connection_has_its_listener_s_limit(
    connected: tuple[socket.socket, socket.socket],
) -> None:
    assert allowed(connected[0]) == window.UNSENT


def test_a_window_with_room_raises_the_limit_to_what_fits_into_it(
    connected: tuple[socket.socket, socket.socket],
) -> None:
    writer, reader = connected
    # The kernel widens the window of a reader that keeps up (tcp(7), tcp_moderate_rcvbuf).
    advertised = 0
    for _ in range(1000):
        left = writer.send(bytes(128 * KIB))
        while left:
            left -= len(reader.recv(left))
        info = writer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
        advertised = struct.unpack_from("=228xI", info)[0]
        if advertised > 3 * window.UNSENT:
            break
    window.follow(writer)
    assert window.UNSENT < allowed(writer) <= advertised / 2


def test_a_full_window_takes_the_limit_back_to_its_floor(
    connected: tuple[socket.socket, socket.socket],
) -> None:
    writer, _ = connected
    writer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, window.MOST)
    assert fill(writer) > window.MOST
    window.follow(writer)
    assert allowed(writer) == window.UNSENT


def test_a_socket_without_a_window_is_left_alone() -> None:
    one, other = socket.socketpair()
    with one, other:
        window.follow(one)
        assert one.send(b"still of use") == 12
