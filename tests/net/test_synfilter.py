"""A listening socket that lets no new handshake begin, and keeps what has begun."""

from __future__ import annotations

import errno
import select
import socket
import sys

import pytest

from netlab.net.synfilter import refuse_handshakes

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux (socket filters)")


@linux
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_new_clients_wait_and_completed_ones_are_kept(family: socket.AddressFamily, host: str) -> None:
    with (
        socket.create_server((host, 0), family=family) as listener,
        socket.socket(family) as early,
        socket.socket(family) as late,
    ):
        address = listener.getsockname()
        early.connect(address)
        refuse_handshakes(listener)
        late.setblocking(False)
        assert late.connect_ex(address) == errno.EINPROGRESS
        taken, _ = listener.accept()
        with taken:
            early.sendall(b"hello")
            assert taken.recv(5) == b"hello", "a client that was there is served as ever"
            taken.sendall(b"there")
            assert early.recv(5) == b"there"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
        assert not select.select([], [late], [], 0)[1], "no handshake: neither made nor refused"
        listener.close()
        # Its next SYN, about a second later, meets no listener: an honest refusal.
        assert select.select([], [late], [], 30)[1]
        assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_a_socket_that_cannot_be_filtered_is_left_as_it_is() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as closed:
        pass
    refuse_handshakes(closed)
