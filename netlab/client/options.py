"""What one request asks for beyond its message, and the field lines that a session sends with each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netlab.client.authentication import authorization
from netlab.client.decoding import accept_encoding
from netlab.client.errors import InvalidRequest
from netlab.client.outgoing import FieldLines, Lines
from netlab.client.url import Proxy

DEFAULT_FIELDS = (("User-Agent", "netlab/0.1"), ("Accept", "*/*"))


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


def default_fields(fields: FieldLines | None, decompress: bool) -> Lines:
    """The field lines that a session sends unless a request has them. Raises InvalidRequest."""
    given = tuple(pairs(fields))
    if not all(isinstance(part, str) for line in given for part in line):
        raise InvalidRequest("field names and values are text: give str")
    ours = (*DEFAULT_FIELDS, ("Accept-Encoding", accept_encoding())) if decompress else DEFAULT_FIELDS
    names = {name.lower() for name, _ in given}
    return (*(line for line in ours if line[0].lower() not in names), *given)
