"""TLS: contexts that are safe by default, certificates for localhost, how they break, and a tracer.

Here live the public names alone, each loaded on first use: a server that only needs `server_context`
must not pay the memory of `cryptography`, which `authority` and `breakage` bring in.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netlab.tls import authority, breakage, cases, context, issue, keylog, keyschedule, prf
    from netlab.tls.authority import Certificates, ensure, mint
    from netlab.tls.context import ConfigurationError, Mistake, Verify, client_context, server_context
    from netlab.tls.keylog import KeyLog
    from netlab.tls.tracer import Tracer
    from netlab.tls.tracing.keyring import Keyring
    from netlab.tls.tracing.values import Side
    from netlab.tls.wire.spans import TraceError

_HOMES = {
    "Certificates": "netlab.tls.authority",
    "ConfigurationError": "netlab.tls.context",
    "KeyLog": "netlab.tls.keylog",
    "Keyring": "netlab.tls.tracing.keyring",
    "Mistake": "netlab.tls.context",
    "Side": "netlab.tls.tracing.values",
    "TraceError": "netlab.tls.wire.spans",
    "Tracer": "netlab.tls.tracer",
    "Verify": "netlab.tls.context",
    "client_context": "netlab.tls.context",
    "ensure": "netlab.tls.authority",
    "mint": "netlab.tls.authority",
    "server_context": "netlab.tls.context",
}

_ROOMS = ("authority", "breakage", "cases", "context", "issue", "keylog", "keyschedule", "prf")

__all__ = [
    "Certificates", "ConfigurationError", "KeyLog", "Keyring", "Mistake", "Side", "TraceError", "Tracer",
    "Verify", "authority", "breakage", "cases", "client_context", "context", "ensure", "issue", "keylog",
    "keyschedule", "mint", "prf", "server_context",
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
