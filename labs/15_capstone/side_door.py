"""The side door of the assembled server: lab 09's own loop, `serve`, with a socket and a thread for a client.

The conversations play it; `make serve-15` does not open it. No siege is expected there. Lab 02's parser
reads the requests from whatever bytes have come, and lab 12's `decode` their chunks, once all of them are
there. The application is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

Parts = Mapping[str, ModuleType]


def reader(parts: Parts) -> Callable[[bytes], tuple[Any, bytes] | None]:
    """What lab 09's Connection reads with: one request off the front, None while it is not all there."""
    framing, keep_alive = parts["framing"], parts["keep_alive"]

    def read(wire: bytes) -> tuple[Any, bytes] | None:
        try:
            request = framing.parse(wire)
        except framing.Refused as refused:
            raise keep_alive.Refused(*refused.rule.value) from None
        if request is None:
            return None
        fields, whole = request.fields, None
        if request.framing.kind is framing.Kind.CHUNKED:
            whole = decoded(parts, request.rest)
        elif len(request.rest) >= request.framing.length:
            whole = request.rest[: request.framing.length], [], request.rest[request.framing.length :]
        if whole is None:
            return None
        content, trailers, rest = whole
        found = [*fields, *trailers]
        return keep_alive.Request(request.method, request.target, request.minor, found, content), rest

    return read


def decoded(parts: Parts, wire: bytes) -> tuple[bytes, list[tuple[str, str]], bytes] | None:
    """A chunked content: (content, trailers, rest), or None while its end has not come."""
    chunked = parts["chunked"]
    try:
        found = chunked.decode(wire)
    except chunked.Refused as refused:
        if refused.rule is chunked.Rule.INCOMPLETE:
            return None
        raise parts["keep_alive"].Refused(400, refused.rule.value) from None
    return found.content, found.trailers, found.rest


def connection(parts: Parts, app: Callable[[Any], Any]) -> Any:
    """One client's connection: lab 09's, with the reader above."""
    return parts["keep_alive"].Connection(app, reader(parts))
