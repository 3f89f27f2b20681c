"""The probe's own connections to the server under test: opened one by one, idle, counted, closed politely.

Here: where a server is (`Target`), how many descriptors we may open (`raise_descriptor_limit`), and the herd
of connections (`Herd`). Not here: what they cost (see `ladder`). Opening them one after the other is on
purpose: no burst leaves a peak in the server's memory that the idle connections would be charged with.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import math
import os
import resource
import select
import socket
import ssl
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from netlab.http1.errors import ProtocolError
from netlab.http1.framing import NO_CONTENT
from netlab.http1.grammar import TARGET
from netlab.http1.messages import EndOfMessage, ResponseHead
from netlab.http1.responses import ResponseParser
from netlab.probes.errors import ProbeError

# Descriptors we leave to ourselves: standard streams, the files of /proc, netlink, a log.
_RESERVE = 32
_MACOS_OPEN_MAX = 10240
# Linux 4.2: choose the source port at connect(), when the whole four-tuple is known (ip(7)).
_IP_BIND_ADDRESS_NO_PORT = 24


class Stopped(ProbeError):
    """No further connection can be opened; the message names the limit. What was measured so far stands."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server on this machine: the address, and the one request that every connection may send."""

    url: str
    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, tls: ssl.SSLContext | None = None) -> Target:
        """Take a URL apart. `tls` is the client's context, needed for https.

        Raises ProbeError for anything but http or https on a loopback address: a ladder of connections is no
        thing to do to the server of someone else. "localhost" is taken as 127.0.0.1 (RFC 6761 §6.3).
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as mistake:
            raise ProbeError(f"{url}: not a URL ({mistake}); write http://127.0.0.1:PORT/")
        if parts.scheme not in ("http", "https") or not host:
            raise ProbeError(f"{url}: not an http or https URL; write http://127.0.0.1:PORT/")
        if not _loopback(host):
            raise ProbeError(f"{url}: {host} is no loopback address, and a ladder is for this machine alone")
        if parts.scheme == "https" and tls is None:
            raise ProbeError(f"{url}: https needs the client's TLS context")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if TARGET.fullmatch(path) is None:
            raise ProbeError(f"{url}: {path!r} is not percent-encoded (RFC 9112 §3.2): write %20 for a space")
        default = 443 if parts.scheme == "https" else 80
        return cls(
            url, host, default if port is None else port, path, tls if parts.scheme == "https" else None
        )

    @property
    def address(self) -> str:
        """The address to connect to."""
        return "127.0.0.1" if self.host == "localhost" else self.host

    def connect(self, timeout: float, source: str | None = None) -> socket.socket:
        """Open one connection, TLS handshake included. Raises OSError; TimeoutError after so many seconds."""
        connection = socket.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET)
        try:
            connection.settimeout(timeout)
            if source is not None:
                with contextlib.suppress(OSError):  # a saving of ports, no necessity
                    connection.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
                connection.bind((source, 0))
            connection.connect((self.address, self.port))
            # The request follows the handshake: with Nagle's algorithm it would wait for an ACK.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return (
                connection
                if self.tls is None
                else self.tls.wrap_socket(connection, server_hostname=self.host)
            )
        except BaseException:
            connection.close()
            raise

    def exchange(self, connection: socket.socket) -> ResponseHead:
        """Send one GET and read its whole response. Raises OSError or ProtocolError.

        All of it within the connection's timeout: a stream of events never ends, and each is a sign of life.
        """
        patience = connection.gettimeout()
        end = math.inf if patience is None else time.monotonic() + patience
        name = f"[{self.host}]" if ":" in self.host else self.host
        head = f"GET {self.path} HTTP/1.1\r\nHost: {name}:{self.port}\r\nUser-Agent: netlab-probe\r\n\r\n"
        connection.sendall(head.encode("latin-1"))
        parser = ResponseParser()
        final: ResponseHead | None = None
        while True:
            event = parser.next_event()
            if event is None:
                if time.monotonic() > end:
                    raise TimeoutError("the response does not end")
                data = connection.recv(1 << 16)
                parser.feed(data) if data else parser.feed_eof()
            elif isinstance(event, ResponseHead) and not event.interim:
                final = event
            if final is not None and (isinstance(event, EndOfMessage) or final.framing is NO_CONTENT):
                return final


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Herd:
    """Idle connections to one server. Use as a context manager: leaving it closes them all."""

    def __init__(
        self, target: Target, *, request: bool = True, timeout: float = 10.0, per_source: int | None = None
    ):
        """With `request`, each connection sends one GET and reads the response, and is then an idle
        persistent one.

        `timeout` in seconds is for each step of a connection; `per_source` connections share one source
        address.
        """
        self.target = target
        self.request = request
        self.timeout = timeout
        self._per_source = per_source or _ports_per_address()
        self._sources = 0  # how many source addresses have no port left
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Herd:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._connections)

    def grow(self, count: int) -> None:
        """Open connections until there are `count`. Raises Stopped with the limit that was met."""
        while len(self) < count:
            self._connections.append(self._open())

    def lost(self) -> int:
        """Count the connections that the server has closed meanwhile."""
        gone = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR
        poll = select.poll()
        for connection in self._connections:
            poll.register(connection, gone)
        return len(poll.poll(0))

    def close(self) -> None:
        """Close every connection, TLS with close_notify first (RFC 8446 §6.1)."""
        while self._connections:
            connection = self._connections.pop()
            if isinstance(connection, ssl.SSLSocket):
                connection.settimeout(0)
                with contextlib.suppress(OSError):  # the server's own close_notify is not waited for
                    connection.unwrap()
            connection.close()

    def _open(self) -> socket.socket:
        number = len(self) + 1
        try:
            connection = self._connect()
            try:
                if self.request:
                    self._check(self.target.exchange(connection))
            except BaseException:
                connection.close()
                raise
        except TimeoutError:
            raise Stopped(f"the server left connection {number} without an answer for {self.timeout:g} s")
        except ssl.SSLError as failure:
            raise Stopped(f"the TLS handshake of connection {number} failed: {failure.reason or failure}")
        except OSError as failure:
            raise Stopped(f"connection {number}: {_explain(failure)}")
        except ProtocolError as failure:
            raise Stopped(f"connection {number}: {failure}")
        return connection

    def _connect(self) -> socket.socket:
        """Connect from 127.0.0.1, and from the next address of 127.0.0.0/8 when that has no port left."""
        while True:
            index = max(self._sources, len(self) // self._per_source)
            try:
                return self.target.connect(self.timeout, self._source(index))
            except OSError as failure:
                if failure.errno != errno.EADDRNOTAVAIL or index >= 64 or ":" in self.target.address:
                    raise
                self._sources = index + 1

    def _source(self, index: int) -> str | None:
        if index == 0 or ":" in self.target.address:
            return None  # the system chooses
        return str(ipaddress.ip_address("127.0.0.1") + index)

    def _check(self, head: ResponseHead) -> None:
        if not head.persistent:
            raise ProbeError(
                f"{self.target.url} answered {head.status} and closes the connection, so none stays idle; "
                "take a URL that keeps it open, or --idle to send no request"
            )


def _explain(failure: OSError) -> str:
    if failure.errno in (errno.EMFILE, errno.ENFILE):
        return f"the probe may open no more than {_soft_limit()} files (ulimit -n)"
    if failure.errno == errno.EADDRNOTAVAIL:
        return "no source port is left (net.ipv4.ip_local_port_range)"
    if isinstance(failure, ConnectionRefusedError):
        return "the server refused it"
    return str(failure.strerror or failure)


def _ports_per_address() -> int:
    """How many connections one source address is given: the ports the system hands out, less 10 %."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            low, high = (int(word) for word in file.read().split())
    except (OSError, ValueError):
        low, high = 49152, 65535  # RFC 6335 §6, and what macOS does
    return max(1, (high - low + 1) * 9 // 10)


def raise_descriptor_limit() -> int:
    """Raise our soft limit of open files to the hard one, and return how many more may be opened now.

    Servers started afterwards inherit the limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS calls the hard limit infinite and then refuses it; what its kernel really allows is tried next.
    for limit in (hard, _MACOS_OPEN_MAX):
        if soft == resource.RLIM_INFINITY or (limit != resource.RLIM_INFINITY and limit <= soft):
            break
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            break
    used = len(os.listdir("/dev/fd"))
    return max(0, _soft_limit() - used - _RESERVE)


def _soft_limit() -> int:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1 << 30 if soft == resource.RLIM_INFINITY else soft
