"""A raw socket on an interface: it captures the packets of one TCP port, the three-way handshake included.

Here lives the socket: AF_PACKET (Linux, root or CAP_NET_RAW), a classic BPF filter that the kernel runs, and
the kernel's time stamps. `netlab.capture` reads what the packets mean.

Loopback shows every packet twice, once as it leaves (PACKET_OUTGOING) and once as it arrives. The filter
keeps the arrival. Loopback also shows large packets with unfinished checksums: the kernel leaves
segmentation and checksums to a network card, and loopback has none.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import sys
import time
from types import TracebackType

from netlab.capture import Captured, DecodeError, Reassembler, decode

# Linux numbers that the socket module does not name: <asm-generic/socket.h>, <linux/if_packet.h>,
# <linux/if_arp.h>. SO_TIMESTAMPNS here is the value of every architecture but alpha, mips, parisc and
# sparc.
_SO_ATTACH_FILTER = 26
_SO_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)
_SO_RCVBUFFORCE = 33
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_ETH_P_ALL = 3
_PACKET_OUTGOING = 4
_ETHERNET_LIKE = {1: "Ethernet", 772: "loopback"}
_LOOPBACK = 772

_TIMESPEC = struct.Struct("@ll")

# The largest IP packet is 65,535 octets. The kernel may build larger ones for IPv6 ("BIG TCP", up to 512
# KiB), on loopback only where an administrator switches that on.
_SNAPSHOT = 1 << 18

_TIMESTAMP_ATTEMPTS = 200


class Unavailable(RuntimeError):
    """This machine or this user cannot capture. The text names the repair."""


class NotSupported(Unavailable):
    """The system has no AF_PACKET sockets, or the interface carries no Ethernet-like frames."""


class NotPermitted(Unavailable):
    """The user may not open raw sockets."""


def unavailable() -> str | None:
    """Why this process cannot capture, as one line; None when it can."""
    try:
        _raw_socket().close()
    except Unavailable as reason:
        return str(reason)
    return None


class Sniffer:
    """Captures the TCP packets of one port on one interface, from `with` on.

    The kernel queues the packets (up to `buffer` octets). No code needs to run meanwhile: read them later.
    Raises NotSupported, NotPermitted; ValueError for a port out of range; OSError for an unknown interface.
    """

    def __init__(self, port: int, interface: str = "lo", *, buffer: int = 16 << 20) -> None:
        if not 0 < port < 65536:
            raise ValueError(f"port {port}: a TCP port is 1 to 65535")
        self.port, self.interface = port, interface
        self._buffer = buffer
        self._socket: socket.socket | None = None
        self._dropped = 0

    def __enter__(self) -> Sniffer:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Start capturing. When this returns, the kernel keeps every packet of the port."""
        raw = _raw_socket()
        try:
            _enlarge(raw, self._buffer)
            raw.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            _await_timestamps()
            # A socket of protocol 0 receives nothing: the filter is in place before the first packet can
            # arrive.
            kind = _kind_of(raw, self.interface)
            _attach(raw, port_filter(self.port, both_ways=kind != _LOOPBACK))
            raw.bind((self.interface, _ETH_P_ALL))
            raw.setblocking(False)
        except BaseException:
            raw.close()
            raise
        self._socket = raw

    def close(self) -> None:
        """Stop capturing. Packets that were not read are lost. Closing twice is harmless."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def fileno(self) -> int:
        """The file descriptor, for a selector: it is readable when a packet waits."""
        return self._open_socket().fileno()

    @property
    def dropped(self) -> int:
        """Packets that the kernel could not keep because the buffer was full. Ask before closing."""
        counts = self._open_socket().getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        self._dropped += int(struct.unpack("@II", counts)[1])  # reading resets the kernel's own count
        return self._dropped

    def read(self, timeout: float = 0.0) -> Captured | None:
        """The next packet; None when none comes within timeout seconds."""
        raw = self._open_socket()
        if not select.select([raw], [], [], timeout)[0]:
            return None
        try:
            data, ancillary, _, _ = raw.recvmsg(_SNAPSHOT, socket.CMSG_SPACE(_TIMESPEC.size))
        except BlockingIOError:
            return None
        return Captured(_time_ns(ancillary), data)

    def drain(self) -> list[Captured]:
        """Every packet that waits now."""
        packets = []
        while (captured := self.read()) is not None:
            packets.append(captured)
        return packets

    def collect(self, conversations: int = 1, timeout: float = 2.0) -> list[Captured]:
        """Packets until that many conversations are closed, or until timeout seconds have passed."""
        deadline = time.monotonic() + timeout
        packets: list[Captured] = []
        seen = Reassembler()
        while (left := deadline - time.monotonic()) > 0:
            captured = self.read(left)
            if captured is None:
                break
            packets.append(captured)
            try:
                seen.add(decode(captured))
            except DecodeError:
                continue  # the packet is kept all the same: the caller may look at it
            if sum(conversation.closed for conversation in seen.conversations) >= conversations:
                break
        return packets + self.drain()

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise ValueError("the sniffer is not open: use it as `with Sniffer(port) as sniffer:`")
        return self._socket


def _raw_socket() -> socket.socket:
    if sys.platform != "linux" or not hasattr(socket, "AF_PACKET"):
        raise NotSupported(f"capturing needs AF_PACKET sockets: {sys.platform} has none, Linux has")
    try:
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError:
        raise NotPermitted("capturing needs root or CAP_NET_RAW: run it again with sudo") from None
    except OSError as error:
        if error.errno in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
            raise NotSupported("capturing needs AF_PACKET sockets: this kernel has none") from None
        raise


def _kind_of(raw: socket.socket, interface: str) -> int:
    """The hardware type of an interface. The filter needs Ethernet headers; NotSupported for others."""
    raw.bind((interface, 0))
    kind = int(raw.getsockname()[3])
    if kind not in _ETHERNET_LIKE:
        raise NotSupported(
            f"{interface} carries no Ethernet-like frames (hardware type {kind}): capture on lo"
        )
    return kind


def _enlarge(raw: socket.socket, size: int) -> None:
    """Ask for a large receive buffer. Only CAP_NET_ADMIN may go beyond the system's limit."""
    try:
        raw.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
    except PermissionError:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def _time_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(data[: _TIMESPEC.size])
            return int(seconds * 10**9 + nanoseconds)
    return time.time_ns()


