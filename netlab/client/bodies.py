"""What `data=` and `json=` become: bytes, or a stream of pieces, with a media type and, if known, a length.

    bytes, str                        as they are
    dict, list of pairs               application/x-www-form-urlencoded (WHATWG URL §5.2)
    the same with a file among them   multipart/form-data, streamed from the disk (`multipart`)
    a binary file, a pathlib.Path     its bytes, streamed from the disk
    an async or plain iterable        its pieces, chunked unless a Content-Length is given
    Body                              as it is

A body that can be opened once more can be sent once more: after a redirect, a 417, or a closed connection.
"""

from __future__ import annotations

import json as json_module
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlencode

from netlab.client.errors import InvalidRequest
from netlab.client.filesource import FileSource
from netlab.client.multipart import FormData, has_files

OCTETS = "application/octet-stream"

# Whatever `prepare` takes. Any: the text of an error names what else was given.
Data = Any


@dataclass(slots=True)
class Body:
    """content: bytes; or stream: pieces. length: bytes of the stream, None if unknown.

    reopen: gives the stream anew; None where it can be read only once.
    """

    content: bytes = b""
    stream: AsyncIterable[bytes] | None = None
    media_type: str | None = None
    length: int | None = None
    reopen: Callable[[], AsyncIterable[bytes]] | None = None


def prepare(data: Data, json: Any) -> Body | None:
    """The body of a request, None without one. Raises InvalidRequest."""
    if json is not None:
        if data is not None:
            raise InvalidRequest("a request has data= or json=, not both: drop one")
        return Body(_as_json(json), media_type="application/json")
    if data is None or isinstance(data, Body):
        return data
    if isinstance(data, (bytes, bytearray, memoryview)):
        return Body(bytes(data), media_type=OCTETS)
    if isinstance(data, str):
        return Body(data.encode(), media_type="text/plain; charset=utf-8")
    if isinstance(data, FormData):
        return _multipart(data)
    if isinstance(data, Mapping) or _is_pairs(data):
        return _form(data)
    return _stream(data)


def _stream(data: Any) -> Body:
    if hasattr(data, "__aiter__"):
        return Body(stream=data, media_type=OCTETS)
    if isinstance(data, Path) or hasattr(data, "read"):
        return _file(data)
    if isinstance(data, Iterable):
        return Body(stream=_pieces(data), media_type=OCTETS)
    kind = type(data).__name__
    raise InvalidRequest(f"data= is {kind}: give bytes, text, form fields, a file or an iterable of bytes")


def _as_json(value: Any) -> bytes:
    try:
        return json_module.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"json= cannot be written as JSON: {error}") from None


def _is_pairs(data: Any) -> bool:
    return isinstance(data, (list, tuple)) and all(
        isinstance(each, tuple) and len(each) == 2 for each in data
    )


def _form(data: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> Body:
    pairs = list(data.items() if isinstance(data, Mapping) else data)
    if has_files(pairs):
        form = FormData()
        for name, value in pairs:
            form.add_value(name, value)
        return _multipart(form)
    return Body(encode_pairs(pairs).encode("ascii"), media_type="application/x-www-form-urlencoded")


def _multipart(form: FormData) -> Body:
    reopen = form.stream if form.can_be_read_again else None
    return Body(stream=form.stream(), media_type=form.media_type, length=form.size, reopen=reopen)


def _file(file: Path | BinaryIO) -> Body:
    source = FileSource(file)
    reopen = source.stream if source.can_be_read_again else None
    return Body(stream=source.stream(), media_type=OCTETS, length=source.size, reopen=reopen)


async def _pieces(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def encode_pairs(pairs: Iterable[tuple[str, Any]]) -> str:
    """Names and values as application/x-www-form-urlencoded. None is left out, a list is repeated.

    Raises InvalidRequest for a value that has no one way to be written, such as a bool.
    """
    flat: list[tuple[str, str]] = []
    for name, value in pairs:
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if each is None:
                continue
            if isinstance(each, bool) or not isinstance(each, (str, int, float)):
                raise InvalidRequest(f"the value of {name!r} is {type(each).__name__}: give text or a number")
            flat.append((str(name), str(each)))
    try:
        return urlencode(flat)
    except UnicodeEncodeError:
        raise InvalidRequest("a form value has half of a surrogate pair, which is no character") from None
