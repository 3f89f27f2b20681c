"""A thread that ends a TLS read which does not return.

Theory of operation. A TLS 1.3 peer may send KeyUpdate messages (RFC 8446 §4.6.3), each 27 bytes, as many as
it likes. OpenSSL answers them inside `SSL_read` and goes on to the next record: it returns when application
data comes or the kernel's buffer is empty. A peer that fills the buffer as fast as OpenSSL empties it (4 MB/s
are enough) keeps one `recv` from returning. The event loop stands still, and with it every other connection
and every deadline. Python sets SSL_MODE_AUTO_RETRY, so no setting of the module makes `SSL_read` return
between two records, and the records are encrypted, so a look at them beforehand (MSG_PEEK) does not tell a
KeyUpdate from data. `ssl.MemoryBIO` would bound a read, at 3 KiB more for every idle connection.

What is left is to end the read from outside. OpenSSL runs without the interpreter's lock, so a thread can
look at the loop's thread. When it finds the same call of `Transport.ready` or `unwrap` again and again, and
the loop's thread has used more than BUSY seconds of CPU time in between, then that peer abuses its
connection: a read of data takes 0.1 ms. The thread puts another file in the place of the socket, under the
same number. The kernel resets the connection, and OpenSSL's next system call fails, one record later.

So one such peer holds the loop for a tenth of a second at most, instead of for as long as it likes. The price
under full load is 2 % of the CPU time of a TLS request, three quarters of it for nothing but a second thread:
malloc then locks, and the kernel counts the users of each descriptor. A loop that has nothing to do is looked
at four times a second. Without TLS there is no such thread, nor where TLS 1.2 is the newest version, which
has no KeyUpdate: `server_context(maximum=ssl.TLSVersion.TLSv1_2)`, `serve --tls-max 1.2`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

# Seconds of CPU time in one call after which it is ended. A read of 64 KiB takes a hundredth of it.
BUSY = 0.010

# Seconds between two looks while the loop works, while it has nothing to do, and once it was found in a read.
INTERVAL = 0.05
IDLE_INTERVAL = 0.25
CLOSER = 0.02

ENDLESS: dict[CodeType, Callable[[Any], socket.socket]] = {
    ssl.SSLSocket.read.__code__: lambda stuck: stuck,
    ssl.SSLSocket.unwrap.__code__: lambda stuck: stuck,
}
"""Functions that call OpenSSL and wait until it has processed the records that the peer sends.

With each: how its `self` leads to the socket. `transport` adds its own. A handshake is no such call, since
OpenSSL bounds what may come in it.
"""

log = logging.getLogger("netlab.net")


class Watchdog:
    """Watches the thread that makes it. `start` it, and `stop` it.

    clock: CPU seconds of the watched thread. end: ends the call in which a socket is stuck.
    """

    def __init__(
        self,
        clock: Callable[[], float] | None = None,
        end: Callable[[socket.socket], None] | None = None,
    ) -> None:
        self._watched = threading.get_ident()
        self._clock = clock or _cpu_clock(self._watched)
        self._end = end or _replace_descriptor
        self._suspect = 0  # the identity of the call in which the last look found the loop
        self._held: FrameType | None = None  # that call, once two looks have found it
        self._since = 0.0  # the clock when it was found the second time
        self._last = 0.0  # the clock at the last look
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="netlab TLS watchdog", daemon=True)
        self.ended = 0
        """Calls that were ended."""

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread. No error when it has ended."""
        self._stopped.set()
        self._thread.join()
        self._held = None

    def _run(self) -> None:
        pause = INTERVAL
        while not self._stopped.wait(pause):
            pause = self.look(sys._current_frames().get(self._watched))

    def look(self, frame: FrameType | None) -> float:
        """Look where the loop's thread is. Seconds until the next look.

        frame: its innermost call.
        """
        now = self._clock()
        worked, self._last = now - self._last > INTERVAL / 50, now
        if frame is None or frame.f_code not in ENDLESS:
            self._suspect, self._held = 0, None
            return INTERVAL if worked else IDLE_INTERVAL
        if frame is self._held:
            if now - self._since >= BUSY:
                self._held = None
                self.ended += 1
                self._end(ENDLESS[frame.f_code](frame.f_locals["self"]))
                log.warning("a peer kept one TLS read busy for %.0f ms: reset", 1000 * (now - self._since))
        elif id(frame) == self._suspect:
            # Held from here on, for an identity may be that of a later call. Not at the first look: it would
            # keep the socket of nearly every connection for a moment longer than it lives.
            self._held, self._since = frame, now
        else:
            self._suspect, self._held = id(frame), None
        return CLOSER


def _cpu_clock(thread: int) -> Callable[[], float]:
    """CPU seconds of one thread; where the system has no such clock, the time of day will do."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    number = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(number)


def _replace_descriptor(sock: socket.socket) -> None:
    """Put a file that cannot be read in the socket's place, under the same number: OpenSSL's next read fails.

    The kernel closes the socket, with a reset since bytes are unread. An unconnected socket would not do: its
    error, ENOTCONN, is one that OpenSSL takes for "not yet".
    """
    with contextlib.suppress(OSError), open(os.devnull, "wb") as unreadable:
        os.dup2(unreadable.fileno(), sock.fileno(), inheritable=False)
