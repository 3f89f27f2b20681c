"""A cookie jar: Set-Cookie in, Cookie out, by RFC 6265bis (draft 20). Opt-in: `Session(cookies=CookieJar())`.

Left out, frankly: the public suffix list, which no standard library has. In its place a cookie for a domain
of one label (`Domain=com`) is refused; one for `co.uk` is not. SameSite is kept and does nothing: it protects
a browser's user from pages of other sites, and a client of this kind shows no pages.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from netlab.client.hosts import is_address
from netlab.client.url import URL
from netlab.http1.fields import Fields

# RFC 6265bis §5.6, §5.7: longer names and values are ignored; expiry is at most 400 days away.
_NAME_AND_VALUE = 4096
_ATTRIBUTE = 1024
_LONGEST = 400 * 24 * 3600

# RFC 6265bis §6.1: what a user agent should be able to hold.
PER_DOMAIN, IN_ALL = 50, 3000

_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DELIMITERS = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY = re.compile(r"([0-9]{1,2})(?![0-9])")
_YEAR = re.compile(r"([0-9]{2,4})(?![0-9])")


_Identity = tuple[str, str, bool, str]


@dataclass(slots=True)
class Cookie:
    """One cookie. expires: seconds since 1970, None: until the session ends. domain: lower case, no dot."""

    name: str
    value: str
    domain: str
    path: str
    host_only: bool
    secure: bool
    http_only: bool
    same_site: str
    expires: float | None
    created: int


class CookieJar:
    """Cookies of many hosts. clock: seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._created = 0
        self._cookies: dict[_Identity, Cookie] = {}

    def store(self, url: URL, fields: Fields) -> None:
        """Keep the cookies of a response from this URL."""
        for line in fields.get_all("set-cookie"):
            cookie = self._parse(url, line)
            if cookie is not None:
                self._keep(cookie)

    def header(self, url: URL) -> str | None:
        """The Cookie field for a request to this URL, or None without one. RFC 6265bis §5.8.3"""
        if not self._cookies:
            return None
        now, path = self._clock(), url.target.partition("?")[0]
        found = [
            cookie
            for cookie in self._cookies.values()
            if (cookie.expires is None or cookie.expires > now)
            and _domain_matches(url.origin.host, cookie)
            and _path_matches(path, cookie.path)
            and (url.origin.secure or not cookie.secure)
        ]
        # Longer paths first, then the older ones.
        found.sort(key=lambda cookie: (-len(cookie.path), cookie.created))
        return "; ".join(f"{c.name}={c.value}" if c.name else c.value for c in found) or None

    def __iter__(self) -> Iterator[Cookie]:
        """The cookies that have not expired."""
        now = self._clock()
        return iter([c for c in self._cookies.values() if c.expires is None or c.expires > now])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Forget every cookie."""
        self._cookies.clear()

    # -- reading Set-Cookie ---------------------------------------------------------------------------------

    def _parse(self, url: URL, line: str) -> Cookie | None:
        """One cookie, or None where RFC 6265bis §5.6 and §5.7 ignore it."""
        if _CONTROLS.search(line):
            return None
        pair, *parts = line.split(";")
        name, equals, value = pair.partition("=")
        name, value = (name.strip(" \t"), value.strip(" \t")) if equals else ("", pair.strip(" \t"))
        if not (name or value) or len(name) + len(value) > _NAME_AND_VALUE:
            return None
        attributes: dict[str, str] = {}
        for part in parts:
            key, _, text = part.partition("=")
            key, text = key.strip(" \t").lower(), text.strip(" \t")
            # The last of each name counts, among those that can be read (§5.6.1, §5.6.2).
            if len(text) <= _ATTRIBUTE and _READABLE.get(key, _always)(text):
                attributes[key] = text
        host = url.origin.host
        domain = attributes.get("domain", "").removeprefix(".").lower()
        cookie = Cookie(
            name,
            value,
            domain or host,
            _path(attributes.get("path", ""), url),
            not domain or (domain == host and is_address(host)),
            "secure" in attributes,
            "httponly" in attributes,
            attributes.get("samesite", ""),
            self._expires(attributes),
            self._created,
        )
        self._created += 1
        return cookie if self._acceptable(cookie, url, attributes) else None

    def _acceptable(self, cookie: Cookie, url: URL, attributes: dict[str, str]) -> bool:
        host, secure = url.origin.host, url.origin.secure
        if not cookie.host_only and (not _domain_matches(host, cookie) or "." not in cookie.domain):
            # One label is a public suffix; localhost is its own.
            if cookie.domain != host:
                return False
            cookie.host_only = True
        if cookie.secure and not secure:
            return False
        prefix = cookie.name.lower() or cookie.value.lower()
        if prefix.startswith("__secure-") and not cookie.secure:
            return False
        if prefix.startswith("__host-"):
            whole = cookie.secure and attributes.get("path") == "/" and not attributes.get("domain")
            if not whole:
                return False
        # §5.7 step 16: what https has set, http must not overwrite.
        return secure or not any(
            other.secure and other.name == cookie.name and _path_matches(cookie.path, other.path)
            for other in self._cookies.values()
            if _covers(other.domain, cookie.domain) or _covers(cookie.domain, other.domain)
        )

    def _expires(self, attributes: dict[str, str]) -> float | None:
        """Max-Age goes before Expires. RFC 6265bis §5.7 step 8"""
        now = self._clock()
        age = attributes.get("max-age", "")
        if age:
            seconds = int(age[:12])
            return now + min(seconds, _LONGEST) if seconds > 0 else 0.0
        moment = cookie_date(attributes.get("expires", ""))
        return None if moment is None else min(moment, now + _LONGEST)

    def _keep(self, cookie: Cookie) -> None:
        key = _identity(cookie)
        old = self._cookies.pop(key, None)
        if old is not None:
            cookie.created = old.created
        now = self._clock()
        if cookie.expires is not None and cookie.expires <= now:
            return
        self._cookies[key] = cookie
        self._evict([c for c in self._cookies.values() if c.domain == cookie.domain], PER_DOMAIN, now)
        self._evict(list(self._cookies.values()), IN_ALL, now)

    def _evict(self, cookies: list[Cookie], most: int, now: float) -> None:
        """Expired ones first, then insecure ones, then the oldest. RFC 6265bis §5.7"""
        if len(cookies) <= most:
            return
        cookies.sort(key=lambda c: (c.expires is None or c.expires > now, c.secure, c.created))
        for cookie in cookies[: len(cookies) - most]:
            del self._cookies[_identity(cookie)]


def _identity(cookie: Cookie) -> _Identity:
    """What makes two cookies one, so that the later replaces the earlier. RFC 6265bis §5.7"""
    return cookie.name, cookie.domain, cookie.host_only, cookie.path


def _domain_matches(host: str, cookie: Cookie) -> bool:
    return host == cookie.domain or (not cookie.host_only and _covers(cookie.domain, host))


def _covers(domain: str, host: str) -> bool:
    """RFC 6265bis §5.1.3: is it the same host, or one below the domain? Addresses have nothing below."""
    return host == domain or (host.endswith("." + domain) and not is_address(host))


def _path(given: str, url: URL) -> str:
    """RFC 6265bis §5.1.4: without a path that begins with "/", the folder of the request's path."""
    if given.startswith("/"):
        return given
    path = url.target.partition("?")[0]
    return path[: path.rfind("/")] or "/"


