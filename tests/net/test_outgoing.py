"""What waits for the kernel: gathered, in order, nothing twice; counted in calls on a recording socket."""

from __future__ import annotations

import os
import socket
import tempfile
from typing import cast

import pytest

from netlab.net.filepart import FilePart
from netlab.net.outgoing import RECORD, Outgoing
from netlab.net.tlsobject import TlsObject


class Recorder:
    """A socket that takes at most so many bytes a call, and then none."""

    def __init__(self, *takes: int) -> None:
        self.takes = list(takes)
        self.calls: list[bytes] = []
        self.corked: list[int] = []

    def send(self, data: bytes) -> int:
        if not self.takes:
            raise BlockingIOError
        taken = bytes(data[: self.takes.pop(0)])
        self.calls.append(taken)
        return len(taken)

    write = send

    def sendmsg(self, parts: list[bytes]) -> int:
        return self.send(b"".join(parts))

    def setsockopt(self, level: int, name: int, value: int) -> None:
        assert (level, name) == (socket.IPPROTO_TCP, socket.TCP_CORK)
        self.corked.append(value)


def as_socket(recorder: Recorder) -> socket.socket:
    return cast(socket.socket, recorder)


def as_tls(recorder: Recorder) -> TlsObject:
    return cast(TlsObject, recorder)


def test_pieces_that_wait_leave_in_one_call() -> None:
    outgoing, recorder = Outgoing((b"one ", memoryview(b"two "), bytearray(b"three"))), Recorder(99)
    assert outgoing.send(as_socket(recorder)) == 13
    assert recorder.calls == [b"one two three"]
    assert not outgoing


@pytest.mark.parametrize("first", range(1, 14))
def test_what_a_call_did_not_take_comes_next_and_nothing_twice(first: int) -> None:
    outgoing, recorder = Outgoing((b"one ", b"two ", b"three")), Recorder(first, 99)
    while outgoing:
        outgoing.send(as_socket(recorder))
    assert b"".join(recorder.calls) == b"one two three"
    assert len(recorder.calls) == (1 if first == 13 else 2)


def test_bytes_that_have_gone_before_do_not_wait() -> None:
    outgoing = Outgoing((b"8\r\n", b"contents", b"\r\n"), sent=5)
    assert len(outgoing) == 8
    recorder = Recorder(99)
    outgoing.send(as_socket(recorder))
    assert recorder.calls == [b"ntents\r\n"]


def test_a_file_keeps_its_place_between_the_pieces() -> None:
    """It is sent by the kernel: a real socket takes it."""
    one, other = socket.socketpair()
    with one, other, tempfile.TemporaryFile() as film:
        film.write(b"0123456789")
        film.flush()
        outgoing = Outgoing((b"head ", FilePart(film.fileno(), 2, 5), b" tail"))
        assert [outgoing.send(one) for _ in range(3)] == [5, 5, 5]
        assert not outgoing
        assert other.recv(99) == b"head 23456 tail"


def test_a_large_piece_leaves_record_by_record_corked() -> None:
    content = os.urandom(3 * RECORD + 7)
    outgoing, recorder = Outgoing((content,)), Recorder(*[RECORD] * 4)
    assert outgoing.send_records(as_socket(recorder), as_tls(recorder), 1 << 20) == len(content)
    assert [len(call) for call in recorder.calls] == [RECORD, RECORD, RECORD, 7]
    assert b"".join(recorder.calls) == content
    assert recorder.corked == [1, 0]


def test_a_kernel_that_takes_no_more_is_uncorked_and_the_record_offered_again() -> None:
    content = os.urandom(3 * RECORD)
    outgoing, recorder = Outgoing((content,)), Recorder(RECORD)
    with pytest.raises(BlockingIOError):
        outgoing.send_records(as_socket(recorder), as_tls(recorder), 1 << 20)
    assert recorder.corked == [1, 0]
    recorder.takes = [RECORD] * 2
    outgoing.send_records(as_socket(recorder), as_tls(recorder), 1 << 20)
    assert b"".join(recorder.calls) == content


def test_one_turn_sends_no_more_than_it_may() -> None:
    outgoing, recorder = Outgoing((bytes(8 * RECORD),)), Recorder(*[RECORD] * 8)
    assert outgoing.send_records(as_socket(recorder), as_tls(recorder), 2 * RECORD) == 2 * RECORD
    assert len(outgoing) == 6 * RECORD


def test_a_single_record_needs_no_cork() -> None:
    outgoing, recorder = Outgoing((bytes(RECORD),)), Recorder(RECORD)
    outgoing.send_records(as_socket(recorder), as_tls(recorder), 1 << 20)
    assert recorder.corked == []
