"""ASGI 3 applications (starlette, FastAPI, …) on this server: `netlab.serve(AsgiHandler(app))`.

Here stands the translation: a Request into a scope and messages, messages into a Response. How these go over
the wire stands in `netlab.server`. Source: the ASGI specification, HTTP 2.4 and Lifespan 2.0.

`handler` is what a server calls. `scope` says what an app is told, `call` what it receives and sends,
`headers` what its headers become, `lifespan` its start and its end; `interface` tells ASGI apps from others.

Left out: WebSocket (an upgrade reaches the app as an ordinary HTTP request, which it may answer with 426) and
server push. README.md beside this file is the page for users.
"""

from __future__ import annotations

from netlab.asgi.handler import AsgiHandler
from netlab.asgi.scope import InvalidMessage
from netlab.server.running import StartupFailed

__all__ = ["AsgiHandler", "InvalidMessage", "StartupFailed"]
