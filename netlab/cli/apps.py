"""`module:name` from the command line becomes a handler: import it, tell what it is, adapt it.

What an app is by its parameters is told in `interface`; how an ASGI app runs, in `netlab.asgi`.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NamedTuple

from netlab.asgi.interface import Kind, kind_of
from netlab.cli.errors import UserError


class Interface(Enum):
    """What `--interface` says of the app."""

    AUTO = "auto"
    NETLAB = "netlab"
    ASGI = "asgi"
    ASGI_FACTORY = "asgi-factory"


class AsgiOptions(NamedTuple):
    """How an ASGI app is run: the arguments of AsgiHandler."""

    root_path: str = ""
    lifespan: Literal["auto", "on", "off"] = "auto"


_WSGI = (
    "it is a WSGI app (environ, start_response), and netlab runs ASGI apps and netlab handlers: wrap it with "
    "asgiref's WsgiToAsgi or a2wsgi's WSGIMiddleware, or run it with gunicorn"
)
_UNCLEAR = "say what it is: --interface netlab, asgi or asgi-factory"


def load(name: str) -> Any:
    """The object that `module:name` names. Raises UserError, with a suggestion where one is near."""
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise UserError(f"APP {name!r} is not module:name, such as myapp:app{_instead_of(module_name)}")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        near = _near(module_name, [path.stem for path in Path.cwd().glob("*.py")])
        hint = f" (did you mean {near}:{attribute}?)" if near and error.name == module_name else ""
        raise UserError(f"APP {name!r}: no module named {error.name!r} from {os.getcwd()}{hint}") from None
    except Exception as error:
        raise UserError(f"APP {name!r}: importing it failed: {type(error).__name__}: {error}") from None
    for part in attribute.split("."):
        below = getattr(found, part, None)
        if below is None:
            near = _near(part, [each for each in dir(found) if callable(getattr(found, each, None))])
            hint = f" (did you mean {near}?)" if near else ""
            raise UserError(f"APP {name!r}: {module_name} has no {attribute!r}{hint}")
        found = below
    if not callable(found):
        raise UserError(f"APP {name!r}: {attribute!r} is {type(found).__name__}, not a callable app")
    return found


def adapt(app: Any, interface: Interface = Interface.AUTO, options: AsgiOptions = AsgiOptions()) -> Any:  # noqa: B008
    """The handler for an app. Raises UserError when netlab cannot run it, or cannot tell what it is."""
    from netlab.asgi import AsgiHandler

    kind = Kind.NETLAB if isinstance(app, AsgiHandler) else kind_of(app)
    if kind is Kind.WSGI:
        raise UserError(_WSGI)
    if isinstance(app, AsgiHandler) or interface is Interface.NETLAB:
        return app
    if interface is Interface.ASGI_FACTORY or (kind is Kind.FACTORY and interface is Interface.AUTO):
        app = _made(app)
        if isinstance(app, AsgiHandler):
            return app
        kind = kind_of(app)
        if interface is Interface.ASGI_FACTORY:
            interface = Interface.ASGI
    if kind is Kind.WSGI:
        raise UserError(_WSGI)
    if kind is Kind.ASGI2:
        app = _from_two_calls(app)
    elif interface is Interface.AUTO and kind is not Kind.ASGI3:
        if kind is Kind.NETLAB:
            return app
        raise UserError(f"its parameters {_parameters(app)} tell neither handler nor ASGI app: {_UNCLEAR}")
    return AsgiHandler(app, root_path=options.root_path, lifespan=options.lifespan)


def _made(factory: Any) -> Any:
    """What the factory makes. Raises UserError when it makes no app."""
    if inspect.iscoroutinefunction(factory):
        raise UserError("the factory is async: make it a plain function, and start things in lifespan")
    try:
        app = factory()
    except Exception as error:
        raise UserError(f"the factory failed: {type(error).__name__}: {error}") from None
    if not callable(app):
        raise UserError(f"the factory returned {type(app).__name__}, not a callable app")
    return app


def _from_two_calls(app: Any) -> Any:
    """An ASGI 2 app as an ASGI 3 app: first the scope, then the two ways of messages.

    The app reads in its scope that it is called as an ASGI 2 app.
    """

    async def asgi3(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "asgi": {**scope["asgi"], "version": "2.0"}})(receive, send)

    return asgi3


def _parameters(app: Any) -> str:
    try:
        return str(inspect.signature(app))
    except (TypeError, ValueError):
        return "(hidden)"


def _near(word: str, names: Iterable[str]) -> str | None:
    """The name that is likely meant."""
    found = difflib.get_close_matches(word, [n for n in names if not n.startswith("_")], n=1, cutoff=0.6)
    return found[0] if found else None


def _instead_of(word: str) -> str:
    """A hint for a name without a colon: the file may be meant, or the name of its app forgotten."""
    module = word.removesuffix(".py").replace(os.sep, ".").strip(".")
    if module and Path(module.replace(".", os.sep) + ".py").is_file():
        return f" (did you mean {module}:app?)"
    return ""
