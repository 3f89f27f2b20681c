"""A URL taken apart into what a client needs: where to connect, and what to ask. RFC 3986, RFC 9110 §4.2.

Pure. Nothing is guessed: what is no http or https URL raises InvalidURL with the repair.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from netlab.client.errors import InvalidURL
from netlab.client.hosts import normal_host, without_zone

PORTS = {"http": 80, "https": 443}

# What TARGET in netlab.http1.grammar does not let pass: such octets, and a "%" that begins no %XX, are
# percent-encoded, as a browser's address bar does.
_UNSAFE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^!$-;=?-~]")

# authority = host [ ":" port ]; a host in brackets has no more of them inside or beside it.  RFC 3986 §3.2
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::([0-9]{0,5}))?")


class Origin(NamedTuple):
    """Scheme, host, port: what a connection belongs to (RFC 6454 §4).

    host: no brackets, lower case; a link-local IPv6 address may have a zone, as in fe80::1%eth0.
    """

    scheme: str
    host: str
    port: int
    proxy: Proxy | None = None
    """The proxy whose tunnel leads there; None for a connection of our own."""

    @property
    def secure(self) -> bool:
        """Is it https?"""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port as the Host field has them: the scheme's own port is left out (RFC 9110 §7.2)."""
        host = f"[{without_zone(self.host)}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


class Proxy(NamedTuple):
    """An HTTP proxy. authorization: the value of Proxy-Authorization, if it wants one."""

    origin: Origin
    authorization: str | None


class URL(NamedTuple):
    """origin: where to connect; target: the request target in origin-form (RFC 9112 §3.2.1).

    whole_server: the URL has no path. OPTIONS of such a URL is about the server, its target is "*" (§3.2.4).
    A tuple, because every request looks its URL up in a cache: its hash costs no call in Python.
    """

    origin: Origin
    target: str
    whole_server: bool = False

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
    except ValueError as error:
        raise InvalidURL(f"URL {shown!r}: {error}") from None
    if parts.scheme not in PORTS:
        what = f"the scheme is {parts.scheme!r}" if "://" in text else "there is no scheme"
        raise InvalidURL(f"URL {shown!r}: {what}; write http://… or https://…")
    if "@" in parts.netloc:
        # RFC 9110 §4.2.4: the userinfo of http URLs is deprecated; sending it silently would hide a password.
        raise InvalidURL(
            f"URL {parts.scheme}://…@…: no user name in a URL; give auth=(name, password), "
            "or -u in `netlab fetch`"
        )
    origin = _origin(parts.scheme, parts.netloc, shown)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        return URL(origin, _UNSAFE.sub(lambda found: quote(found[0], safe=""), target), not parts.path)
    except UnicodeEncodeError:
        raise InvalidURL(f"URL {shown!r} has half of a surrogate pair, which is no character") from None


@lru_cache(maxsize=512)
def resolve_url(base: str | None, text: str) -> URL:
    """A URL, which may be relative to a base (RFC 3986 §5). Raises InvalidURL."""
    if base is None or text[:7].lower() == "http://" or text[:8].lower() == "https://":
        return parse_url(text)
    if text == "*":
        return parse_url(base)._replace(target="/", whole_server=True)
    return parse_url(urljoin(base, text))


def with_query(url: URL, query: str) -> URL:
    """The same URL with more in its query. query: percent-encoded, or to be."""
    if not query:
        return url
    target = url.target + ("&" if "?" in url.target else "?") + query
    return URL(url.origin, _UNSAFE.sub(lambda found: quote(found[0], safe=""), target))


def _origin(scheme: str, netloc: str, shown: str) -> Origin:
    found = _AUTHORITY.fullmatch(netloc)
    if found is None:
        if "[" in netloc or "]" in netloc:
            raise InvalidURL(
                f"URL {shown!r}: brackets enclose a whole IPv6 address, nothing stands beside them"
            )
        raise InvalidURL(f"URL {shown!r}: the port is not a number of at most 5 digits")
    host, port = found[1], int(found[2] or PORTS[scheme])
    if not host:
        raise InvalidURL(f"URL {shown!r} has no host")
    if not 1 <= port <= 65535:
        raise InvalidURL(f"URL {shown!r}: port {port} is out of range: give 1 to 65535")
    return Origin(scheme, normal_host(host, shown), port)
