"""What the kernel holds for the sockets of one port: memory that no figure of any process includes.

Here: the buffers of every socket whose local port is ours (`port_memory`), of one socket of our own
(`socket_memory`), and the size of the kernel's objects behind a connection (`objects`). Not here, on purpose:
/proc/net/sockstat, which adds up the sockets of everyone on the machine.

The figures come from the kernel's own interface, netlink sock_diag(7), the one that `ss` uses; where that is
closed to us, from `ss -tmn` itself; elsewhere they are not shown, and nothing is guessed.
"""

from __future__ import annotations

import errno
import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from netlab.probes.errors import ProbeError

# RFC 9293 §3.3.2, in the kernel's numbering (tcp_states.h): 0 is unused, 12 is a SYN received as well.
STATES = (
    "UNKNOWN", "ESTABLISHED", "SYN_SENT", "SYN_RECEIVED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT",
    "CLOSED", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "SYN_RECEIVED",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SocketMemory:
    """One socket's buffers in bytes, bookkeeping of the kernel included (sock_diag(7), `skmem` in ss(8))."""

    received: int = 0  # arrived, and not yet read by the program
    receive_limit: int = 0  # SO_RCVBUF as the kernel counts it
    in_flight: int = 0  # handed to the device, and still counted in `queued`
    send_limit: int = 0  # SO_SNDBUF as the kernel counts it
    reserved: int = 0  # taken from the system for this socket, and unused so far
    queued: int = 0  # written by the program, and not yet acknowledged by the peer
    options: int = 0
    backlog: int = 0  # arrived while the program was in a call on this socket
    state: str = "UNKNOWN"
    waiting: int = 0  # LISTEN alone: connections, not bytes, that wait for accept()

    @property
    def total(self) -> int:
        """Bytes held for this socket now. `in_flight` is a part of `queued`, and the limits hold nothing."""
        return self.received + self.queued + self.reserved + self.options + self.backlog


@dataclass(frozen=True, slots=True)
class StateMemory:
    """All sockets of a port in one state: how many, and the bytes that they hold together."""

    sockets: int
    total: int
    received: int
    queued: int
    reserved: int


@dataclass(frozen=True, slots=True)
class PortMemory:
    """Every TCP socket whose local port is `port`, at one moment. `source` is "sock_diag" or "ss"."""

    port: int
    source: str
    sockets: tuple[SocketMemory, ...]

    @property
    def connections(self) -> tuple[SocketMemory, ...]:
        """The sockets that are a connection: all but the listeners."""
        return tuple(each for each in self.sockets if each.state != "LISTEN")

    @property
    def total(self) -> int:
        """Bytes that the kernel holds for the connections of this port."""
        return sum(each.total for each in self.connections)

    @property
    def waiting(self) -> int:
        """Connections that the kernel has completed and the program has not accepted yet."""
        return sum(each.waiting for each in self.sockets)

    def by_state(self) -> Mapping[str, StateMemory]:
        """Add the sockets up by TCP state, in alphabetical order of the state."""
        return {
            state: StateMemory(
                sockets=len(alike),
                total=sum(each.total for each in alike),
                received=sum(each.received for each in alike),
                queued=sum(each.queued for each in alike),
                reserved=sum(each.reserved for each in alike),
            )
            for state in sorted({each.state for each in self.sockets})
            if (alike := [each for each in self.sockets if each.state == state])
        }


def port_memory(port: int, *, remote: bool = False) -> PortMemory:
    """Read the sockets whose local port is `port`; with `remote`, those of the other end on this machine.

    Raises ProbeError where the system shows them to no user.
    """
    try:
        return PortMemory(port, "sock_diag", tuple(_by_sock_diag(port, remote)))
    except (OSError, AttributeError):  # no netlink on this system, or not for us
        pass
    program = shutil.which("ss")
    if program is None:
        raise ProbeError("kernel memory not shown: needs Linux's sock_diag, or ss (apt-get install iproute2)")
    return PortMemory(port, "ss", tuple(_by_ss(program, port, remote)))


def socket_memory(own: socket.socket) -> SocketMemory:
    """Read the buffers of one open socket of this process. Raises ProbeError where SO_MEMINFO is unknown."""
    try:
        answer = own.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _SKMEMINFO.size)
        return SocketMemory(*_SKMEMINFO.unpack(answer)[:8])
    except (OSError, struct.error):
        raise ProbeError("kernel memory of a socket not shown: needs Linux 4.12 or later (SO_MEMINFO)")


# What one open connection needs besides its buffers: the socket, its place in the file system, its open file,
# and its entry in the server's epoll set. Names of slabinfo(5).
_OBJECTS = ("TCP", "sock_inode_cache", "dentry", "filp", "eventpoll_epi")


def objects() -> Mapping[str, int] | None:
    """Return the size in bytes of each kernel object behind one TCP connection, from /proc/slabinfo.

    None when the file is not shown to us (it is root's alone) or lists them under other names: caches of like
    objects may be merged. The sum is a floor: hash entries and rounding are left out.
    """
    try:
        with open("/proc/slabinfo", encoding="ascii") as file:
            rows = [line.split() for line in file]
    except OSError:
        return None
    found = {row[0]: int(row[3]) for row in rows if row[0] in _OBJECTS}
    return found if "TCP" in found else None


