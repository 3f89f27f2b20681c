"""How an app is called: without a detour. CPython 3.11 reaches the `__call__` of an instance by way of C.

Not here: what an app is given (`request`), and what becomes of its answer (`exchange`).
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any


def direct(app: Callable[..., Any]) -> Callable[..., Any]:
    """What does the same when it is called: an instance's `__call__` as a method, else the app itself."""
    call = type(app).__call__
    return MethodType(call, app) if isinstance(call, FunctionType) else app