def _path_matches(path: str, cookie_path: str) -> bool:
    if path == cookie_path:
        return True
    return path.startswith(cookie_path) and (cookie_path.endswith("/") or path[len(cookie_path)] == "/")


def cookie_date(text: str) -> float | None:
    """The moment that a cookie's Expires names, in seconds since 1970, or None. RFC 6265bis §5.1.1

    Lenient, as the standard has it: time, day, month and year in any order.
    """
    clock: tuple[int, ...] | None = None
    day = month = year = None
    for token in _DELIMITERS.split(text):
        if clock is None and (found := _TIME.match(token)):
            clock = tuple(map(int, found.groups()))
        elif day is None and (found := _DAY.match(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := _YEAR.match(token)):
            year = int(found[1])
    if clock is None or day is None or month is None or year is None:
        return None
    if year <= 99:
        year += 1900 if year >= 70 else 2000
    if year < 1601:
        return None
    try:
        return datetime(year, month, day, clock[0], clock[1], clock[2], tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _always(_: str) -> bool:
    return True


# Attributes whose values can be wrong: a wrong one is as if it were not there.
_READABLE: dict[str, Callable[[str], object]] = {
    "max-age": re.compile(r"-?[0-9]+").fullmatch,
    "expires": lambda text: cookie_date(text) is not None,
}
