"""What a proxy tells of its client: X-Forwarded-For, -Proto and -Host, and Forwarded (RFC 7239). Pure.

A client can send these fields, too, with any content. So they are believed from named peers alone, and each
list is read from its right end: our own proxy added the last entry, and the client, or a proxy before ours,
the entries before it. The first address from the right that is no trusted proxy is the client's. What stands
left of it is hearsay.

Which form counts: X-Forwarded-* if one of these fields is there, else Forwarded. A proxy passes the other
form on as its client sent it. So its configuration must drop that form (see netlab/asgi/README.md).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from netlab.http1.fields import Fields
from netlab.http1.grammar import HOST

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Node = tuple[str, int]

# Proxies in a row that are looked at; a list of thousands is no route that a request has taken.
HOPS = 64

# What stands for the peers of a Unix socket, which have no address.
UNIX = "unix"

_SCHEMES = ("http", "https")

# forwarded-pair = token "=" value; value = token / quoted-string                  RFC 7239 §4
# Beyond the RFC a value without quotes may hold ":", "[" and "]": several proxies write host:port so.
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_QUOTED = r'"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*+)"'
_BARE = r"[!#$%&'*+\-.^_`|~0-9A-Za-z:\[\]]++"
_PAIR = re.compile(rf"[ \t]*+({_TOKEN})=(?:({_BARE})|{_QUOTED})[ \t]*+(;|,|\Z)")
_GAP = re.compile(r"[ \t]*+(;|,|\Z)")

# node = nodename [ ":" node-port ]; an IPv6 address stands in brackets             RFC 7239 §6
# X-Forwarded-For has the same forms, and the bare IPv6 address.
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]++)\]|([0-9.]++))(?::([0-9]{1,5}+))?")


class Told(NamedTuple):
    """What the trusted proxies say of a request."""

    client: Node | None
    """Address and port; port 0 if only the address is known. None: a proxy hides its client."""
    scheme: str | None
    """http or https; None: no proxy says it."""
    host: str | None
    """The host, with its port if it has one, that the client asked for; None: no proxy says it."""


class TrustedProxies:
    """The peers that are believed.

    peers: addresses ("127.0.0.1"), networks ("10.0.0.0/8"), "unix" for the peers of a Unix socket, or "*" for
    every peer, which is right only where no client can connect directly. Raises ValueError, naming each entry
    that is none of these.
    """

    __slots__ = ("_all", "_networks", "_unix")

    def __init__(self, peers: Iterable[str]) -> None:
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        names = [name.strip() for name in peers]
        self._all, self._unix = "*" in names, UNIX in names
        wrong = []
        for name in names:
            if name in ("*", UNIX):
                continue
            try:
                self._networks.append(ipaddress.ip_network(name))
            except ValueError:
                wrong.append(repr(name))
        if wrong:
            raise ValueError(
                f"{', '.join(wrong)}: give addresses (127.0.0.1), networks (10.0.0.0/8, without host bits), "
                f"{UNIX!r} or '*'"
            )

    def trusts(self, host: str | None) -> bool:
        """Is a peer of this address believed? None: a peer without an address, on a Unix socket."""
        if self._all:
            return True
        if host is None:
            return self._unix
        try:
            address = _plain(ipaddress.ip_address(host.partition("%")[0]))
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def told(self, fields: Fields, peer: Node | None) -> Told | None:
        """What the fields of a request say, if its peer is believed; None if it is not, or if none is there.

        peer: the other end of the connection; None on a Unix socket.
        """
        if not self.trusts(peer[0] if peer else None):
            return None
        hops, schemes, hosts = (
            _elements(fields.get_all(f"x-forwarded-{name}")) for name in ("for", "proto", "host")
        )
        if hops or schemes or hosts:
            index, client = self._client(hops, peer)
            scheme, host = _beside(schemes, index, len(hops)), _beside(hosts, index, len(hops))
            return Told(client, _scheme(scheme), _host(host))
        elements = _forwarded(fields.get_all("forwarded"))
        if not elements:
            return None
        # An element without `for` tells no client: what stands left of it is not looked at.
        named = [element.get("for") for element in elements]
        index, client = self._client(named, peer)
        return Told(client, _scheme(elements[index].get("proto")), _host(elements[index].get("host")))

    def _client(self, hops: Sequence[str | None], peer: Node | None) -> tuple[int, Node | None]:
        """The index of the first hop from the right that is no trusted proxy, and its address."""
        client, index = peer, len(hops) - 1
        for at in range(len(hops) - 1, max(-1, len(hops) - 1 - HOPS), -1):
            hop = hops[at]
            if hop is None:
                break
            index, client = at, _node(hop)
            if client is None or not self.trusts(client[0]):
                break
        return index, client


def _plain(address: Address) -> Address:
    """An IPv4 address that a dual-stack socket writes as IPv6 is that IPv4 address."""
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def _node(text: str) -> Node | None:
    """Address and port of a hop; None for "unknown", an obfuscated name (RFC 7239 §6.3), or no address."""
    found = _NODE.fullmatch(text)
    literal = (found[1] or found[2]) if found else text
    port = int(found[3]) if found and found[3] else 0
    try:
        return (str(_plain(ipaddress.ip_address(literal))), port) if port <= 65535 else None
    except ValueError:
        return None


def _elements(lines: Iterable[str]) -> list[str]:
    """A list field's elements (RFC 9110 §5.6.1), empty ones left out, quotes around one taken off."""
    pieces = (piece.strip(" \t") for line in lines for piece in line.split(","))
    return [piece.strip('"') for piece in pieces if piece]


def _beside(values: list[str], index: int, hops: int) -> str | None:
    """The value for the hop at `index`: lists of one length belong together, else the last one counts."""
    if not values:
        return None
    return values[index] if len(values) == hops else values[-1]


def _scheme(text: str | None) -> str | None:
    lower = text.lower() if text else ""
    return lower if lower in _SCHEMES else None


def _host(text: str | None) -> str | None:
    return text if text and HOST.fullmatch(text) else None


def _forwarded(lines: Iterable[str]) -> list[dict[str, str]]:
    """The elements of Forwarded, each with its pairs.

    A client can break the grammar (a quote without its end), so that our proxy's element, which is added
    behind a comma, would be swallowed. Of a broken line the text behind its last comma counts alone.
    """
    elements: list[dict[str, str]] = []
    for line in lines:
        try:
            elements += [element for element in _read_elements(line) if element]
        except ValueError:
            elements = [_last_element(line)]
    return elements


def _last_element(line: str) -> dict[str, str]:
    """The element behind the last comma; one that says nothing if that is broken, too."""
    try:
        return next(_read_elements(line.rpartition(",")[2]))
    except ValueError:
        return {"for": "unknown"}


def _read_elements(line: str) -> Iterator[dict[str, str]]:
    """Element by element. Raises ValueError where the grammar is broken, or a name stands twice."""
    element: dict[str, str] = {}
    at = 0
    while at <= len(line):
        found = _PAIR.match(line, at)
        if found is None:
            found = _GAP.match(line, at)
            if found is None:
                raise ValueError(line)
            separator = found[1]
        else:
            name, token, quoted, separator = found.groups()
            if name.lower() in element:
                raise ValueError(line)
            element[name.lower()] = token if token is not None else re.sub(r"\\(.)", r"\1", quoted)
        if separator != ";":
            yield element
            element = {}
        if not separator:
            return
        at = found.end()
