"""The host of a URL as the network needs it: an address, or a name in ASCII. RFC 3986 §3.2.2, RFC 6874, IDNA.

Pure: no look-up happens here; `dialing` asks the resolver. Each function raises InvalidURL with the repair.

Two readers that take one host for two different ones are how a check is passed by: a filter allows the first,
the client connects to the second. So what has several readings is refused:

    [::1].example, a[::1]      brackets belong round the whole host (CVE-2025-0938, CVE-2024-11168)
    [v1.x]                     RFC 3986 reserves the form; no address of that kind exists
    127.1, 0x7f000001          the C library takes them for addresses, and other programs for names
    faß.example                IDNA 2003 maps it to fass.example, IDNA 2008 does not (CVE-2016-8625)
"""

from __future__ import annotations

import importlib
import ipaddress
import re
import unicodedata

from netlab.client.errors import InvalidURL

# reg-name without sub-delims and pct-encoded, which no host name in use has.    RFC 3986 §3.2.2
_REG_NAME = re.compile(r"(?=[^.])[0-9A-Za-z\-._~]{1,254}")

# zone-id of a URL: "%25" and the name of an interface.                         RFC 6874 §2
_ZONE = re.compile(r"[0-9A-Za-z\-._~]{1,32}")

# A last label of digits, or of hexadecimal digits behind 0x: an IPv4 address for the C library, not a name.
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")

# Characters that IDNA 2003 maps to others, or to nothing, and IDNA 2008 keeps: ß, ς, ZWNJ and ZWJ.
_DEVIATIONS = frozenset("ß\u1e9eς\u200c\u200d")

# The data of Unicode 3.2, by which IDNA 2003 was defined. A newer character was never mapped at all.
_OLD = unicodedata.ucd_3_2_0


def normal_host(host: str, shown: str) -> str:
    """A host without brackets, as it stands in DNS and in certificates, in lower case.

    host: as the URL has it, with its brackets. shown: the URL, for the error. An IPv6 address keeps its zone,
    behind a "%". An IPv4 address loses a final dot.
    """
    if host.startswith("["):
        return _ipv6(host[1:-1], shown)
    name = _ascii_name(host, shown).lower()
    labels = name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(name.removesuffix("."), shown)
    if _REG_NAME.fullmatch(name) is None or not all(1 <= len(label) <= 63 for label in labels):
        raise InvalidURL(f"URL {shown!r}: {host!r} is no host name")
    return name


def is_loopback_name(host: str) -> bool:
    """Is it localhost, or a name below it? RFC 6761 §6.3: no DNS server is asked for it."""
    name = host.removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def is_address(host: str) -> bool:
    """Is it an IPv4 or IPv6 address, not a name?"""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def without_zone(host: str) -> str:
    """The host as others may see it. RFC 6874 §4: a zone has a meaning on this machine alone."""
    return host.partition("%")[0]


def _ipv6(literal: str, shown: str) -> str:
    if literal[:1] in ("v", "V"):
        raise InvalidURL(f"URL {shown!r}: no address of a future version of IP exists: give an IPv6 address")
    address, percent, zone = literal.partition("%")
    try:
        normal = str(ipaddress.IPv6Address(address))
    except ValueError:
        raise InvalidURL(f"URL {shown!r}: {address!r} is no IPv6 address") from None
    if not percent:
        return normal
    # "%25" is a percent sign in a URL; many tools write "%" alone, and curl and browsers read both.
    zone = zone.removeprefix("25")
    if _ZONE.fullmatch(zone) is None:
        raise InvalidURL(f"URL {shown!r}: {zone!r} is no zone: give an interface, such as [fe80::1%25eth0]")
    return f"{normal}%{zone}"


def _ipv4(text: str, shown: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise InvalidURL(
            f"URL {shown!r}: {text!r} ends in a number and is no IPv4 address: give four decimal numbers"
        ) from None


def _ascii_name(host: str, shown: str) -> str:
    """The name in ASCII: IDNA 2008 where the package `idna` is installed, else IDNA 2003 where both agree."""
    if host.isascii():
        return host
    try:
        idna = importlib.import_module("idna")
    except ImportError:
        return _idna_2003(host, shown)
    try:
        return str(idna.encode(host, uts46=True).decode("ascii"))
    except UnicodeError as error:
        raise InvalidURL(f"URL {shown!r}: {host!r} is no host name: {error}") from None


def _idna_2003(host: str, shown: str) -> str:
    doubtful = [char for char in host if char in _DEVIATIONS or _OLD.category(char) == "Cn"]
    if doubtful:
        names = ", ".join(dict.fromkeys(f"U+{ord(char):04X}" for char in doubtful))
        raise InvalidURL(
            f"URL {shown!r}: {names} means another host in IDNA 2003, which Python has, than in IDNA 2008: "
            "pip install 'netlab[idna]'"
        )
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise InvalidURL(f"URL {shown!r}: {host!r} is no host name") from None