# netlink: one request, an answer in many messages (netlink(7), sock_diag(7), linux/inet_diag.h).

_SO_MEMINFO = 55
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST_AND_DUMP = 0x1 | 0x300
_DUMP_INTERRUPTED = 0x10
_SKMEMINFO_ATTRIBUTE = 7
_ALL_STATES = 0xFFF

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port id
_QUERY = struct.Struct("=BBBxI")  # inet_diag_req_v2: family, protocol, extensions, states; then the socket id
_PORTS = struct.Struct("!HH")  # inet_diag_sockid opens with the ports, in network order
_SOCKET_ID_SIZE = 48
_MESSAGE = struct.Struct("=BBxx48x4xI12x")  # inet_diag_msg: family, state, …, receive queue, …
_ATTRIBUTE = struct.Struct("=HH")
_SKMEMINFO = struct.Struct("=9I")


def _by_sock_diag(port: int, remote: bool) -> list[SocketMemory]:
    found: list[SocketMemory] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(5)
        netlink.bind((0, 0))
        for family in (socket.AF_INET, socket.AF_INET6):
            found += _dump(netlink, family, port, remote)
    return found


def _dump(
    netlink: socket.socket, family: int, port: int, remote: bool, attempts: int = 5
) -> list[SocketMemory]:
    ports = _PORTS.pack(0, port) if remote else _PORTS.pack(port, 0)
    query = _QUERY.pack(family, socket.IPPROTO_TCP, 1 << (_SKMEMINFO_ATTRIBUTE - 1), _ALL_STATES)
    query += ports.ljust(_SOCKET_ID_SIZE, b"\0")
    for sequence in range(1, attempts + 1):
        netlink.send(
            _HEADER.pack(_HEADER.size + len(query), _SOCK_DIAG_BY_FAMILY, _REQUEST_AND_DUMP, sequence, 0)
            + query
        )
        try:
            return list(_answer(netlink, sequence))
        except InterruptedError:
            continue  # sockets came or went during the dump: ask again
    raise OSError(errno.EAGAIN, "the sockets keep changing")


def _answer(netlink: socket.socket, wanted: int) -> Iterator[SocketMemory]:
    interrupted = False
    while True:
        packet = netlink.recv(1 << 18)
        offset = 0
        while offset + _HEADER.size <= len(packet):
            length, kind, flags, sequence, _ = _HEADER.unpack_from(packet, offset)
            body = packet[offset + _HEADER.size : offset + length]
            offset += (length + 3) & ~3
            interrupted |= bool(flags & _DUMP_INTERRUPTED)
            if sequence != wanted:
                continue  # the rest of an answer that was given up
            if kind == _NLMSG_DONE:
                if interrupted:
                    raise InterruptedError
                return
            if kind == _NLMSG_ERROR:
                raise OSError(-struct.unpack_from("=i", body)[0], "sock_diag refused the question")
            yield _one_socket(body)


def _one_socket(body: bytes) -> SocketMemory:
    _, state, queue = _MESSAGE.unpack_from(body)
    name = STATES[state] if state < len(STATES) else "UNKNOWN"
    offset = _MESSAGE.size
    while offset + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if kind == _SKMEMINFO_ATTRIBUTE:
            buffers = SocketMemory(*_SKMEMINFO.unpack_from(body, offset + _ATTRIBUTE.size)[:8])
            return replace(buffers, state=name, waiting=queue if name == "LISTEN" else 0)
        offset += max((length + 3) & ~3, _ATTRIBUTE.size)
    return SocketMemory(state=name)  # TIME_WAIT: what is left is no longer a socket, and has no buffers


# ss(8): the same figures as text.

_SKMEM = re.compile(r"skmem:\(r(\d+),rb(\d+),t(\d+),tb(\d+),f(\d+),w(\d+),o(\d+)(?:,bl(\d+))?")
_STATES_OF_SS = {
    "ESTAB": "ESTABLISHED",
    "SYN-RECV": "SYN_RECEIVED",
    "UNCONN": "CLOSED",
}


def _by_ss(program: str, port: int, remote: bool) -> list[SocketMemory]:
    side = "dport" if remote else "sport"
    command = [program, "-H", "-O", "-t", "-m", "-n", "-a", f"{side} = :{port}"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as failure:
        raise ProbeError(f"kernel memory not shown: `{' '.join(command)}` failed: {failure}")
    return [_one_line(line) for line in run.stdout.splitlines() if line.strip()]


def _one_line(line: str) -> SocketMemory:
    state, queue = line.split()[:2]
    name = _STATES_OF_SS.get(state, state.replace("-", "_"))
    waiting = int(queue) if name == "LISTEN" else 0
    match = _SKMEM.search(line)
    numbers: tuple[Any, ...] = tuple(int(number or 0) for number in match.groups()) if match else ()
    return replace(SocketMemory(*numbers), state=name, waiting=waiting)
