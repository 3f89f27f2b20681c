"""What the kernel is asked about a socket, on this system and, with an injected socket, on another one."""

from __future__ import annotations

import socket
import sys
from typing import cast

import pytest

from netlab.net.sockets import unconfirmed


class Asked:
    """In place of a socket: notes which option it is asked for."""

    def __init__(self, answer: int | OSError) -> None:
        self._answer = answer
        self.options: list[tuple[int, int]] = []

    def getsockopt(self, level: int, option: int) -> int:
        self.options.append((level, option))
        if isinstance(self._answer, OSError):
            raise self._answer
        return self._answer


def test_macos_is_asked_for_so_nwrite() -> None:
    asked = Asked(4096)
    assert unconfirmed(cast(socket.socket, asked), "darwin") == 4096
    assert asked.options == [(socket.SOL_SOCKET, 0x1024)]


def test_a_kernel_that_refuses_the_question_counts_as_nothing_unconfirmed() -> None:
    assert unconfirmed(cast(socket.socket, Asked(OSError("no such option"))), "darwin") == 0


def test_a_system_without_an_entry_is_not_asked() -> None:
    asked = Asked(4096)
    assert unconfirmed(cast(socket.socket, asked), "sunos5") == 0
    assert asked.options == []


@pytest.mark.linux("TIOCOUTQ on a socket")
def test_linux_tells_what_the_peer_has_not_taken() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert unconfirmed(ours) == 0
        ours.send(b"x" * 1000)
        assert unconfirmed(ours, "linux") >= 1000  # a Unix socket counts the kernel's own overhead, too
        assert len(theirs.recv(65536)) == 1000
        assert unconfirmed(ours) == 0


def test_a_closed_socket_has_nothing_unconfirmed() -> None:
    with socket.socket() as sock:
        pass
    assert unconfirmed(sock, sys.platform) == 0
