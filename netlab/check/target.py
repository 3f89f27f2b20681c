"""Where to knock: the server under test, and the politeness that goes with it.

The judge sends malformed requests. So it refuses a host that is not this machine unless the user says that
they may test it, and opens few connections at once.
"""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from typing import Any, Protocol

from netlab.check.usual import UsualAnswers
from netlab.client.url import parse_url


class NotAllowed(ValueError):
    """The host is not this machine, and the user has not said that they may test it."""


class Front(Protocol):
    """A proxy in front, known by how its own answers look."""

    def made(self, answer: Any) -> bool:
        """Did the proxy make this answer itself?"""
        ...


@dataclass(frozen=True, slots=True)
class JudgedServer:
    """One server. timeout: seconds that an answer may take. cacert: PEM file of the root to trust, or ""."""

    host: str
    port: int
    secure: bool = False
    authority: str = ""
    path: str = "/"
    timeout: float = 3.0
    cacert: str = ""
    behind_proxy: bool = False
    origin: str = ""
    """An origin that the CORS policy is said to allow; "" when the user named none."""
    connections: int = field(default=8)
    """Connections at once."""
    front: Front | None = None
    """With `behind_proxy`: what tells the proxy's answers from the server's. `run` sets it first of all."""
    app: UsualAnswers = field(default_factory=UsualAnswers)
    """What the app answers to correct requests. `run` sets it first of all."""

    def context(self) -> ssl.SSLContext | None:
        """For the wire cases: speak TLS with any certificate. The certificate has checks of its own."""
        if not self.secure:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
        return context

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.path}"


def is_this_machine(host: str) -> bool:
    """Is it a loopback address, or a name that stands for one (RFC 6761 §6.3)?"""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def target_of(text: str, *, may_test: bool = False, timeout: float = 3.0, **options: object) -> JudgedServer:
    """The target that a URL names. Raises InvalidURL, and NotAllowed for a host elsewhere."""
    url = parse_url(text)
    if not may_test and not is_this_machine(url.origin.host):
        raise NotAllowed(
            f"{url.origin.host} is not this machine, and the judge sends malformed requests: "
            "add --i-may-test-this-host if you may test it"
        )
    return JudgedServer(
        url.origin.host,
        url.origin.port,
        url.origin.secure,
        url.origin.authority,
        url.target,
        timeout,
        **options,  # type: ignore[arg-type]
    )
