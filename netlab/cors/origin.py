"""Web origins, and the patterns that a policy may list. Pure text in, values out.

An origin is a scheme, a host and a port. It is compared part by part: no substring, no regular expression of
the user's, so `https://evilexample.com` never passes for `https://example.com`. Which origins may *do* what
is no matter of this file; see `policy`.

Source: Fetch standard, section "`Origin` header" (the serialized-origin grammar); RFC 6454 section 6.2.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

SECTION = "Fetch, `Origin` header"

MAX_HOST = 253
"""Octets of a domain name (RFC 1035 section 3.1, less the root label and the length octets)."""
MAX_ORIGIN = 64 + len("://") + MAX_HOST + len(":65535")
"""Octets of a serialized origin. What is longer is not read at all. No scheme in use comes near 64."""

DEFAULT_PORTS = {"http": 80, "https": 443}

# serialized-scheme = lower-alpha *( lower-alphanum / "+" / "-" / "." )
_SCHEME = r"[a-z][a-z0-9+.-]{0,63}+"
# domain-label, and "_" besides: the grammar leaves it out, but browsers resolve such names and send them.
_LABEL = r"(?!-)[a-z0-9_-]{1,63}+(?<!-)"
_DOMAIN = rf"(?:{_LABEL}\.)*+{_LABEL}"
# The grammar of IPv6 is left to `ipaddress`, which also knows the one spelling that browsers send.
_HOST = rf"{_DOMAIN}|\[[0-9a-f:]{{2,39}}\]"
_PORT = r"[1-9][0-9]{0,4}"

_ORIGIN = re.compile(rf"({_SCHEME})://({_HOST})(?::({_PORT}))?", re.ASCII)
_PATTERN = re.compile(rf"({_SCHEME})://(\*\.)?({_HOST})(?::({_PORT}|\*))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """A tuple origin. `port` is None where the scheme's own port is meant, as browsers write it."""

    scheme: str
    host: str
    port: int | None = None

    def __str__(self) -> str:
        """The serialization, as a browser sends it in `Origin`."""
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port is not None else "")


def parse_origin(text: str) -> Origin | None:
    """Read a serialized origin, exactly as browsers write one; None for `null` and for anything else.

    Upper case, a default port spelled out, a trailing slash or dot: no browser sends those, so they are not
    origins. The cost is linear in the length, and what is longer than MAX_ORIGIN octets is not read.
    """
    if len(text) > MAX_ORIGIN:
        return None
    found = _ORIGIN.fullmatch(text)
    if found is None:
        return None
    scheme, host, digits = found.groups()
    if len(host) > MAX_HOST:
        return None
    if digits is None:
        return Origin(scheme, host)
    port = int(digits)
    if port > 65535 or port == DEFAULT_PORTS.get(scheme):
        return None
    return Origin(scheme, host, port)


@dataclass(frozen=True, slots=True)
class OriginPattern:
    """What a policy lists: one origin, or with `*.` all subdomains of a host, or with `:*` all its ports."""

    scheme: str
    host: str
    port: int | None
    subdomains: bool = False
    any_port: bool = False

    def matches(self, origin: Origin) -> bool:
        """True if `origin` is meant: same scheme, same host (or one or more labels below it), same port."""
        if origin.scheme != self.scheme or not (self.any_port or origin.port == self.port):
            return False
        if self.subdomains:
            return origin.host.endswith("." + self.host)  # at the dot: a whole label, never a bare suffix
        return origin.host == self.host

    @property
    def exact(self) -> bool:
        """True if the pattern means one origin alone."""
        return not (self.subdomains or self.any_port)

    @property
    def secure(self) -> bool:
        """True if no attacker on the network path can speak for this origin: https, or the machine itself.

        Loopback names and addresses never leave the machine (RFC 6761 section 6.3, RFC 1122 section 3.2.1.3).
        """
        if self.scheme == "https" or self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        address = _address(self.host)
        return address is not None and address.is_loopback

    def __str__(self) -> str:
        port = ":*" if self.any_port else "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{'*.' if self.subdomains else ''}{self.host}{port}"


