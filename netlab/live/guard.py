"""Which requests the site answers: the right host, origin and token; and the fields of every response.

Any page of any site can send requests to a server on loopback. A name of its own that resolves to 127.0.0.1
(DNS rebinding) even makes it the same origin, so Host is checked; a page elsewhere cannot know the token.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping

HOSTS = ("127.0.0.1", "localhost", "[::1]")

NONE = " 'none'"

FIELDS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",  # the token is in the address
    "x-content-type-options": "nosniff",
}


def new_token() -> str:
    """A token that cannot be guessed: 128 random bits."""
    return secrets.token_urlsafe(16)


def content_security_policy(origins: Iterable[str] = ()) -> str:
    """The policy of a page: its own files alone, no inline script or style. origins: asked by script, framed.

    Source: Content Security Policy Level 3.
    """
    others = "".join(f" {origin}" for origin in origins)
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'{others}; frame-src{others or NONE}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class TurnedAway(Exception):
    """A request that is not answered: the status, and a line that says why."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


class Guard:
    """The checks of one site. port: where it listens."""

    def __init__(self, token: str, port: int) -> None:
        self.token = token
        self.hosts = frozenset(f"{host}:{port}" for host in HOSTS)

    def check(self, method: str, path: str, fields: Mapping[str, str]) -> str:
        """The rest of the path behind the token, such as "/wire". Raises TurnedAway."""
        host = fields.get("host", "")
        if host.lower() not in self.hosts:
            raise TurnedAway(
                421,
                f"this server is {sorted(self.hosts)[0]} alone, not {host[:80]!r}: another name that leads "
                "here may belong to a stranger's page (DNS rebinding)",
            )
        origin = fields.get("origin")
        if (origin is None and method == "POST") or (
            origin is not None and origin != f"https://{host.lower()}"
        ):
            raise TurnedAway(403, f"the request's origin is {(origin or 'none')[:80]!r}, not this site")
        first, slash, rest = path[1:].partition("/")
        if not hmac.compare_digest(first.encode(), self.token.encode()):
            raise TurnedAway(
                403,
                "the token is missing or wrong: open the address that `netlab live` has printed",
            )
        return slash + rest
