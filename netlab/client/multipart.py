"""multipart/form-data: form fields and files in one body, streamed. RFC 7578, RFC 2046 §5.1.

    form = FormData()
    form.add_field("title", "a film")
    form.add_field("film", Path("film.mp4"), content_type="video/mp4")
    await session.post(url, data=form)

No file is ever held whole in memory.
"""

from __future__ import annotations

import mimetypes
import os
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.client.errors import InvalidRequest
from netlab.client.filesource import FileSource


@dataclass(frozen=True, slots=True)
class _Part:
    head: bytes
    source: FileSource


class FormData:
    """The parts of a form, in their order."""

    def __init__(self) -> None:
        # 128 bits by chance: no content will hold it (RFC 2046 §5.1.1).
        self._boundary = secrets.token_hex(16)
        self._parts: list[_Part] = []

    def add_field(
        self, name: str, value: Any, *, filename: str | None = None, content_type: str | None = None
    ) -> None:
        """Add a part. value: text, bytes, a number, a path, an open binary file or an async iterable.

        filename: the name that the server sees; a path or a file has its own. Raises InvalidRequest.
        """
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if filename is None:
            filename = _name_of(value)
        if content_type is None and filename is not None:
            content_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        head = f'Content-Disposition: form-data; name="{_escape(name)}"'
        if filename is not None:
            head += f'; filename="{_escape(filename)}"'
        if content_type is not None:
            if not content_type.isprintable() or not content_type.isascii():
                raise InvalidRequest(f"content_type {content_type!r} is no media type")
            head += f"\r\nContent-Type: {content_type}"
        self._parts.append(_Part(f"--{self._boundary}\r\n{head}\r\n\r\n".encode(), FileSource(value)))

    def add_value(self, name: str, value: Any) -> None:
        """Add a part as `data=` has it: a value, or (filename, content) or (filename, content, type)."""
        if isinstance(value, tuple) and len(value) in (2, 3):
            filename, content = value[:2]
            self.add_field(name, content, filename=filename, content_type=value[2] if value[2:] else None)
        elif isinstance(value, (list, tuple)):
            for each in value:
                self.add_value(name, each)
        elif value is not None:
            self.add_field(name, value)

    @property
    def media_type(self) -> str:
        """For the Content-Type field."""
        return f"multipart/form-data; boundary={self._boundary}"

    @property
    def size(self) -> int | None:
        """Bytes of the whole body; None if one of its parts does not know."""
        total = len(self._end)
        for part in self._parts:
            if part.source.size is None:
                return None
            total += len(part.head) + part.source.size + 2
        return total

    @property
    def can_be_read_again(self) -> bool:
        """Can `stream` be called a second time?"""
        return all(part.source.can_be_read_again for part in self._parts)

    @property
    def _end(self) -> bytes:
        return f"--{self._boundary}--\r\n".encode()

    async def stream(self) -> AsyncIterator[bytes]:
        """The body in pieces."""
        for part in self._parts:
            yield part.head
            async for piece in part.source.stream():
                yield piece
            yield b"\r\n"
        yield self._end


def has_files(pairs: Iterable[tuple[str, Any]]) -> bool:
    """Does one of the values need a part of its own? Then the form is multipart/form-data."""
    for _, value in pairs:
        for each in value if isinstance(value, list) else (value,):
            if (
                isinstance(each, (bytes, bytearray, Path))
                or hasattr(each, "read")
                or hasattr(each, "__aiter__")
            ):
                return True
            if isinstance(each, tuple) and len(each) in (2, 3) and not isinstance(each[1], (int, float)):
                return True
    return False


def _name_of(value: Any) -> str | None:
    if isinstance(value, Path):
        return value.name
    name = getattr(value, "name", None) if hasattr(value, "read") else None
    if isinstance(name, str) and not name.startswith("<"):
        return os.path.basename(name)
    return "file" if hasattr(value, "read") else None


def _escape(name: str) -> str:
    """A name between quotation marks as browsers write it (WHATWG HTML §4.10.21.8)."""
    return str(name).replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
