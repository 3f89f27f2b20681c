"""Basic authentication: a name and a password as a field value. RFC 7617."""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple

from netlab.client.errors import InvalidRequest


class BasicAuth(NamedTuple):
    """A name and a password. They are sent nearly in the clear: use https."""

    login: str
    password: str = ""

    def __repr__(self) -> str:
        return f"BasicAuth({self.login!r}, …)"


def basic(login: str, password: str) -> str:
    """The value of Authorization, in UTF-8. Raises InvalidRequest for a name with a colon."""
    if ":" in login:
        raise InvalidRequest("a name for Basic authentication has no colon (RFC 7617 §2)")
    return "Basic " + b64encode(f"{login}:{password}".encode()).decode("ascii")


def authorization(auth: object) -> str:
    """The value of Authorization for `auth=`: a pair of name and password. Raises InvalidRequest."""
    match auth:
        case (str(login), str(password)):
            return basic(login, password)
    raise InvalidRequest("auth= is a pair: give (name, password)")
