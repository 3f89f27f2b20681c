"""Which interface does an app speak? A netlab handler, ASGI 3, ASGI 2, a factory of one, or WSGI.

`serve module:app` looks at the parameters of what it found. Here lives that look alone, which calls nothing;
`apps` imports the module and calls a factory, and `netlab.asgi` runs the app.

Sources: the ASGI specification 3.0, "Applications" and "Legacy Applications"; PEP 3333 for WSGI.

| the app takes | it is |
|---|---|
| one argument, the request | a netlab handler |
| scope, receive, send | an ASGI 3 app |
| scope, and returns what takes receive and send | an ASGI 2 app |
| environ, start_response | a WSGI app: refused |
| nothing, and returns an app | a factory |
| `*args` | what the callable that it wraps is; else an ASGI 3 app |
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple


class Kind(Enum):
    """What an app is."""

    NETLAB = "a netlab handler"
    ASGI3 = "an ASGI 3 app"
    ASGI2 = "an ASGI 2 app"
    FACTORY = "a factory"
    WSGI = "a WSGI app"
    UNCLEAR = "unclear"


# Wrappers in wrappers that are looked through; a decorator that wraps itself ends here, too.
DEPTH = 8

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

# The names that the specifications and most programs give the first argument.
_FIRST = {
    "scope": Kind.ASGI3,
    "environ": Kind.WSGI,
    "env": Kind.WSGI,
    "request": Kind.NETLAB,
    "req": Kind.NETLAB,
}


class _Takes(NamedTuple):
    """The arguments that a call takes by position."""

    names: tuple[str, ...]
    least: int
    most: float
    """Infinite with `*args`."""


def kind_of(app: Any) -> Kind:
    """What the app is, by its parameters. Nothing is called."""
    return _kind(app, DEPTH)


def _kind(app: Any, depth: int) -> Kind:
    if inspect.isclass(app):
        return _kind_of_class(app)
    call = _call_of(app)
    takes = _takes(call)
    if takes is None:
        inner = getattr(call, "__wrapped__", None)  # functools.lru_cache hides its parameters
        return _kind(inner, depth - 1) if inner is not None and depth else Kind.UNCLEAR
    if takes.most == math.inf and takes.least <= 3:
        return _named(takes, {1, 2, 3}) or _kind_of_wrapped(call, depth)
    if takes.least == 0:
        # `app(scope=None, receive=None, send=None)` names what it wants; `make(config=None)` wants nothing.
        return _named(takes, {1, 2, 3}) or Kind.FACTORY
    if takes.most < 3:
        return _kind_of_short(call, takes)
    if takes.least == 3:
        return Kind.ASGI3
    # One or two arguments are required, and three are taken: only their names can tell.
    return _named(takes, {1, 2, 3}) or Kind.UNCLEAR


def _kind_of_short(call: Any, takes: _Takes) -> Kind:
    """One or two arguments at the most."""
    if takes.least == 2:
        return Kind.WSGI if takes.names[0] != "self" and not _is_async(call) else Kind.UNCLEAR
    if takes.most == 2 and _named(takes, {2}) is Kind.WSGI:
        return Kind.WSGI
    # A function of one scope that is not async returns the callable for (receive, send).
    return Kind.ASGI2 if takes.names[0] == "scope" and not _is_async(call) else Kind.NETLAB


def _kind_of_class(app: type) -> Kind:
    """A class is called with what its constructor takes; its instances then are, or make, the response."""
    takes = _takes(app)
    if takes is None:
        return Kind.UNCLEAR
    if takes.least <= 3 <= takes.most and hasattr(app, "__await__"):
        return Kind.ASGI3
    if takes.least == 2 and hasattr(app, "__iter__"):
        return Kind.WSGI
    inner = _takes(app.__call__) if "__call__" in dir(app) and app.__call__ is not type.__call__ else None
    if takes.least == 1 and inner is not None and inner.least == 3:  # self, receive, send
        return Kind.ASGI2
    return Kind.FACTORY if takes.least == 0 else Kind.UNCLEAR


def _kind_of_wrapped(call: Any, depth: int) -> Kind:
    """A call with `*args`: what it wraps decides, if that is one thing."""
    if depth == 0:
        return Kind.ASGI3
    kinds = {_kind(inside, depth - 1) for inside in _wrapped(call)}
    clear = kinds - {Kind.UNCLEAR, Kind.FACTORY}
    return clear.pop() if len(clear) == 1 else Kind.ASGI3


def _wrapped(call: Any) -> Iterator[Any]:
    """The callables that a wrapper may hand its arguments to: what it was made of, in the order of trust."""
    if isinstance(call, functools.partial):
        yield call.func
        return
    if (told := getattr(call, "__wrapped__", None)) is not None:  # functools.wraps
        yield told
        return
    function = getattr(call, "__func__", call)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            inside = cell.cell_contents
        except ValueError:
            continue  # a name that is not bound yet
        if callable(inside):
            yield inside
    owner = getattr(call, "__self__", None)
    for inside in vars(owner).values() if hasattr(owner, "__dict__") else ():
        if callable(inside) and inside != call and not inspect.isclass(inside):
            yield inside


def _call_of(app: Any) -> Any:
    """What runs when the app is called: of an instance its `__call__`, also a static one or one in a slot."""
    if inspect.isroutine(app) or isinstance(app, functools.partial):
        return app
    for owner in type(app).__mro__:
        if "__call__" in vars(owner):
            found = vars(owner)["__call__"]
            get = getattr(type(found), "__get__", None)
            try:
                return get(found, app, type(app)) if get is not None else found
            except AttributeError:
                return None  # a slot that is empty
    return None


def _takes(call: Any) -> _Takes | None:
    """The arguments that the call takes itself; None if it does not tell, or needs others by name."""
    try:
        parameters = inspect.signature(call, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters):
        return None
    by_position = [p for p in parameters if p.kind in _POSITIONAL]
    least = len([p for p in by_position if p.default is p.empty])
    endless = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return _Takes(tuple(p.name for p in by_position), least, math.inf if endless else len(by_position))


def _named(takes: _Takes, counts: set[int]) -> Kind | None:
    """What the first argument's name says, if the app takes as many arguments as that kind passes."""
    kind = _FIRST.get(takes.names[0].lstrip("_")) if takes.names else None
    passed = {Kind.ASGI3: 3, Kind.WSGI: 2, Kind.NETLAB: 1}
    return kind if kind is not None and passed[kind] in counts and passed[kind] <= takes.most else None


def _is_async(call: Any) -> bool:
    """Is it an async function, behind partials?"""
    while isinstance(call, functools.partial):
        call = call.func
    return inspect.iscoroutinefunction(call)
