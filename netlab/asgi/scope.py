"""What an app is told of a request before it starts: the scope; and the headers of ASGI, both ways.

Source: the ASGI specification, "HTTP Connection Scope". Nothing is read from the connection here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import quote

from netlab.server.request import Request

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class InvalidMessage(ValueError):
    """An app sent what the specification does not allow here: what it was, and what is expected."""


# 2.4: `send` raises an OSError once the client has left.
VERSION = {"version": "3.0", "spec_version": "2.4"}

# These belong to one connection, not to the app (RFC 9110 §7.6.1); the server renders its own.
OURS = frozenset({b"transfer-encoding", b"keep-alive", b"te", b"trailer", b"upgrade", b"proxy-connection"})


class Mount:
    """The prefix under which an app is mounted. Every path that the app sees contains it exactly once.

    A proxy may strip the prefix before it passes a request on, or leave it: both give the same scope. The
    price is one ambiguity: behind a proxy that strips `/api`, an app cannot have a route `/api/api`.

    root_path: the prefix, decoded, with or without slashes at its ends. Source: the ASGI specification, "HTTP
    Connection Scope": `path` includes `root_path`.
    """

    __slots__ = ("_raw", "root_path")

    def __init__(self, root_path: str) -> None:
        bare = root_path.strip("/")
        self.root_path = f"/{bare}" if bare else ""
        self._raw = quote(self.root_path).encode()

    def whole(self, path: str, raw: bytes) -> tuple[str, bytes]:
        """The path, decoded and as sent, with the prefix. `*` (RFC 9112 §3.2.4) names no path, and stays."""
        root = self.root_path
        if not root or path[:1] != "/" or path == root or path.startswith(root + "/"):
            return path, raw
        return root + path, self._raw + raw


def scope(request: Request, mount: Mount, state: Scope | None) -> Scope:
    """The scope of a request. state: what the lifespan keeps for requests, or None without lifespan."""
    head = request.head
    target, _, query = head.target.partition("?")
    path, raw_path = mount.whole(request.path, target.encode("latin-1"))
    made: Scope = {
        "type": "http",
        "asgi": VERSION,
        "http_version": f"1.{head.minor}",
        "method": head.method.upper(),
        "path": path,
        "raw_path": raw_path,
        "query_string": query.encode("latin-1"),
        "root_path": mount.root_path,
        "headers": _headers(request),
        "extensions": {"http.response.trailers": {}},
        **_ends(request),
    }
    if state is not None:
        made["state"] = state.copy()
    return made


def _headers(request: Request) -> list[tuple[bytes, bytes]]:
    """Field lines as ASGI has them: names in lower case, octets."""
    lines = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.fields.lines
    ]
    if request.head.authority is not None:
        # RFC 9112 §3.2.2: the authority of an absolute-form target overrides Host.
        lines = [line for line in lines if line[0] != b"host"]
        lines.insert(0, (b"host", request.head.authority.encode("latin-1")))
    return lines


def _ends(request: Request) -> Scope:
    """Both ends of the connection, and whether it is wrapped in TLS."""
    return {
        "scheme": "https" if request.secure else "http",
        "server": request.server_address,
        "client": request.client_address,
    }


def field_lines(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """An app's headers as field lines; checked when they are sent."""
    lines = []
    for name, value in headers:
        lower = bytes(name).lower()
        if lower in OURS:
            continue
        if lower == b"connection":
            if b"close" not in [option.strip() for option in bytes(value).lower().split(b",")]:
                continue
            value = b"close"
        lines.append((bytes(name).decode("latin-1"), bytes(value).decode("latin-1")))
    return lines
