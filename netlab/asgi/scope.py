"""What an app is told of a request before it starts: the scope.

Source: the ASGI specification, "HTTP Connection Scope". Nothing is read from the connection here.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, unquote

from netlab.http1.messages import RequestHead
from netlab.http1.remembered import Remembered
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

EXTENSIONS: Scope = {
    "http.response.trailers": {},
    "http.response.pathsend": {},
    "http.response.early_hint": {},
    "http.response.debug": {},
}


# Scopes of heads that come again; and heads that are noted until they come a second time.
MOST, NOTED = 256, 16

log = logging.getLogger("netlab.asgi")


class Mount:
    """The prefix under which an app is mounted. Every path that the app sees contains it exactly once.

    A proxy may strip the prefix before it passes a request on, or leave it: both give the same scope. The
    price is one ambiguity: behind a proxy that strips `/api`, an app cannot have a route `/api/api`.

    root_path: the prefix, percent-encoded or not, with or without slashes at its ends. Raises ValueError for
    a query in it. Source: the ASGI specification, "HTTP
    Connection Scope": `path` includes `root_path`.
    """

    __slots__ = ("_raw", "root_path")

    def __init__(self, root_path: str) -> None:
        if set(root_path) & {"?", "#"}:
            raise ValueError(f"root_path {root_path!r}: give the path alone, without ? and #")
        bare = unquote(root_path).strip("/")
        self.root_path = f"/{bare}" if bare else ""
        self._raw = quote(self.root_path).encode()

    def whole(self, path: str, raw: bytes) -> tuple[str, bytes]:
        """The path, decoded and as sent, with the prefix. `*` (RFC 9112 §3.2.4) names no path, and stays."""
        root = self.root_path
        if not root or path[:1] != "/" or path == root or path.startswith(root + "/"):
            return path, raw
        return root + path, self._raw + raw


class Scopes:
    """Makes the scopes of one app's requests.

    What a head says is made once for a head that comes again: the parser gives equal heads as one object (see
    `http1.remembered`). A head that comes once is not kept: thousands of short-lived scopes would cost the
    garbage collector more than they save.
    """

    __slots__ = ("_has_warned", "_known", "_mount", "_noted", "_sections")

    def __init__(self, mount: Mount) -> None:
        self._mount = mount
        self._known: dict[RequestHead, Scope] = {}
        self._noted: dict[RequestHead, None] = {}
        # By the text of a field section: its lines, and the place of its Cookie line, if it has one.
        self._sections: Remembered[str, tuple[tuple[tuple[bytes, bytes], ...], int]] = Remembered()
        self._has_warned = False

    def scope(self, request: Request, state: Scope | None) -> Scope:
        """The scope of a request. state: what the lifespan keeps for requests, or None without lifespan."""
        head = request.head
        known = self._known.get(head)
        if known is None:
            made = self._of_head(request)
            if head in self._noted:
                self._keep(head, made)
            else:
                self._note(head)
        else:
            # An app may change its scope and the lists in it.
            made = known.copy()
            made["headers"] = known["headers"].copy()
            made["extensions"] = EXTENSIONS.copy()
        carrier = request.carrier
        made["server"], made["client"] = carrier.ends or carrier.addresses  # a property is a call
        if carrier.transport.secure:
            made["scheme"] = "https"
        if carrier.server.forwarded is not None:
            self._believe(made, request)
        if state is not None:
            made["state"] = state.copy()
        return made

    def _believe(self, made: Scope, request: Request) -> None:
        """What a trusted proxy tells of its client, in place of what the connection shows."""
        told = request.forwarded
        if told is not None:
            made["client"] = told.client
            made["scheme"] = request.scheme
            if told.host is not None:
                _override_host(made["headers"], told.host)

    def _of_head(self, request: Request) -> Scope:
        head = request.head
        target, _, query = head.target.partition("?")
        path, raw_path = self._mount.whole(request.path, target.encode("latin-1"))
        headers = self._headers(head)
        if head.authority is not None:
            # RFC 9112 §3.2.2: the authority of an absolute-form target overrides Host.
            _override_host(headers, head.authority)
        return {
            "type": "http",
            "asgi": VERSION,
            "http_version": f"1.{head.minor}",
            "method": head.method.upper(),
            "scheme": "http",
            "path": path,
            "raw_path": raw_path,
            "query_string": query.encode("latin-1"),
            "root_path": self._mount.root_path,
            "headers": headers,
            "client": None,
            "server": None,
            "extensions": EXTENSIONS.copy(),
        }

    def _headers(self, head: RequestHead) -> list[tuple[bytes, bytes]]:
        """The field lines. A client mostly sends the same section with each target, or another Cookie in it.

        So a section is remembered with an empty Cookie line (FAST.md). The plain version is `raw_lines`.
        """
        section = head.section
        if not isinstance(section, str):
            return self._looked_at(head.raw_lines())
        before, cookie, behind = section.rpartition("\r\nCookie: ")
        if cookie:
            value, _, rest = behind.partition("\r\n")
            section = f"{before}{cookie}\r\n{rest}"  # with an empty Cookie: its place is in the key
        known = self._sections.get(section)
        if known is not None:
            headers = list(known[0])
            if cookie:
                headers[known[1]] = b"cookie", value.encode("latin-1").strip(b" \t")
            return headers
        headers = head.raw_lines()
        if self._sections.seen(hash(section)):
            lines, place = headers.copy(), before.count("\n") + 1
            if cookie:
                lines[place] = b"cookie", b""  # no client's cookie is kept
            self._sections.keep(section, (tuple(lines), place))
        return self._looked_at(headers)

    def _looked_at(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The same headers. A client that asks for WebSocket is told of in the log, once for all clients."""
        if not self._has_warned and _asks_for_websocket(headers):
            self._has_warned = True  # once: clients must not fill the log
            log.warning(
                "a client asks for WebSocket, which netlab does not speak: the app gets an ordinary request. "
                "Serve WebSocket routes with uvicorn or hypercorn."
            )
        return headers

    def _note(self, head: RequestHead) -> None:
        if len(self._noted) >= NOTED:
            self._noted.clear()
        self._noted[head] = None

    def _keep(self, head: RequestHead, made: Scope) -> None:
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[head] = {**made, "headers": made["headers"].copy()}


def _override_host(headers: list[tuple[bytes, bytes]], host: str) -> None:
    """One Host line, in the place of those that are there."""
    headers[:] = [(b"host", host.encode("latin-1")), *(line for line in headers if line[0] != b"host")]


def _asks_for_websocket(headers: list[tuple[bytes, bytes]]) -> bool:
    """Does a member of Upgrade name WebSocket, in any case (RFC 9110 §7.8), with a version or without?"""
    for name, value in headers:
        if name == b"upgrade" and b"websocket" in {
            protocol.partition(b"/")[0].strip().lower() for protocol in value.split(b",")
        }:
            return True
    return False
