"""What a handler gives: a Response. RFC 9110 §3.4.

Values alone. How a response is put on the wire stands in `responding` and `streaming`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping

from netlab.http1.errors import ProtocolError

FieldLines = Mapping[str, str] | Iterable[tuple[str, str]]


class Response:
    """What a handler answers.

    status: 200 to 599. content: bytes, or text that is sent as UTF-8. fields: field lines; names and values
    are checked when they are sent. stream: instead of content, an async iterable of bytes, sent as it
    comes: chunked, or with a Content-Length if `fields` gives one; an iterable that is not async runs in a
    thread. trailers: field lines behind a chunked stream. on_close: called once, without arguments, when the
    server is done with this response: sent whole, broken off, replaced by a 500, or never sent because the
    client left first. What it raises is logged. Give the last three by name.
    """

    __slots__ = ("content", "fields", "on_close", "status", "stream", "trailers")

    def __init__(
        self,
        status: int = 200,
        content: bytes | str = b"",
        fields: FieldLines | None = None,
        # Not keyword-only: CPython looks up each such default in a dictionary, for each response (FAST.md).
        stream: AsyncIterable[bytes | memoryview] | Iterable[bytes] | None = None,
        trailers: FieldLines | None = None,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        self.status = status
        self.content = content if content.__class__ is bytes else octets(content)
        self.fields = fields
        self.stream = stream
        self.trailers = trailers
        self.on_close = on_close

    def __repr__(self) -> str:
        what = "stream" if self.stream is not None else f"{len(self.content)} bytes"
        return f"<Response {self.status} {what}>"


def octets(content: object) -> bytes:
    """Content as bytes. Raises TypeError for anything that is neither bytes nor text."""
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    raise TypeError(
        f"content is {type(content).__name__}: give bytes or text, or an async iterable as stream="
    )


TEXT = {"content-type": "text/plain; charset=utf-8"}


def refusal(error: ProtocolError) -> Response:
    """The answer to a broken rule: its status, and the rule as text."""
    return Response(error.status, f"{error}\n", TEXT)