def _await_timestamps() -> None:
    """Return once the kernel stamps packets as they arrive.

    The first socket that asks for time stamps switches them on, in the background. Until then the kernel
    stamps a packet when it is *read*, and a ladder would show wrong times. A datagram that this socket sends
    to itself shows which of the two times the kernel gives.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        probe.settimeout(1.0)
        probe.bind(("127.0.0.1", 0))
        for _ in range(_TIMESTAMP_ATTEMPTS):
            probe.sendto(b"?", probe.getsockname())
            sent = time.time_ns()  # on loopback the datagram has arrived by now
            _, ancillary, _, _ = probe.recvmsg(1, socket.CMSG_SPACE(_TIMESPEC.size))
            if _time_ns(ancillary) <= sent:
                return
            time.sleep(0.001)


# Classic BPF (the kernel's Documentation/networking/filter.rst): code, k, where to go when true, when false.
# A target is a label; None is the next line.
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE, _LOAD_HALF_INDEXED = 0x20, 0x28, 0x30, 0x48
_HEADER_LENGTH_TO_X = 0xB1  # X = 4 × the low nibble: the length of an IPv4 header
_IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x15, 0x45, 0x06
_PACKET_TYPE = 0xFFFFF004  # no real offset: how the packet reached the socket (SKF_AD_PKTTYPE)

_Line = tuple[str, int, int, str | None, str | None]


def _lines(port: int, both_ways: bool) -> list[_Line]:
    direction: list[_Line] = [
        ("", _LOAD_WORD, _PACKET_TYPE, None, None),
        ("", _IF_EQUAL, _PACKET_OUTGOING, "drop", None),
    ]
    return ([] if both_ways else direction) + [
        ("", _LOAD_HALF, 12, None, None),  # the ethertype
        ("", _IF_EQUAL, 0x86DD, "ipv6", None),
        ("", _IF_EQUAL, 0x0800, None, "drop"),
        ("", _LOAD_BYTE, 14 + 9, None, None),  # IPv4: the protocol
        ("", _IF_EQUAL, 6, None, "drop"),
        ("", _LOAD_HALF, 14 + 6, None, None),  # a later fragment holds no ports
        ("", _IF_ANY_BIT, 0x1FFF, "drop", None),
        ("", _HEADER_LENGTH_TO_X, 14, None, None),
        ("", _LOAD_HALF_INDEXED, 14, None, None),  # the source port
        ("", _IF_EQUAL, port, "keep", None),
        ("", _LOAD_HALF_INDEXED, 16, None, None),  # the destination port
        ("", _IF_EQUAL, port, "keep", "drop"),
        (
            "ipv6",
            _LOAD_BYTE,
            14 + 6,
            None,
            None,
        ),  # the next header; packets with extension headers are not kept
        ("", _IF_EQUAL, 6, None, "drop"),
        ("", _LOAD_HALF, 14 + 40, None, None),
        ("", _IF_EQUAL, port, "keep", None),
        ("", _LOAD_HALF, 14 + 42, None, None),
        ("", _IF_EQUAL, port, "keep", "drop"),
        ("keep", _RETURN, _SNAPSHOT, None, None),
        ("drop", _RETURN, 0, None, None),
    ]


def port_filter(port: int, both_ways: bool = False) -> list[tuple[int, int, int, int]]:
    """The filter as instructions (code, jump if true, jump if false, k): TCP packets from or to port.

    both_ways: keep packets that leave as well; on loopback that would be each packet twice.
    """
    lines = _lines(port, both_ways)
    places = {label: place for place, (label, *_) in enumerate(lines) if label}
    jumps = [
        [0 if target is None else places[target] - place - 1 for target in (yes, no)]
        for place, (_, _, _, yes, no) in enumerate(lines)
    ]
    return [(code, yes, no, k) for (_, code, k, _, _), (yes, no) in zip(lines, jumps, strict=True)]


def _attach(raw: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    import ctypes  # imported here alone: the kernel wants a pointer

    code = b"".join(struct.pack("@HBBI", *instruction) for instruction in program)
    memory = ctypes.create_string_buffer(code, len(code))
    pointer = struct.pack("@HP", len(program), ctypes.addressof(memory))
    raw.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)