class OriginSet:
    """The origins that a policy allows: exact ones in a set, patterns looked up by the host's suffixes.

    The cost of a question is one set lookup for a listed origin, and otherwise one lookup per label of the
    host, however many patterns are listed.
    """

    __slots__ = ("_below", "_exact", "_hosts")

    def __init__(self, patterns: Iterable[OriginPattern]) -> None:
        below: dict[tuple[str, str], set[int | None]] = {}
        hosts: set[tuple[str, str]] = set()
        exact: set[str] = set()
        for pattern in patterns:
            key = (pattern.scheme, pattern.host)
            if pattern.subdomains:
                below.setdefault(key, set()).add(_ANY_PORT if pattern.any_port else pattern.port)
            elif pattern.any_port:
                hosts.add(key)
            else:
                exact.add(str(pattern))
        self._exact = frozenset(exact)
        self._hosts = frozenset(hosts)
        self._below = below

    @property
    def exact(self) -> frozenset[str]:
        """The origins listed one by one, serialized."""
        return self._exact

    def __contains__(self, text: str) -> bool:
        """True if the serialized origin `text` is allowed."""
        if text in self._exact:
            return True
        if not self._below and not self._hosts:
            return False
        origin = parse_origin(text)
        if origin is None:
            return False
        return (origin.scheme, origin.host) in self._hosts or self._is_below(origin)

    def _is_below(self, origin: Origin) -> bool:
        """True if a `*.` pattern stands for this origin: drop one label after the other and ask."""
        rest = origin.host
        while "." in rest:
            rest = rest.partition(".")[2]
            ports = self._below.get((origin.scheme, rest))
            if ports is not None and (origin.port in ports or _ANY_PORT in ports):
                return True
        return False


_ANY_PORT = -1


class Refusal(ValueError):
    """Why a text cannot be an origin pattern, and what to write instead."""

    def __init__(self, reason: str, repair: str, step: str = SECTION) -> None:
        super().__init__(reason)
        self.reason, self.repair, self.step = reason, repair, step


class _Tell(NamedTuple):
    """A sign of one common mistake: the pattern that gives it away, why it is one, and the repair."""

    sign: re.Pattern[str]
    reason: str
    repair: Callable[[str], str]


def _tell(sign: str, reason: str, repair: str | Callable[[str], str]) -> _Tell:
    fixed = repair if callable(repair) else lambda _text: repair
    return _Tell(re.compile(sign, re.ASCII), reason, fixed)


_FORM = "write it as https://host or https://host:port"

