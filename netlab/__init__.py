"""netlab: an HTTP/1.1 server and client on raw sockets, made to be read.

Here live the public names alone. Each is loaded when it is first used, so that a server does not pay
for the client, nor either of them for certificates and probes.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netlab.client.session import ClientResponse, Session
    from netlab.http1.errors import ProtocolError
    from netlab.http1.fields import Fields
    from netlab.http1.limits import Limits
    from netlab.server.config import Timeouts
    from netlab.server.disconnected import Disconnect
    from netlab.server.request import Request
    from netlab.server.response import Response
    from netlab.server.running import serve
    from netlab.server.server import Server

_HOMES = {
    "ClientResponse": "netlab.client.session",
    "Disconnect": "netlab.server.disconnected",
    "Fields": "netlab.http1.fields",
    "Limits": "netlab.http1.limits",
    "ProtocolError": "netlab.http1.errors",
    "Request": "netlab.server.request",
    "Response": "netlab.server.response",
    "Server": "netlab.server.server",
    "Session": "netlab.client.session",
    "Timeouts": "netlab.server.config",
    "serve": "netlab.server.running",
}

__all__ = [
    "ClientResponse", "Disconnect", "Fields", "Limits", "ProtocolError", "Request", "Response", "Server",
    "Session", "Timeouts", "serve",
]  # fmt: skip

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'netlab' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value
