"""The link layer: where the IP packet starts in what an interface captured.

Here live the link types that captures of TCP use: Ethernet with VLAN tags (IEEE 802.1Q), PPPoE (RFC 2516),
MPLS (RFC 3032) and SNAP (IEEE 802) on it, Linux cooked capture, BSD loopback, PPP and raw IP. The numbers
are those of https://www.tcpdump.org/linktypes.html. Radio, USB and Bluetooth captures are not read.
"""

from __future__ import annotations

from collections.abc import Callable

from netlab.capture.errors import DecodeError
from netlab.capture.ethernet import ETHERTYPE_IPV4, ETHERTYPE_IPV6, LOWEST_TYPE

LINK_NULL, LINK_ETHERNET, LINK_PPP, LINK_RAW, LINK_LOOP = 0, 1, 9, 101, 108
LINK_COOKED, LINK_COOKED_2, LINK_IPV4, LINK_IPV6 = 113, 276, 228, 229

# Customer tag, provider tag (IEEE 802.1Q), and the older double tag of some switches.
VLAN_TAGS = frozenset({0x8100, 0x88A8, 0x9100})
_MOST_TAGS = 4

# The address family of IPv6 differs between systems: Linux, NetBSD, FreeBSD, macOS. IPv4 is 2 everywhere.
_IPV6_FAMILIES = frozenset({10, 24, 28, 30})

Place = tuple[int, int]  # the ethertype, and the offset of the packet behind it


def network_layer(link_type: int, data: bytes) -> Place:
    """The ethertype of a captured packet, and the offset where its network layer starts.

    Raises DecodeError for a link type that is not read, and where data ends inside the link's header.
    """
    reader = _READERS.get(link_type)
    if reader is None:
        known = ", ".join(map(str, sorted(_READERS)))
        raise DecodeError("link", 0, f"link type {link_type}", f"this decoder knows {known}")
    return reader(data)


def _need(data: bytes, length: int, name: str) -> None:
    if len(data) < length:
        raise DecodeError(name, len(data), "the frame ends inside its header", f"a header is {length} octets")


def _past_tags(data: bytes, at: int, name: str) -> Place:
    """Read the ethertype at `at`; step over the VLAN tags that stand before it (4 octets each)."""
    for _ in range(_MOST_TAGS + 1):
        _need(data, at + 2, name)
        kind = data[at] << 8 | data[at + 1]
        if kind not in VLAN_TAGS:
            return kind, at + 2
        at += 4
    raise DecodeError(name, at, f"more than {_MOST_TAGS} VLAN tags", "a bound of this reader")


_PPPOE_SESSION, _MPLS = 0x8864, 0x8847
_SNAP = b"\xaa\xaa\x03\0\0\0"  # LLC of a frame with a length for a type; the ethertype follows
_MOST_LABELS = 8


def _ethernet(data: bytes) -> Place:
    kind, at = _past_tags(data, 12, "Ethernet")
    if kind < LOWEST_TYPE and data[at : at + 6] == _SNAP:
        kind, at = _past_tags(data, at + 6, "SNAP")
    if kind == _PPPOE_SESSION:
        return _ppp(data, at + 6)
    if kind == _MPLS:
        return _mpls(data, at)
    if kind < LOWEST_TYPE:
        problem = f"0x{kind:04x} is a length, not a type"
        raise DecodeError("Ethernet", at - 2, problem, "IEEE 802.3 §3.2.6: a type is 0x0600 or more")
    return kind, at


def _mpls(data: bytes, at: int) -> Place:
    """Step over the labels: 4 octets each, the last has its S bit set. The IP packet tells its version."""
    for _ in range(_MOST_LABELS):
        _need(data, at + 4, "MPLS")
        last = data[at + 2] & 1
        at += 4
        if last:
            return (ETHERTYPE_IPV6 if data[at : at + 1] >= b"\x60" else ETHERTYPE_IPV4), at
    raise DecodeError("MPLS", at, f"more than {_MOST_LABELS} labels", "a bound of this reader")


def _cooked(data: bytes) -> Place:
    kind, at = _past_tags(data, 14, "cooked capture")
    _need(data, at, "cooked capture")
    return kind, at


def _cooked_2(data: bytes) -> Place:
    _need(data, 20, "cooked capture")
    kind = data[0] << 8 | data[1]
    if kind in VLAN_TAGS:  # the tag's own two octets come first, then the type behind it
        return _past_tags(data, 22, "cooked capture")
    return kind, 20


def _loopback(data: bytes) -> Place:
    """BSD loopback: an address family of four octets, in the byte order of the machine that captured."""
    _need(data, 4, "loopback")
    family = min(int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big"))
    if family == 2:
        return ETHERTYPE_IPV4, 4
    if family in _IPV6_FAMILIES:
        return ETHERTYPE_IPV6, 4
    raise DecodeError("loopback", 0, f"address family {family}", "2 is IPv4; 10, 24, 28 and 30 are IPv6")


def _ppp(data: bytes, at: int = 0) -> Place:
    at += 2 if data[at : at + 2] == b"\xff\x03" else 0  # address and control may be left out (RFC 1661 §6.6)
    _need(data, at + 2, "PPP")
    protocol = data[at] << 8 | data[at + 1]
    kind = {0x0021: ETHERTYPE_IPV4, 0x0057: ETHERTYPE_IPV6}.get(protocol)
    if kind is None:
        raise DecodeError("PPP", at, f"protocol 0x{protocol:04x}", "0x0021 is IPv4 and 0x0057 is IPv6")
    return kind, at + 2


def _raw(data: bytes) -> Place:
    return (ETHERTYPE_IPV6 if data[:1] >= b"\x60" else ETHERTYPE_IPV4), 0


_READERS: dict[int, Callable[[bytes], Place]] = {
    LINK_NULL: _loopback,
    LINK_ETHERNET: _ethernet,
    LINK_PPP: _ppp,
    12: _raw,  # raw IP as some systems number it in files of their own
    14: _raw,
    LINK_RAW: _raw,
    LINK_LOOP: _loopback,
    LINK_COOKED: _cooked,
    LINK_IPV4: lambda data: (ETHERTYPE_IPV4, 0),
    LINK_IPV6: lambda data: (ETHERTYPE_IPV6, 0),
    LINK_COOKED_2: _cooked_2,
}