# Tried in this order; the first sign found explains the refusal. A text with none of them is just malformed.
_TELLS = (
    _tell(r"\s|^\Z", "an origin is not empty and has no white space", _FORM),
    _tell(
        r"^(?i:null)\Z",
        "`null` is what every sandboxed frame, data: page and local file sends, an attacker's too",
        'serve the page from an origin of its own, or allow "*" without credentials',
    ),
    _tell(
        r"^(?i:file|data|blob|about|javascript|filesystem):",
        "pages of this scheme have an opaque origin: the browser sends `null`",
        "serve the page over https (in development: http://localhost:PORT)",
    ),
    _tell(
        r"^(?i:wss?)://",
        "the origin is that of the page, never of the socket that it opens",
        lambda text: "write http" + text[2:],
    ),
    _tell(
        r"[^\x21-\x7e]",
        "browsers send hosts in ASCII",
        "write the host in its ASCII form (punycode, xn--...)",
    ),
    _tell(
        r"[\^$|(){}\\]",
        "a pattern is no regular expression",
        "list the origins, or write https://*.example.com for all subdomains",
    ),
    _tell(r",", "one string cannot hold several origins", "list each origin as a string of its own"),
    _tell(r"^(?!.*://)", "the scheme is missing", lambda text: "write https://" + text.lstrip("/:")),
    _tell(r"://[^/]*@", "an origin carries no user name", _FORM),
    _tell(
        r"://[^/?#]+[/?#]",
        "an origin ends with its host or port: no path, not even a slash",
        lambda text: "write " + re.split(r"(?<!/|:)[/?#]", text, maxsplit=1)[0],
    ),
    _tell(
        r"[A-Z]",
        "browsers send scheme and host in lower case, and origins are compared octet by octet",
        lambda text: "write " + text.lower(),
    ),
    _tell(
        r"\*.*://",
        "a scheme cannot be a pattern",
        "list one pattern for https and, if you must, one for http",
    ),
    _tell(
        r"://\*\.?(:|\Z)",
        "`*` alone is not a host",
        'write "*" as the one origin to allow all of them, without credentials',
    ),
    _tell(
        r"://(?!\*\.)[^:]*\*|://\*\.[^:]*\*",
        "`*` stands only for whole labels, in front: one or more of them",
        "write https://*.example.com",
    ),
    _tell(
        r"\.(:|\Z)",
        "a trailing dot makes another origin than the one without",
        "write the host without the dot at its end",
    ),
    _tell(
        r"^https://.*:0*443\Z|^http://.*:0*80\Z",
        "browsers leave out the scheme's own port",
        lambda text: "write " + text[: text.rindex(":")],
    ),
    _tell(
        r"://(\[[^\]]*\]|[^\[:]*):(?!([1-9][0-9]{0,4}|\*)\Z)",
        "a port is a number from 1 to 65535 without leading zeros, or `*`",
        "write https://host:8443 or https://host:*",
    ),
)


def parse_pattern(text: str) -> OriginPattern:
    """Read what a policy lists as an origin: `https://host`, `https://*.host`, `https://host:port`, `host:*`.

    Raises Refusal, with the reason and the repair, for everything else.
    """
    for tell in _TELLS:
        if tell.sign.search(text):
            raise Refusal(tell.reason, tell.repair(text))
    found = _PATTERN.fullmatch(text)
    if found is None or len(found[3]) > MAX_HOST:
        raise Refusal("this is not an origin", _FORM)
    scheme, wildcard, host, port = found.groups()
    if port not in (None, "*") and int(port) > 65535:
        raise Refusal(
            "a port is a number from 1 to 65535, or `*`", "write https://host:8443 or https://host:*"
        )
    _check_host(host, subdomains=wildcard is not None)
    number = int(port) if port not in (None, "*") else None
    return OriginPattern(scheme, host, number, subdomains=wildcard is not None, any_port=port == "*")


def _check_host(host: str, *, subdomains: bool) -> None:
    """Refuse addresses in a spelling that no browser sends, and wildcards over names free to register."""
    last = host.rpartition(".")[2]
    if host.startswith("[") or last.isdigit() or re.match(r"0x[0-9a-f]*\Z", last):
        _check_address(
            host, subdomains=subdomains
        )  # what ends in a number is an address or nothing (URL standard)
    elif subdomains and "." not in host:
        raise Refusal(
            f"everybody can register a name below .{host}",
            f"name the domain that is yours: https://*.example.{host}",
        )


def _check_address(host: str, *, subdomains: bool) -> None:
    address = _address(host)
    if address is None:
        raise Refusal(
            "this is neither an IP address nor a domain name", "write the address as a browser shows it"
        )
    if subdomains:
        raise Refusal("an IP address has no subdomains", f"write https://{host}")
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            raise Refusal("an IPv4 address in IPv6 clothing", f"write the host as {address.ipv4_mapped}")
        if host != f"[{address}]":
            raise Refusal("browsers send an address in its shortest form", f"write the host as [{address}]")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that `host` spells (IPv6 in brackets), or None."""
    bare = host[1:-1] if host.startswith("[") else host
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return address if (address.version == 6) == host.startswith("[") else None
