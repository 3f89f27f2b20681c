"""What `serve module:app` takes an app for, by its parameters, in every disguise."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from netlab.asgi import AsgiHandler
from netlab.asgi.interface import Kind, kind_of
from netlab.cli.apps import Interface, adapt
from netlab.cli.errors import UserError


async def asgi(scope: Any, receive: Any, send: Any, greeting: bytes = b"hi") -> None: ...


async def handler(request: Any) -> None: ...


def wsgi(environ: Any, start_response: Any) -> Any: ...


def asgi2(scope: Any) -> Any:
    async def messages(receive: Any, send: Any) -> None: ...

    return messages


class Slots:
    """As Sentry's middleware: `__call__` is a slot that each instance fills."""

    __slots__ = ("__call__",)

    def __init__(self, call: Any) -> None:
        self.__call__ = call


class Star:
    def __init__(self, app: Any = None) -> None:
        self.app = app

    async def __call__(self, *args: Any) -> None: ...


class Defaults:
    async def __call__(self, scope: Any, receive: Any = None, send: Any = None) -> None: ...


class Static:
    @staticmethod
    async def __call__(scope: Any, receive: Any, send: Any) -> None: ...


class ClassMethod:
    @classmethod
    async def __call__(cls, request: Any) -> None: ...


class Partial:
    __call__ = functools.partialmethod(lambda self, prefix, request: None, "x")


class TwoCalls:
    def __init__(self, scope: Any) -> None: ...

    async def __call__(self, receive: Any, send: Any) -> None: ...


