"""Where a server listens: a TCP address, a path in the file system, or a socket that it was handed.

Each kind of place opens its listening socket and, at the end, removes what it has left behind. What is
accepted there is the server's affair.

A path is the delicate one (unix(7)). A socket stays there when its process has died, and `bind` refuses a
path that exists. So a start removes a dead socket, but only after a `connect` that was refused. A file that
is no socket, a symbolic link and a live socket stay: the start fails with EADDRINUSE. The end removes the
path only if it still leads to our own socket. It compares the inode numbers before it closes the socket: as
long as that is open, no other file can have its number.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, cast

from netlab.net import keepalive, window

# Connections that the kernel completes and keeps while we are busy; it cuts this to net.core.somaxconn.
BACKLOG = 4096

# Seconds for which a start waits for another one that is about to take a path in the same folder.
_PATIENCE = 1.0


class Name(NamedTuple):
    """What a listening socket is called: host and port, or the path of a Unix socket (with port 0)."""

    host: str
    port: int
    uds: str | None = None

    def url(self, secure: bool) -> str:
        """Such as "http://127.0.0.1:8080"; "unix:PATH" for a Unix socket, "unix:@NAME" for an abstract one.

        secure: does the server speak TLS?
        """
        if self.uds is not None:
            return "unix:" + self.uds.replace("\0", "@", 1)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if secure else 'http'}://{host}:{self.port}"


def name_of(listener: socket.socket) -> Name:
    """The name that the kernel has for a bound socket."""
    address = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        # An abstract name comes as bytes; its first one is zero.
        return Name("", 0, os.fsdecode(address))
    return Name(address[0], address[1])


class Place(Protocol):
    """A place to listen at."""

    def listen(self) -> socket.socket:
        """The listening socket, non-blocking. Raises OSError when the address cannot be had."""

    def name(self, listener: socket.socket) -> Name:
        """What to call it."""

    def release(self) -> None:
        """The listener is about to be closed: remove what would stay behind it."""


class TcpPlace:
    """A host and a port. Port 0 takes a free one. shared: other processes may listen there, too."""

    def __init__(self, host: str, port: int, shared: bool = False) -> None:
        self._host, self._port, self._shared = host, port, shared

    def listen(self) -> socket.socket:
        """A listening socket whose options every accepted socket inherits (Linux: no system call each)."""
        listener, address = tcp_socket(self._host, self._port, self._shared)
        try:
            # We write whole responses and whole pieces: Nagle's waiting for more would only delay them.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            window.limit(listener)
            listener.bind(address)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        return _ready(listener)

    def name(self, listener: socket.socket) -> Name:
        """The host as the caller has it: a certificate may be made out to it."""
        return Name(self._host, name_of(listener).port)

    def release(self) -> None:
        """Nothing stays behind."""


def tcp_socket(host: str, port: int, shared: bool) -> tuple[socket.socket, Any]:
    """A socket that is not bound yet, and what to bind it to. shared: with SO_REUSEPORT."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    # A port whose last connections are in TIME_WAIT can be had again at once.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock, address


def acceptor(listener: socket.socket) -> Callable[[], socket.socket]:
    """A function that accepts one connection. It raises what `socket.accept` raises.

    `socket.accept` asks the listener for its family and type each time, as members of enumerations: that is
    ten Python frames, 5 % of what a connection with one request costs. Here they are asked once.

    What it gives is a socket of the base class, which is C. `socket.socket` adds `with`, `makefile` and
    `sendfile`, which no transport needs, and three Python functions to each connection: one to make it, two
    to close it.
    """
    family, kind, protocol = int(listener.family), int(listener.type), listener.proto
    accept = listener._accept  # type: ignore[attr-defined]  # what `socket.accept` itself calls
    make = cast(type[socket.socket], socket.SocketType)

    def accept_one() -> socket.socket:
        fd, _address = accept()
        return make(family, kind, protocol, fd)

    return accept_one


class UnixPlace:
    """A path, or an abstract name, whose first character is NUL.

    mode: permissions of the path, as chmod takes them; None: those that the umask leaves.
    """

    def __init__(self, path: str, mode: int | None = None) -> None:
        self._path, self._mode = path, mode
        self._abstract = path.startswith("\0")
        self._ours: tuple[int, int] | None = None  # device and inode, as long as the path is ours

    def listen(self) -> socket.socket:
        """A listening socket. Raises OSError: EADDRINUSE for a live socket, or for what is no socket."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if self._abstract:
                listener.bind(self._path)
                listener.listen(BACKLOG)
            else:
                self._take_path(listener)
        except BaseException:
            self.release()
            listener.close()
            raise
        return _ready(listener)

    def _take_path(self, listener: socket.socket) -> None:
        with _alone(self._path):
            remove_dead_socket(self._path)
            listener.bind(self._path)
            self._ours = _identity(self._path)
            if self._mode is not None:
                # Before `listen`: until then the kernel refuses every client.
                os.chmod(self._path, self._mode)
            listener.listen(BACKLOG)

    def name(self, listener: socket.socket) -> Name:
        """The path as the caller has it."""
        return Name("", 0, self._path)

    def release(self) -> None:
        """Remove the path, if it still leads to our socket."""
        if self._ours is not None:
            with _alone(self._path), contextlib.suppress(OSError):
                if _identity(self._path) == self._ours:
                    os.unlink(self._path)
            self._ours = None


class GivenPlace:
    """A socket that another program, or another part of this one, has opened and that listens already."""

    def __init__(self, listener: socket.socket, host: str | None = None) -> None:
        self._listener, self._host = listener, host

    def listen(self) -> socket.socket:
        """That socket."""
        return _ready(self._listener)

    def name(self, listener: socket.socket) -> Name:
        """The kernel's name for it, with the caller's word for the host, if there is one."""
        name = name_of(listener)
        return name._replace(host=self._host) if self._host is not None and name.uds is None else name

    def release(self) -> None:
        """What it leaves behind belongs to the program that opened it."""


def _ready(listener: socket.socket) -> socket.socket:
    listener.setblocking(False)
    keepalive.probe_peers(listener)
    return listener


def remove_dead_socket(path: str) -> None:
    """Remove a socket that no process listens on; do nothing when the path is free.

    Raises OSError (EADDRINUSE) for a socket in use and for anything else: a symbolic link is not followed.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.EADDRINUSE, "and is no socket", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            pass
        except FileNotFoundError:
            return
        except PermissionError:
            raise
        except OSError:  # its backlog is full (EAGAIN), or it is of another type (EPROTOTYPE): in use
            raise OSError(errno.EADDRINUSE, "and another program listens there", path) from None
        else:
            raise OSError(errno.EADDRINUSE, "and another program listens there", path)
    if _identity(path) == (found.st_dev, found.st_ino):
        os.unlink(path)


def _identity(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """Keep other starts and stops of netlab off this folder's sockets (flock on the folder).

    Two starts that find the same dead socket would each remove what lies there; the second one removes the
    first one's. Without permission to read the folder, and after a second, it goes on without the lock.
    """
    try:
        folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield
        return
    try:
        give_up = time.monotonic() + _PATIENCE
        while time.monotonic() < give_up:
            with contextlib.suppress(OSError):
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.01)
        yield
    finally:
        os.close(folder)
