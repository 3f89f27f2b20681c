"""What a test gives as its app, made into a netlab handler: a handler, an ASGI app, or a factory of one."""

from __future__ import annotations

from typing import Any, cast

from netlab.asgi import AsgiHandler
from netlab.asgi.interface import Kind, kind_of
from netlab.server.server import Handler


def as_handler(app: Any) -> Handler:
    """The netlab handler that stands for `app`. Raises TypeError, with the repair, for anything else."""
    if isinstance(app, AsgiHandler):
        return app
    if isinstance(app, str):
        raise TypeError(f"{app!r} is text: import the app, and give the app itself")
    kind = kind_of(app)
    if kind is Kind.FACTORY:
        return as_handler(app())
    if kind is Kind.ASGI3:
        return AsgiHandler(app)
    if kind is Kind.NETLAB:
        return cast(Handler, app)
    repair = "wrap it: netlab.asgi.AsgiHandler(app) for ASGI, or give an async function of one request"
    raise TypeError(f"{app!r} is {kind.value}: {repair}")