class Endpoint:
    """As Starlette's HTTPEndpoint: the class is the app."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None: ...

    def __await__(self) -> Any: ...


class Environ:
    def __init__(self, environ: Any, start_response: Any) -> None: ...

    def __iter__(self) -> Any: ...


class Flask:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...


def bare(function: Callable[..., Awaitable[None]]) -> Any:
    async def wrapper(*args: Any, **kwargs: Any) -> None:
        return await function(*args, **kwargs)

    return wrapper


def wrapped(function: Callable[..., Awaitable[None]]) -> Any:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> None:
        return await function(*args, **kwargs)

    return wrapper


def translated(app: Any) -> Any:
    """A netlab handler that wears the signature of the ASGI app in it."""

    @functools.wraps(app)
    async def wrapper(request: Any) -> None: ...

    return wrapper


class Routes:
    def answer(self, request: Any) -> Awaitable[None]: ...
    async def app(self, scope: Any, receive: Any, send: Any) -> None: ...
    def wsgi_app(self, environ: Any, start_response: Any) -> Any: ...


def recursive(*args: Any) -> Any:
    return loop(*args)


loop: Any = wrapped(recursive)
recursive.__wrapped__ = loop  # type: ignore[attr-defined]

KINDS = {
    "an async function of three": (asgi, Kind.ASGI3),
    "a partial": (functools.partial(asgi, greeting=b"x"), Kind.ASGI3),
    "a partial of a partial": (functools.partial(functools.partial(asgi), greeting=b"x"), Kind.ASGI3),
    "a partial of *args": (functools.partial(bare(handler)), Kind.NETLAB),
    "a bound method": (Routes().app, Kind.ASGI3),
    "a slot __call__": (Slots(asgi), Kind.ASGI3),
    "a slot __call__ of a handler": (Slots(handler), Kind.NETLAB),
    "*args": (Star(), Kind.ASGI3),
    "*args around a handler": (Star(handler), Kind.NETLAB),
    "*args around WSGI": (Star(Flask()), Kind.WSGI),
    "defaults": (Defaults(), Kind.ASGI3),
    "a static __call__": (Static(), Kind.ASGI3),
    "a class method __call__": (ClassMethod(), Kind.NETLAB),
    "a partial method __call__": (Partial(), Kind.NETLAB),
    "a decorator without wraps": (bare(asgi), Kind.ASGI3),
    "a decorator with wraps": (wrapped(asgi), Kind.ASGI3),
    "decorators in decorators": (bare(wrapped(bare(handler))), Kind.NETLAB),
    "a decorator that calls itself": (loop, Kind.ASGI3),
    "lru_cache": (functools.lru_cache(handler), Kind.NETLAB),
    "a lambda": (lambda scope, receive, send: asgi(scope, receive, send), Kind.ASGI3),
    "positional only": (eval("lambda s, r, e, /: None"), Kind.ASGI3),
    "an endpoint class": (Endpoint, Kind.ASGI3),
    "three defaults": (eval("lambda scope=None, receive=None, send=None: None"), Kind.ASGI3),
    "a handler": (handler, Kind.NETLAB),
    "a handler that is not async": (Routes().answer, Kind.NETLAB),
    "a handler with a default": (eval("lambda request, greeting='hi': None"), Kind.NETLAB),
    "a handler with two defaults": (eval("lambda request, a=1, b=2: None"), Kind.NETLAB),
    "a handler partly applied": (functools.partial(eval("lambda db, request: None"), {}), Kind.NETLAB),
    "a decorated handler": (wrapped(handler), Kind.NETLAB),
    "a translator with the app's name": (translated(asgi), Kind.NETLAB),
    "an object of a handler": (Slots(Routes().answer), Kind.NETLAB),
    "an async handler of a scope": (bare(handler), Kind.NETLAB),
    "ASGI 2, a function": (asgi2, Kind.ASGI2),
    "ASGI 2, a class": (TwoCalls, Kind.ASGI2),
    "WSGI, a function": (wsgi, Kind.WSGI),
    "WSGI, an object": (Flask(), Kind.WSGI),
    "WSGI, a method": (Routes().wsgi_app, Kind.WSGI),
    "WSGI, a class": (Environ, Kind.WSGI),
    "WSGI, decorated": (bare(wsgi), Kind.WSGI),  # type: ignore[arg-type]
    "WSGI, partly applied": (functools.partial(eval("lambda db, env, start: None"), 1), Kind.WSGI),
    "WSGI, a default": (eval("lambda environ, start_response=None: None"), Kind.WSGI),
    "a factory": (lambda: asgi, Kind.FACTORY),
    "a factory with a default": (eval("lambda config=None: None"), Kind.FACTORY),
    "a factory with three": (eval("lambda a=1, b=2, c=3: None"), Kind.FACTORY),
    "a class to be made": (Star, Kind.FACTORY),
    "an argument by name": (eval("lambda request, *, db: None"), Kind.UNCLEAR),
    "one required of three": (eval("lambda a, b=1, c=2: None"), Kind.UNCLEAR),
    "four required": (eval("lambda a, b, c, d: None"), Kind.UNCLEAR),
    "a method of no object": (Routes.answer, Kind.UNCLEAR),
    "a builtin": (print, Kind.ASGI3),
    "an empty slot": (Slots.__new__(Slots), Kind.UNCLEAR),
}


@pytest.mark.parametrize("name", KINDS)
def test_an_app_is_taken_for_what_it_is(name: str) -> None:
    app, kind = KINDS[name]
    assert kind_of(app) is kind


def test_frameworks_are_asgi_apps() -> None:
    fastapi, starlette = pytest.importorskip("fastapi"), pytest.importorskip("starlette.applications")
    for app in (fastapi.FastAPI(), starlette.Starlette()):
        assert kind_of(app) is Kind.ASGI3
        assert isinstance(adapt(lambda app=app: app), AsgiHandler), "and so are their factories"


@pytest.mark.parametrize(("app", "reason"), [
    (wsgi, "a WSGI app"), (lambda: Flask(), "a WSGI app"), (eval("lambda a, b=1, c=2: None"), "--interface"),
    (lambda: 7, "returned int"), (lambda: 1 / 0, "ZeroDivisionError"), (lambda: lambda: asgi, "--interface"),
    (Routes.answer, "--interface"),
])  # fmt: skip
def test_what_cannot_be_run_is_refused_with_the_reason(app: Any, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        adapt(app)


async def _async_factory() -> Any: ...


def test_an_async_factory_is_refused_and_named() -> None:
    with pytest.raises(UserError, match="async"):
        adapt(_async_factory)


def test_interface_decides_what_the_parameters_do_not_tell() -> None:
    unclear = eval("lambda a, b=1, c=2: None")
    assert adapt(unclear, Interface.NETLAB) is unclear
    assert isinstance(adapt(unclear, Interface.ASGI), AsgiHandler)
    assert isinstance(adapt(lambda config=None: unclear, Interface.ASGI_FACTORY), AsgiHandler)
    made = AsgiHandler(asgi)
    assert adapt(made) is made
    assert adapt(lambda: made) is made
    for interface in Interface:
        with pytest.raises(UserError, match="WSGI"):
            adapt(SimpleNamespace(app=wsgi).app, interface)


async def test_an_asgi_2_app_answers() -> None:
    from tests.asgi.conftest import answer, serving

    def app(scope: Any) -> Any:
        async def messages(receive: Any, send: Any) -> None:
            await answer(send, f"{scope['path']} {scope['asgi']['version']}".encode())

        return messages

    adapted = adapt(app)
    async with serving(adapted.app) as served:
        wire = await served.client()
        wire.get("/two")
        assert (await wire.response())[2] == b"/two 2.0", "the scope says which ASGI the app is called by"


@pytest.mark.parametrize("given", ["/a b", "/a%20b", "a b/", "/a%20b/"])
def test_a_root_path_may_be_percent_encoded(given: str) -> None:
    from netlab.asgi import AsgiHandler

    async def app(scope: object, receive: object, send: object) -> None:
        """Never called."""

    assert AsgiHandler(app, root_path=given).root_path == "/a b"


@pytest.mark.parametrize("given", ["/api?x", "/api#x"])
def test_a_root_path_is_a_path_alone(given: str) -> None:
    command = [sys.executable, "-m", "netlab", "serve", "tests.bench.apps:asgi", "--root-path", given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "give the path alone" in done.stderr and done.stderr.count("\n") == 1
