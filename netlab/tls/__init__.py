"""TLS: contexts that are safe by default, certificates for localhost, and every way to break them.

Here live the public names alone, each loaded on first use: a server that only needs `server_context`
must not pay the memory of `cryptography`, which `authority` and `breakage` bring in.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netlab.tls import authority, breakage, cases, context, issue
    from netlab.tls.authority import Certificates, ensure, mint
    from netlab.tls.context import ConfigurationError, Mistake, Verify, client_context, server_context

_HOMES = {
    "Certificates": "netlab.tls.authority",
    "ConfigurationError": "netlab.tls.context",
    "Mistake": "netlab.tls.context",
    "Verify": "netlab.tls.context",
    "client_context": "netlab.tls.context",
    "ensure": "netlab.tls.authority",
    "mint": "netlab.tls.authority",
    "server_context": "netlab.tls.context",
}

_ROOMS = ("authority", "breakage", "cases", "context", "issue")

__all__ = [
    "Certificates", "ConfigurationError", "Mistake", "Verify", "authority", "breakage", "cases",
    "client_context", "context", "ensure", "issue", "mint", "server_context",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load a public name, or a module of this package, on first use (PEP 562)."""
    if name in _ROOMS:
        return importlib.import_module(f"netlab.tls.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'netlab.tls' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value
