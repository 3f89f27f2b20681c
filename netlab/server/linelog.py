"""Log lines that never make the server wait: a reader that stalls loses lines, and is told how many.

A server that writes its log into a pipe stands still as soon as the reader of the pipe does: a full pipe
blocks `write`. Here lines are gathered in memory and written in one call at the end of the turn of the event
loop, without blocking. What the pipe does not take waits, up to a limit. Lines beyond it are dropped and
counted, and the count is written when the reader goes on.

How a line reads is the caller's affair. SIGUSR1 opens log files anew, so that a rotation can move them away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
import threading
import weakref

# Bytes of lines that may wait for a slow reader: some 10,000 lines.
MOST = 1024 * 1024

# A write of at most so many bytes into a pipe is not mixed with those of other processes (pipe(7), PIPE_BUF).
_ATOMIC = 4096

# Seconds until what the reader did not take is offered again.
_RETRY = 0.1

log = logging.getLogger("netlab.server")

_all: weakref.WeakSet[LineLog] = weakref.WeakSet()


class LineLog:
    """A log that is a file, or a descriptor such as standard error.

    path: a file to append to, made if need be; None: the descriptor. Raises OSError when the file cannot be
    opened. most: bytes that may wait. Threads may write, too.
    """

    def __init__(self, path: str | None = None, fd: int = 2, most: int = MOST) -> None:
        self.path = path
        self.lost = 0
        """Lines dropped so far."""
        self._most = most
        self._lock = threading.Lock()  # around what follows
        self._waiting: list[bytes] = []
        self._size = 0
        self._unsaid = 0  # lost lines that the log itself does not tell of yet
        self._planned: asyncio.Handle | None = None  # the next flush
        self._loop: asyncio.AbstractEventLoop | None = None  # the loop that has planned it
        self._fd = _append_to(path) if path is not None else _without_blocking(fd)
        self._is_socket = stat.S_ISSOCK(os.fstat(self._fd).st_mode)
        _all.add(self)

    def write(self, line: str) -> None:
        """One line, without its end. Outside an event loop it is written at once."""
        octets = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            if self._size + len(octets) > self._most:
                self.lost += 1
                self._unsaid += 1
                return
            self._waiting.append(octets)
            self._size += len(octets)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self._planned is None or self._loop is not loop:
            self._loop = loop
            self._planned = loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what the log takes now; the rest is offered again a little later."""
        self._planned = None
        with self._lock:
            taken = self._write_all()
        if not taken:
            with contextlib.suppress(RuntimeError):
                self._planned = asyncio.get_running_loop().call_later(_RETRY, self.flush)

    def _write_all(self) -> bool:
        """Write what waits. False when the log takes no more now."""
        try:
            while self._waiting:
                self._write_some()
            if self._unsaid:
                self._tell_lost()
        except BlockingIOError:
            return False
        except OSError:  # its reader has left, or the disk is full: no client pays for that
            self.lost += len(self._waiting)
            self._unsaid += len(self._waiting)
            self._waiting.clear()
            self._size = 0
        return True

    def _write_some(self) -> None:
        """One call's worth of whole lines. A longer line goes alone."""
        count, size = 0, 0
        for line in self._waiting:
            if count and size + len(line) > _ATOMIC:
                break
            count, size = count + 1, size + len(line)
        piece = b"".join(self._waiting[:count])
        written = self._write(piece)
        rest = piece[written:]
        self._waiting[:count] = [rest] if rest else []
        self._size -= written

    def _tell_lost(self) -> None:
        text = f"netlab: {self._unsaid} log lines were lost: what reads them was too slow\n"
        self._write(text.encode())
        self._unsaid = 0

    def _write(self, data: bytes) -> int:
        if self._is_socket:
            with socket.socket(fileno=os.dup(self._fd)) as sock:
                return sock.send(data, socket.MSG_DONTWAIT)
        return os.write(self._fd, data)

    def reopen(self) -> None:
        """Open the file anew, under its name. The old one stays in use when that fails; no error then."""
        if self.path is None:
            return
        self.flush()
        try:
            new = _append_to(self.path)
        except OSError as error:
            log.error("the log %s cannot be opened anew: %s", self.path, error.strerror)
        else:
            with self._lock:
                old, self._fd = self._fd, new
            os.close(old)

    def close(self) -> None:
        """Write what can be written, and close. No error when closed already."""
        if self._fd >= 0:
            self.flush()
            if self._planned is not None:
                self._planned.cancel()
            os.close(self._fd)
            self._fd = -1
            _all.discard(self)


class LineHandler(logging.Handler):
    """A handler of Python's logging that writes warnings and errors to a LineLog."""

    def __init__(self, lines: LineLog) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, in one piece: a traceback has several lines."""
        try:
            self._lines.write(self.format(record))
        except Exception:
            self.handleError(record)


def flush_logs() -> None:
    """Write what waits in every LineLog, as far as it takes it now: before the process ends."""
    for lines in list(_all):
        lines.flush()


def reopen_logs() -> None:
    """Open anew every LineLog that is a file, and the files of Python's logging."""
    for lines in list(_all):
        lines.reopen()
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        if isinstance(handler, logging.FileHandler):
            _reopen_file(handler)


def _reopen_file(handler: logging.FileHandler) -> None:
    try:
        new = open(handler.baseFilename, "a", encoding=handler.encoding, errors=handler.errors)  # noqa: SIM115
    except OSError as error:
        log.error("the log %s cannot be opened anew: %s", handler.baseFilename, error.strerror)
        return
    old = handler.setStream(new)
    if old is not None:
        old.close()


def _append_to(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o640)


def _without_blocking(fd: int) -> int:
    """A descriptor for the same file that does not block, where the kind of file could block.

    O_NONBLOCK belongs to the open file, which other processes share: set on standard error, it would hit the
    shell, too. So a pipe or a terminal is opened a second time.
    """
    kind = os.fstat(fd).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
        with contextlib.suppress(OSError):
            return os.open(f"/dev/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return os.dup(fd)
