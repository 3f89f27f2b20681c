"""One non-blocking socket in the poller, plain or wrapped in TLS: one code path for both.

Here bytes come and go, and wait where the kernel does not take them. What they mean is the owner's affair.

Theory of operation. A TLS socket is the plain socket, wrapped: `recv` and `send` look the same and run
OpenSSL's code on the same descriptor. Three things differ, and they are all that this file says of TLS:

- A handshake comes first, and its steps may want to read or to write.
- `recv` and `send` may raise SSLWantRead or SSLWantWrite instead of BlockingIOError: OpenSSL may need the
  *other* direction first (a key update, say). Who wants to write waits until the socket is writable.
- The selector sees the kernel's buffer, not OpenSSL's. A read asks for at least a whole record, so that
  nothing stays behind in OpenSSL (without read-ahead it takes one record at a time from the kernel).

How the bytes that had to wait go on their way is in `outgoing`; what happens to them is in `_flush`.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import ssl
import sys
import termios
from collections.abc import Iterable

from netlab.net.filepart import FilePart
from netlab.net.outgoing import RECORD, Buffer, Outgoing, cork
from netlab.net.owner import NOBODY, Owner
from netlab.net.poller import BROKEN, READABLE, WRITABLE, Poller
from netlab.net.window import follow

# One read takes at most this many bytes: four TLS records. malloc serves it without a system call.
RECEIVE = 64 * 1024

# And this many while somebody waits for content, the most that malloc still serves so: an upload then costs a
# quarter less CPU time. At all times it would be what each client can make us hold that sends requests faster
# than they are answered.
BULK = 112 * 1024

# Parts of one write that together have at most so many bytes are copied into one on TLS: few records.
COPIED = 128 * 1024

# One flush sends at most about this much before the other connections get their turn.
FLUSH = 1024 * 1024

# From this size on, a write asks how much the kernel may hold (see `window`).
LARGE = 256 * 1024

_NOT_READABLE = (BlockingIOError, InterruptedError, ssl.SSLWantReadError)
_WOULD_BLOCK = (*_NOT_READABLE, ssl.SSLWantWriteError)


class Transport:
    """A connected socket that is set non-blocking. Call `open` when the owner is ready."""

    __slots__ = (
        "_events",
        "_handshaking",
        "_owner",
        "_poller",
        "_read_wants_write",
        "_shut",
        "_socket",
        "_waiting",
        "closed",
        "fd",
        "paused",
        "reads",
        "secure",
    )

    def __init__(self, sock: socket.socket, poller: Poller, owner: Owner) -> None:
        self._socket = sock
        self._poller = poller
        self._owner: Owner = owner
        self.fd = sock.fileno()
        self.secure = isinstance(sock, ssl.SSLSocket)
        self.closed = False
        self._handshaking = self.secure
        self.paused = False
        self.reads = RECEIVE  # bytes, at most, that one read takes
        self._shut = False  # shut down for writing once what waits has gone
        self._read_wants_write = False
        # What the kernel did not take yet. None, not an empty one: an idle connection has none, and its deque
        # weighs 600 bytes.
        self._waiting: Outgoing | None = None
        self._events = READABLE

    def open(self) -> None:
        """Begin: be told when the socket is ready. A TLS client speaks first: its handshake starts here."""
        self._poller.register(self.fd, self, READABLE)
        if self._handshaking and not self._socket.server_side:  # type: ignore[attr-defined]
            self._handshake()

    # -- events from the poller -----------------------------------------------------------------------------

    def ready(self, events: int) -> None:
        """The socket is readable, writable or broken."""
        if self._handshaking:
            self._handshake()
            return
        if events == READABLE:
            self._read()
            return
        if events & WRITABLE:
            if self._read_wants_write:
                self._read_wants_write = False
                self._watch()
                self._read()
            if not self.closed and self._waiting is not None:
                self._flush()
            if self.closed:
                return
        if events & READABLE and not self.paused:
            self._read()
        elif events & BROKEN and not events & WRITABLE:
            # Broken while nobody reads: the peer is gone, and a paused reader would never notice.
            self._fail(_pending_error(self._socket))

    def _read(self) -> None:
        """Read once and hand it on; the poller reports what remains in its next turn."""
        try:
            data = self._socket.recv(self.reads)
        except _NOT_READABLE:
            return
        except ssl.SSLWantWriteError:
            self._read_wants_write = True
            self._watch()
            return
        except OSError as error:
            self._fail(error)
            return
        if data:
            self._owner.received(data)
        else:
            self._owner.ended()
            self.pause()

    def _handshake(self) -> None:
        """A step of it; what the step writes leaves together.

        A server's last step writes the session tickets (RFC 8446 §4.6.1), a record each, and the request
        mostly lies behind the client's last record already. So the cork stays in until that is answered: one
        segment instead of three or four, and 5 % less CPU time for a connection with a single request.
        """
        sock = self._socket
        if not sock.server_side:  # type: ignore[attr-defined]
            self._handshake_step()
            return
        cork(sock, 1)
        try:
            self._handshake_step()
        finally:  # whatever an owner raises: a cork left in would hold back each answer for 200 ms
            if not self.closed:
                cork(sock, 0)

    def _handshake_step(self) -> None:
        try:
            self._socket.do_handshake()  # type: ignore[attr-defined]
        except ssl.SSLWantReadError:
            self._set_events(READABLE)
        except ssl.SSLWantWriteError:
            self._set_events(WRITABLE)
        except (OSError, ValueError) as error:
            self._fail(error if isinstance(error, OSError) else OSError(str(error)))
        else:
            self._handshaking = False
            self._set_events(READABLE)
            self._owner.connected()
            if not self.closed and not self.paused:
                self._read()

    # -- reading --------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Stop reading: the peer's bytes stay in the kernel, and its window closes. That is backpressure."""
        if not self.paused and not self.closed:
            self.paused = True
            self._watch()

    def resume(self) -> None:
        """Read again."""
        if self.paused and not self.closed:
            self.paused = False
            self._watch()

    # -- writing --------------------------------------------------------------------------------------------

    def write(self, data: Buffer) -> bool:
        """Send now what the kernel takes; keep the rest. True when nothing is kept.

        After False, a producer waits for `flushed` before it writes more: what is kept is memory.
        """
        if self._waiting is not None:
            self._waiting.append(data)
            return False
        if self.closed:
            return True
        if len(data) > RECORD:
            if self.secure:
                return self._write_records((data,))
            if len(data) >= LARGE:
                follow(self._socket)
        try:
            sent = self._socket.send(data)
        except _WOULD_BLOCK:
            sent = 0
        except OSError as error:
            self._fail_later(error)
            return True
        if sent == len(data):
            return True
        self._waiting = Outgoing((data,), sent)
        self._watch()
        return False

    def write_parts(self, parts: tuple[Buffer, ...]) -> bool:
        """`write` of several pieces as one: they leave in one call where that needs no copy.

        On a plain socket the kernel gathers them (sendmsg). OpenSSL cannot; there the small parts ride in
        the records of their neighbours, at the price of a copy that encryption dwarfs; unless the copy would
        be large, which is memory.
        """
        size = sum(map(len, parts))
        if self._waiting is not None or self.closed or (self.secure and size <= COPIED):
            return self.write(b"".join(parts))
        if self.secure:
            return self._write_records(parts)
        if size >= LARGE:
            follow(self._socket)
        try:
            sent = self._socket.sendmsg(parts)
        except _WOULD_BLOCK:
            sent = 0
        except OSError as error:
            self._fail_later(error)
            return True
        if sent == size:
            return True
        self._waiting = Outgoing(parts, sent)
        self._watch()
        return False

    def _write_records(self, parts: Iterable[Buffer]) -> bool:
        self._waiting = Outgoing(parts)
        return self._flush(quiet=True)

    def write_file(self, fd: int, offset: int, count: int) -> bool:
        """`write` of part of a file, on a plain socket: the kernel copies it, this process never sees it."""
        part = FilePart(fd, offset, count)
        if self._waiting is not None:
            self._waiting.append(part)
            return False
        if self.closed or not count:
            return True
        self._waiting = Outgoing((part,))
        return self._flush(quiet=True)

    def _flush(self, quiet: bool = False) -> bool:
        """Send what waits until the kernel takes no more. True when all has gone."""
        waiting = self._waiting
        assert waiting is not None
        sock, budget = self._socket, FLUSH
        if len(waiting) >= LARGE:
            follow(sock)
        try:
            while waiting and budget > 0:
                budget -= waiting.send_records(sock, budget) if self.secure else waiting.send(sock)
        except _WOULD_BLOCK:
            self._watch()
            return False
        except OSError as error:
            self._waiting = None
            self._fail_later(error)
            return True
        if waiting:
            # The kernel would take still more. The others get their turn first; we are writable in the next.
            self._watch()
            return False
        self._waiting = None
        self._watch()
        if self._shut:
            self._shut_down()
        if not quiet:
            self._owner.flushed()
        return True

    @property
    def waiting(self) -> int:
        """Bytes that were written and the kernel has not taken."""
        return len(self._waiting) if self._waiting is not None else 0

    @property
    def unacknowledged(self) -> int:
        """Bytes written that the peer's kernel has not confirmed: those that wait, and those in ours."""
        try:
            queued = fcntl.ioctl(self.fd, termios.TIOCOUTQ, bytes(4))
        except OSError:
            return self.waiting
        return int.from_bytes(queued, sys.byteorder) + self.waiting

    # -- the end --------------------------------------------------------------------------------------------

    def shut(self) -> None:
        """Send what waits, then FIN (TLS: close_notify before it). Reading goes on."""
        self._shut = True
        if self._waiting is None and not self.closed:
            self._shut_down()

    def _shut_down(self) -> None:
        try:
            self._close_notify()
            # From here on an SSLSocket has forgotten its TLS and reads ciphertext: who still listens is
            # lingering, and counts bytes without reading them.
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the peer was faster; `ended` or `lost` follows

    def _close_notify(self) -> None:
        """Say that nothing more comes (RFC 8446 §6.1). One call sends ours; we do not wait for theirs."""
        if self.secure and not self._handshaking:
            try:
                self._socket.unwrap()  # type: ignore[attr-defined]
            except (OSError, ValueError):
                pass  # WantRead: ours is sent, theirs has not come
            # It left together with an answer that `_handshake` has kept back; a close drops what has not left
            # if bytes are unread.
            cork(self._socket, 0)

    def close(self) -> None:
        """Let go of the socket at once. The owner is not told. No error when closed already."""
        if not self.closed:
            self.closed = True
            self._waiting = None
            # The owner holds us, too: ten thousand such pairs would wait for the garbage collector, and each
            # with its socket's TLS state.
            self._owner = NOBODY
            self._poller.unregister(self.fd)
            if self.secure and not self._shut:
                self._close_notify()
            self._socket.close()

    def abort(self) -> None:
        """Close with a reset (RST): the peer must not take what it got for a whole message."""
        if not self.closed:
            self._shut = True  # no close_notify: that would say that the end is regular
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            except OSError:
                pass
            self.close()

    def _fail(self, error: Exception | None) -> None:
        if not self.closed:
            owner = self._owner
            self._shut = True
            if isinstance(error, ssl.SSLError):
                self._let_the_alert_be_read()
            self.close()
            owner.lost(error)

    def _let_the_alert_be_read(self) -> None:
        """OpenSSL has written an alert that says why; a close on unread bytes is a reset, which may undo it.

        The FIN takes along what is corked.

        What comes later still makes one: there is no lingering for a peer who does not speak TLS.
        """
        try:
            self._socket.shutdown(socket.SHUT_WR)
            for _ in range(4):
                self._socket.recv(RECEIVE)
        except OSError:
            pass  # no more has come, or the peer has gone

    def _fail_later(self, error: Exception) -> None:
        """Close now, report in the loop's next turn: the caller of `write` is in the middle of its work."""
        if not self.closed:
            owner = self._owner
            self._shut = True
            self.close()
            asyncio.get_running_loop().call_soon(owner.lost, error)

    # -- what the poller watches ----------------------------------------------------------------------------

    def _watch(self) -> None:
        events = 0 if self.paused else READABLE
        if self._waiting is not None or self._read_wants_write:
            events |= WRITABLE
        self._set_events(events)

    def _set_events(self, events: int) -> None:
        if events != self._events and not self.closed:
            self._events = events
            self._poller.modify(self.fd, events)

    # -- what may be asked ----------------------------------------------------------------------------------

    @property
    def socket(self) -> socket.socket:
        """The socket itself, for questions (addresses, TLS version), not for bytes."""
        return self._socket


def _pending_error(sock: socket.socket) -> OSError | None:
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return OSError(code, "the connection broke") if code else None
