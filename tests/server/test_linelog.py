"""A log whose reader stalls costs lines, counted, and never a turn of the event loop."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from netlab.server.linelog import LineHandler, LineLog, reopen_logs

LINE = "x" * 99


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def _drain(fd: int) -> bytes:
    os.set_blocking(fd, False)
    said = b""
    while True:
        try:
            said += os.read(fd, 1 << 16)
        except BlockingIOError:
            return said


async def test_lines_of_one_turn_leave_together(pipe: tuple[int, int]) -> None:
    lines = LineLog(fd=pipe[1])
    lines.write("one")
    lines.write("two")
    assert _drain(pipe[0]) == b""
    await asyncio.sleep(0)
    assert _drain(pipe[0]) == b"one\ntwo\n"
    lines.close()


def test_outside_an_event_loop_a_line_is_written_at_once(pipe: tuple[int, int]) -> None:
    lines = LineLog(fd=pipe[1])
    lines.write("one")
    assert _drain(pipe[0]) == b"one\n"
    lines.close()


def test_the_reader_s_own_descriptor_stays_blocking(pipe: tuple[int, int]) -> None:
    lines = LineLog(fd=pipe[1])
    assert not fcntl.fcntl(pipe[1], fcntl.F_GETFL) & os.O_NONBLOCK, "the shell shares it"
    lines.close()


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_reader_that_stalls_loses_lines_and_is_told_how_many(kind: str, pipe: tuple[int, int]) -> None:
    one, other = socket.socketpair()
    with one, other:
        reader, writer = pipe if kind == "pipe" else (one.fileno(), other.fileno())
        lines = LineLog(fd=writer, most=1000)
        for number in range(20_000):
            lines.write(f"{number:05} {LINE}")
        assert lines.lost > 10_000
        lost = lines.lost
        said = _drain(reader)
        lines.flush()
        rest = _drain(reader)
        told = f"netlab: {lost} log lines were lost: what reads them was too slow".encode()
        *numbered, last = (said + rest).splitlines()
        assert last == told
        assert [int(line[:5]) for line in numbered] == list(range(20_000 - lost)), "whole and in order"
        lines.write("goes on")
        assert _drain(reader) == b"goes on\n"
        lines.close()


async def test_what_did_not_go_is_offered_again(pipe: tuple[int, int]) -> None:
    lines = LineLog(fd=pipe[1])
    for _ in range(2000):
        lines.write(LINE)
    await asyncio.sleep(0)
    seen = len(_drain(pipe[0]))
    async with asyncio.timeout(20):
        while seen < 2000 * 100:
            await asyncio.sleep(0.01)
            seen += len(_drain(pipe[0]))
    assert lines.lost == 0
    lines.close()


async def test_threads_write_whole_lines_beside_the_event_loop(pipe: tuple[int, int]) -> None:
    lines = LineLog(fd=pipe[1])

    def work(number: int) -> None:
        for count in range(100):
            lines.write(f"{number} {count}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for count in range(100):
        lines.write(f"loop {count}")
        await asyncio.sleep(0)
    for thread in threads:
        thread.join()
    await asyncio.sleep(0)
    said = _drain(pipe[0]).decode().splitlines()
    assert sorted(said) == sorted(f"{who} {count}" for who in (0, 1, 2, 3, "loop") for count in range(100))
    lines.close()


def test_a_reader_that_has_left_costs_lines_alone() -> None:
    reader, writer = os.pipe()
    lines = LineLog(fd=writer)
    os.close(reader)
    lines.write("one")
    assert lines.lost == 1
    lines.close()
    os.close(writer)


def test_a_log_file_can_be_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    lines = LineLog(str(path))
    logger = logging.getLogger("netlab.tests.moved")
    other = tmp_path / "other"
    handler = logging.FileHandler(other)
    logger.addHandler(handler)
    try:
        lines.write("one")
        logger.warning("one")
        path.rename(tmp_path / "log.1")
        other.rename(tmp_path / "other.1")
        lines.write("two")
        reopen_logs()
        lines.write("three")
        logger.warning("three")
        assert (tmp_path / "log.1").read_text() == "before\none\ntwo\n"
        assert path.read_text() == "three\n"
        assert ((tmp_path / "other.1").read_text(), other.read_text()) == ("one\n", "three\n")
    finally:
        logger.removeHandler(handler)
        handler.close()
        lines.close()


def test_a_file_that_cannot_be_opened_anew_stays_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    lines = LineLog(str(folder / "log"))
    folder.rename(tmp_path / "moved")
    lines.reopen()
    lines.write("still here")
    assert (tmp_path / "moved" / "log").read_text() == "still here\n"
    lines.close()


def test_logging_goes_the_same_way(tmp_path: Path) -> None:
    lines = LineLog(str(tmp_path / "log"))
    handler = LineHandler(lines)
    try:
        raise KeyError("why")
    except KeyError:
        record = logging.LogRecord("n", logging.ERROR, "f", 1, "it failed: %s", ("so",), None)
        record.exc_info = (KeyError, KeyError("why"), None)
        handler.handle(record)
    assert (tmp_path / "log").read_text() == "it failed: so\nKeyError: 'why'\n"
    lines.close()
