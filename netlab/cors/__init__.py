"""CORS on the server's side: parsed origins, checked policies, pure decisions, and the reasons for them.

    policy = Policy(origins=["https://app.example"], methods=["PUT"], request_headers=["Content-Type"])
    decision = decide(policy, "OPTIONS", fields)       # which fields the response gets, and why

The browser's half (the model of Fetch, and `explain`) is in `netlab.cors.browser`. Its names are loaded on
first use, because a server needs none of them.

Source: the Fetch standard (https://fetch.spec.whatwg.org). Imports nothing of netlab outside this package.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netlab.cors.decision import AccessControlConflict, Decision, Kind, decide, merge_vary
from netlab.cors.mistakes import Mistake, PolicyError
from netlab.cors.origin import Origin, OriginPattern, parse_origin, parse_pattern
from netlab.cors.policy import Policy
from netlab.cors.routes import Routes

if TYPE_CHECKING:
    from netlab.cors.browser import (
        Change,
        Explanation,
        HeaderList,
        PageRequest,
        Step,
        cors_check,
        explain,
        preflight_checks,
    )

__all__ = [
    "AccessControlConflict",
    "Change",
    "Decision",
    "Explanation",
    "HeaderList",
    "Kind",
    "Mistake",
    "Origin",
    "OriginPattern",
    "PageRequest",
    "Policy",
    "PolicyError",
    "Routes",
    "Step",
    "cors_check",
    "decide",
    "explain",
    "merge_vary",
    "parse_origin",
    "parse_pattern",
    "preflight_checks",
]


def __getattr__(name: str) -> Any:
    """Load a name of the browser's half on first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'netlab.cors' has no attribute {name!r}")
    value = getattr(importlib.import_module("netlab.cors.browser"), name)
    globals()[name] = value
    return value
