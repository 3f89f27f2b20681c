"""What one request asks for beyond its message, and the field lines that a session sends with each. Pure."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from netlab.client.authentication import authorization
from netlab.client.config import Timeouts
from netlab.client.cookies import CookieJar
from netlab.client.decoding import accept_encoding
from netlab.client.errors import InvalidRequest
from netlab.client.outgoing import FieldLines, Lines
from netlab.client.url import Proxy

DEFAULT_FIELDS = (("User-Agent", "netlab/0.1"), ("Accept", "*/*"))


SessionFields = FieldLines | Mapping[str, str | None]
_Named = TypeVar("_Named")


@dataclass(frozen=True, slots=True)
class Options:
    """What one request asks for beyond its message."""

    timeout: float | None
    allow_redirects: bool
    allow_downgrade: bool
    raise_for_status: bool
    decompress: bool
    proxy: Proxy | None


# Most requests ask for nothing of this: timeout, allow_redirects, allow_downgrade, raise_for_status,
# decompress and proxy as they are by default.
USUAL = (None, True, False, None, None, None)


# What a Session takes under these names, and what to give where another library takes something else.
_KINDS: dict[str, tuple[type, str]] = {
    "tls": (ssl.SSLContext, 'a context, such as netlab.tls.client_context("root.pem")'),
    "cookies": (CookieJar, "netlab.client.CookieJar(), or a Cookie field in fields="),
    "timeouts": (Timeouts, "netlab.client.Timeouts(total=5)"),
    "base_url": (str, "the URL as text"),
}


def check_kinds(**given: Any) -> None:
    """Are the values of the kinds that a Session takes? Raises TypeError, naming every one that is not."""
    wrong = [
        f"{name}={value!r}: give {_KINDS[name][1]}"
        for name, value in given.items()
        if value is not None and not isinstance(value, _KINDS[name][0])
    ]
    if wrong:
        raise TypeError("a Session does not take " + "; ".join(wrong))


def one_name(fields: _Named, headers: _Named) -> _Named:
    """fields and headers are two names for field lines. Raises InvalidRequest where both are given."""
    if fields is not None and headers is not None:
        raise InvalidRequest("fields= and headers= are two names for the same: give one of them")
    return fields if headers is None else headers


def pairs(given: Any) -> Any:
    """Names and values of a mapping, or of pairs."""
    if not given:
        return ()
    return given.items() if isinstance(given, Mapping) else given


def with_auth(given: list[tuple[str, str]], auth: tuple[str, str]) -> list[tuple[str, str]]:
    """The field lines of a request, with its Authorization. Raises InvalidRequest."""
    if any(name.lower() == "authorization" for name, _ in given):
        raise InvalidRequest("auth= and an Authorization field say the same: give one of them")
    return [*given, ("Authorization", authorization(auth))]


def default_fields(fields: SessionFields | None, decompress: bool) -> Lines:
    """The field lines that a session sends unless a request has them; a value None leaves ours out.

    Raises InvalidRequest.
    """
    given = tuple(pairs(fields))
    if isinstance(fields, str | bytes) or not all(len(line) == 2 for line in given):
        raise InvalidRequest("fields= takes a mapping, or pairs of name and value: {'name': 'value'}")
    if not all(isinstance(name, str) and isinstance(value, str | None) for name, value in given):
        raise InvalidRequest("field names and values are text: give str")
    ours = (*DEFAULT_FIELDS, ("Accept-Encoding", accept_encoding())) if decompress else DEFAULT_FIELDS
    names = {name.lower() for name, _ in given}
    kept = [line for line in given if line[1] is not None]
    return (*(line for line in ours if line[0].lower() not in names), *kept)
