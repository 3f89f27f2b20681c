"""A URL taken apart into what a client needs: where to connect, and what to ask. RFC 3986, RFC 9110 §4.2.

Pure. Nothing is guessed: what is no http or https URL raises InvalidURL with the repair.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from netlab.client.errors import InvalidURL

PORTS = {"http": 80, "https": 443}

# What TARGET in netlab.http1.grammar does not let pass: such octets, and a "%" that begins no %XX, are
# percent-encoded, as a browser's address bar does.
_UNSAFE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^!$-;=?-~]")

_REG_NAME = re.compile(r"[0-9A-Za-z\-._~]{1,253}")


class Origin(NamedTuple):
    """Scheme, host, port: what a connection belongs to (RFC 6454 §4). host: no brackets, lower case."""

    scheme: str
    host: str
    port: int

    @property
    def secure(self) -> bool:
        """Is it https?"""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port as the Host field has them: the scheme's own port is left out (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True)
class URL:
    """origin: where to connect; target: the request target in origin-form (RFC 9112 §3.2.1)."""

    origin: Origin
    target: str

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"


@lru_cache(maxsize=512)
def parse_url(text: str) -> URL:
    """Take a URL apart. The fragment stays here: it never goes to a server. Raises InvalidURL."""
    if any(char < " " or char == "\x7f" for char in text):
        raise InvalidURL(f"URL {text[:80]!r} has a control character: remove it")
    shown = text[:80]
    try:
        parts = urlsplit(text.strip(" "))
        port = parts.port
    except ValueError as error:
        raise InvalidURL(f"URL {shown!r}: {error}") from None
    if parts.scheme not in PORTS:
        what = f"the scheme is {parts.scheme!r}" if "://" in text else "there is no scheme"
        raise InvalidURL(f"URL {shown!r}: {what}; write http://… or https://…")
    if "@" in parts.netloc:
        # RFC 9110 §4.2.4: the userinfo of http URLs is deprecated; sending it silently would hide a password.
        raise InvalidURL(f"URL {parts.scheme}://…@…: no user name in a URL; give an Authorization field")
    if not parts.hostname:
        raise InvalidURL(f"URL {shown!r} has no host")
    if port == 0:
        raise InvalidURL(f"URL {shown!r}: port 0 is no port to connect to")
    origin = Origin(parts.scheme, _host(parts.hostname, shown), port or PORTS[parts.scheme])
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        return URL(origin, _UNSAFE.sub(lambda found: quote(found[0], safe=""), target))
    except UnicodeEncodeError:
        raise InvalidURL(f"URL {shown!r} has half of a surrogate pair, which is no character") from None


def _host(host: str, shown: str) -> str:
    """A host as it stands in DNS and in certificates: an address, or a name in ASCII (IDNA)."""
    if ":" in host:
        if "%" in host:
            # RFC 6874 §4: a zone is this machine's own affair and must not reach the server in Host.
            raise InvalidURL(f"URL {shown!r}: {host!r} has a zone, which is not supported: drop the %…")
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise InvalidURL(f"URL {shown!r}: {host!r} is no IPv6 address") from None
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise InvalidURL(f"URL {shown!r}: {host!r} is no host name") from None
    if _REG_NAME.fullmatch(name) is None:
        raise InvalidURL(f"URL {shown!r}: {host!r} is no host name")
    return name.lower()
