"""One non-blocking socket in the poller, plain or wrapped in TLS: one code path for both.

Here bytes come and go, and wait where the kernel does not take them. What they mean is the protocol's affair.

Theory of operation. A TLS socket is the plain socket, wrapped: `recv` and `send` look the same and run
OpenSSL's code on the same descriptor. Four things differ, and they are all that this file says of TLS:

- A handshake comes first, and its steps may want to read or to write. They have a budget in each turn.
- `recv` and `send` may raise SSLWantRead or SSLWantWrite instead of BlockingIOError: OpenSSL may need the
  *other* direction first (a key update, say). The poller then watches for that direction alone: watching for
  the first one as well would report it in every turn, a busy loop.
- The selector sees the kernel's buffer, not OpenSSL's. A read asks for at least a whole record, so that
  nothing stays behind in OpenSSL (without read-ahead it takes one record at a time from the kernel).
- One read may go on for as long as the peer sends key updates. `watchdog` ends it.

Bytes pass to and from OpenSSL's own object (`tlsobject`), which the SSLSocket holds.

How the bytes that had to wait go on their way is in `outgoing`; what happens to them is in `_flush`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable

from netlab.net import watchdog
from netlab.net.filepart import FilePart
from netlab.net.outgoing import RECORD, Buffer, Outgoing
from netlab.net.phase import CLOSED, FLUSHING, HANDSHAKE, MOVES, OPEN, SHUT, Phase
from netlab.net.poller import BROKEN, READABLE, WRITABLE, Poller
from netlab.net.protocol import NULL_PROTOCOL, TransportProtocol
from netlab.net.sockets import cork, let_alert_be_read, pending_error, reset_on_close, unconfirmed
from netlab.net.tlsobject import TlsObject, is_regular_end, tls_object
from netlab.net.window import follow

# One read takes at most this many bytes: four TLS records. malloc serves it without a system call.
RECEIVE = 64 * 1024

# And this many while a handler waits for content, the most that malloc still serves so: an upload then costs
# a quarter less CPU time. It is not the limit at all times: each client that sends requests faster than they
# are answered makes us hold one read.
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
    """A connected socket that is set non-blocking: `attach` it first. Call `open` when the protocol is ready.

    reads: bytes, at most, that one read takes; the protocol may change it.
    """

    __slots__ = (
        "_events", "_looked", "_phase", "_poller", "_protocol", "_read_on", "_socket", "_tls", "_waiting",
        "_write_on", "fd", "reads", "secure",
    )  # fmt: skip

    # Set by `attach`, not by an `__init__`: CPython 3.11 calls one by way of C (FAST.md).
    fd: int
    secure: bool
    _socket: socket.socket
    _tls: TlsObject | None  # what encrypts; None on a plain socket, and once TLS has ended
    _poller: Poller
    _protocol: TransportProtocol
    _phase: Phase
    # The event that the next read waits for: READABLE; 0 in the handshake and while reading is paused;
    # WRITABLE while OpenSSL has to write before it reads on.
    _read_on: int
    # The event that the waiting bytes wait for: 0 when none wait; WRITABLE; READABLE while OpenSSL has to
    # read before it writes on.
    _write_on: int
    # What the kernel did not take yet. None, not an empty one, whose deque weighs 600 bytes.
    _waiting: Outgoing | None
    _looked: bool  # has a server looked at the first bytes of a TLS client? See `accepted`

    def attach(self, sock: socket.socket, poller: Poller, protocol: TransportProtocol) -> None:
        """Take over a socket. protocol: what is told of its events."""
        self._socket, self._poller, self._protocol = sock, poller, protocol
        self.fd, self.reads, self._events = sock.fileno(), RECEIVE, READABLE
        self._write_on, self._waiting, self._looked = 0, None, False
        if isinstance(sock, ssl.SSLSocket):
            self._tls, self.secure, self._phase, self._read_on = tls_object(sock), True, HANDSHAKE, 0
        else:
            self._tls, self.secure, self._phase, self._read_on = None, False, OPEN, READABLE

    def open(self) -> None:
        """Begin: be told when the socket is ready. A TLS client speaks first: its handshake starts here."""
        self._poller.register(self.fd, self, READABLE)
        if self.secure:
            sock = self._socket
            assert isinstance(sock, ssl.SSLSocket)
            self._poller.watch_tls(sock.context)
            if not sock.server_side:
                self._handshake_step()

    # -- events from the poller -----------------------------------------------------------------------------

    def ready(self, events: int) -> None:
        """The socket is readable, writable or broken."""
        read_on = self._read_on
        if events == read_on or events & read_on:  # CPython specialises the comparison
            if read_on == WRITABLE:
                self._read_on = READABLE  # OpenSSL can write now what it had to write first
                self._watch()
            # One read; the poller reports what remains in its next turn. It stands here and has no function
            # of its own: each request would pay for the call (FAST.md).
            tls = self._tls
            try:
                data = self._socket.recv(self.reads) if tls is None else tls.read(self.reads)
            except _NOT_READABLE:
                pass
            except ssl.SSLWantWriteError:
                self._read_on = WRITABLE
                self._watch()
            except OSError as error:
                self._read_failed(error)
            else:
                if data:
                    self._protocol.received(data)
                else:
                    self._protocol.ended()
                    self.pause()
        elif self._phase is HANDSHAKE:
            # Refused for want of time, the step is not lost: the poller reports the socket again.
            self._poller.handshakes.run(self._handshake)
        elif events & BROKEN and not events & self._write_on:
            # Broken while nothing is read: the peer is gone, and a paused reader would never notice.
            self._fail(pending_error(self._socket))
            return
        write_on = self._write_on
        if write_on and events & write_on:
            self._flush()

    def _handshake(self) -> None:
        """A step of the handshake, when the socket is ready for it. A server's transport does more."""
        self._handshake_step()

    def _handshake_step(self) -> None:
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._set_events(READABLE)
        except ssl.SSLWantWriteError:
            self._set_events(WRITABLE)
        except (OSError, ValueError) as error:
            self._fail(error if isinstance(error, OSError) else OSError(str(error)))
        else:
            self._phase = MOVES[HANDSHAKE][OPEN]
            self.resume()
            self._protocol.connected()
            if self._read_on:
                self.ready(READABLE)

    # -- reading --------------------------------------------------------------------------------------------

    def _read_failed(self, error: OSError) -> None:
        if is_regular_end(error, self._socket):
            self._protocol.ended()
            self.pause()
        else:
            self._fail(error)

    def pause(self) -> None:
        """Stop reading: the peer's bytes stay in the kernel, and its window closes. That is backpressure."""
        if self._read_on:
            self._read_on = 0
            self._watch()

    def resume(self) -> None:
        """Read again."""
        if not self._read_on and self._phase is not CLOSED and self._phase is not HANDSHAKE:
            self._read_on = READABLE
            self._watch()

    @property
    def paused(self) -> bool:
        """Is nothing read from the peer at present?"""
        return not self._read_on

    # -- writing --------------------------------------------------------------------------------------------

    def write(self, data: Buffer) -> bool:
        """Send now what the kernel takes; keep the rest. True when nothing is kept.

        After False, a producer waits for `flushed` before it writes more: what is kept is memory.
        """
        if self._waiting is not None:
            self._waiting.append(data)
            return False
        if self._phase is CLOSED:
            return True
        size = len(data)
        if size > RECORD:
            if self.secure:
                return self._write_records((data,))
            if size >= LARGE:
                follow(self._socket)
        tls = self._tls
        try:
            sent = self._socket.send(data) if tls is None else tls.write(data)
        except _WOULD_BLOCK:
            sent = 0
        except OSError as error:
            self._fail_later(error)
            return True
        if sent == size:
            return True
        self._keep(Outgoing((data,), sent))
        return False

    def write_parts(self, parts: tuple[Buffer, ...]) -> bool:
        """`write` of several pieces as one: they leave in one call where that needs no copy.

        On a plain socket the kernel gathers them (sendmsg). OpenSSL cannot; there the small parts ride in
        the records of their neighbours, at the price of a copy that encryption dwarfs; unless the copy would
        be large, which is memory.
        """
        size = sum(map(len, parts))
        if self._waiting is not None or self._phase is CLOSED or (self.secure and size <= COPIED):
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
        self._keep(Outgoing(parts, sent))
        return False

    def _keep(self, waiting: Outgoing) -> None:
        """Keep what the kernel did not take, until the socket is writable."""
        self._waiting = waiting
        self._write_on = WRITABLE
        self._watch()

    def _write_records(self, parts: Iterable[Buffer]) -> bool:
        self._waiting = Outgoing(parts)
        return self._flush(quiet=True)

    def write_file(self, fd: int, offset: int, count: int) -> bool:
        """`write` of part of a file, on a plain socket: the kernel copies it, this process never sees it."""
        part = FilePart(fd, offset, count)
        if self._waiting is not None:
            self._waiting.append(part)
            return False
        if self._phase is CLOSED or not count:
            return True
        self._waiting = Outgoing((part,))
        return self._flush(quiet=True)

    def _flush(self, quiet: bool = False) -> bool:
        """Send what waits until the kernel takes no more. True when all has gone."""
        waiting = self._waiting
        assert waiting is not None
        sock, tls, budget = self._socket, self._tls, FLUSH
        if len(waiting) >= LARGE:
            follow(sock)
        # What is left when the budget is spent waits for the next turn: the others get theirs first.
        self._write_on = WRITABLE
        try:
            while waiting and budget > 0:
                budget -= waiting.send(sock) if tls is None else waiting.send_records(sock, tls, budget)
        except ssl.SSLWantReadError:
            self._write_on = READABLE
        except _WOULD_BLOCK:
            pass
        except OSError as error:
            self._waiting = None
            self._fail_later(error)
            return True
        if waiting:
            self._watch()
            return False
        self._waiting, self._write_on = None, 0
        self._watch()
        if self._phase is FLUSHING:
            self._shut_down()
        if not quiet:
            self._protocol.flushed()
        return True

    @property
    def waiting(self) -> int:
        """Bytes that were written and the kernel has not taken."""
        return len(self._waiting) if self._waiting is not None else 0

    @property
    def unacknowledged(self) -> int:
        """Bytes written that the peer's kernel has not confirmed: those that wait, and those in ours."""
        return unconfirmed(self._socket) + self.waiting

    # -- the end --------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Is the socket closed?"""
        return self._phase is CLOSED

    def shut(self) -> None:
        """Send what waits, then FIN (TLS: close_notify before it). Reading goes on. Called at most once."""
        if self._phase is OPEN:
            if self._waiting is None:
                self._shut_down()
            else:
                self._phase = MOVES[OPEN][FLUSHING]

    def _shut_down(self) -> None:
        self._close_notify()
        self._phase = MOVES[self._phase][SHUT]
        # From here on ciphertext is read: by the lingering close, which counts bytes and looks at none.
        self._tls = None
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the peer was faster; `ended` or `lost` follows

    def _close_notify(self) -> None:
        """Say that nothing more comes (RFC 8446 §6.1). One call sends ours; we do not wait for theirs."""
        sock = self._socket
        if isinstance(sock, ssl.SSLSocket):
            try:
                sock.unwrap()
            except (OSError, ValueError):
                pass  # WantRead: ours is sent, theirs has not come
            # It left together with an answer that a handshake step has kept back; a close drops what has not
            # left if bytes are unread.
            cork(sock, 0)

    def close(self, notify: bool = True, unless_waiting: bool = False) -> bool:
        """Close the socket at once. The protocol is not told. No error when closed already.

        notify: on TLS, say with a close_notify that the end is regular; not while bytes still wait.
        unless_waiting: not while bytes still wait. Returns False if the socket stays open for them.
        """
        phase = self._phase
        if phase is CLOSED:
            return True
        if unless_waiting and self._waiting is not None:
            return False
        self._phase = MOVES[phase][CLOSED]
        self._waiting = None
        self._read_on = self._write_on = 0
        # The protocol holds us, too: ten thousand such pairs would wait for the garbage collector, and each
        # with its socket's TLS state.
        self._protocol = NULL_PROTOCOL
        self._poller.unregister(self.fd)
        if self._tls is not None:
            if notify and phase is OPEN:
                self._close_notify()
            self._tls = None
        self._socket.close()
        return True

    def abort(self) -> None:
        """Close with a reset (RST): the peer must not take what it got for a whole message."""
        if self._phase is not CLOSED:
            reset_on_close(self._socket)
            self.close(notify=False)

    def _fail(self, error: Exception | None) -> None:
        if self._phase is not CLOSED:
            protocol = self._protocol
            if isinstance(error, ssl.SSLError):
                let_alert_be_read(self._socket, RECEIVE)
            self.close(notify=False)
            protocol.lost(error)

    def _fail_later(self, error: Exception) -> None:
        """Close now, report in the loop's next turn: the caller of `write` is in the middle of its work."""
        if self._phase is not CLOSED:
            protocol = self._protocol
            self.close(notify=False)
            asyncio.get_running_loop().call_soon(protocol.lost, error)

    # -- what the poller watches ----------------------------------------------------------------------------

    def _watch(self) -> None:
        self._set_events(self._read_on | self._write_on)

    def _set_events(self, events: int) -> None:
        if events != self._events and self._phase is not CLOSED:
            self._events = events
            self._poller.modify(self.fd, events)

    # -- what may be asked ----------------------------------------------------------------------------------

    @property
    def socket(self) -> socket.socket:
        """The socket itself, for questions (addresses, TLS version), not for bytes."""
        return self._socket


watchdog.ENDLESS[Transport.ready.__code__] = lambda stuck: stuck.socket  # a TLS read
