"""Writing the content: to standard output or a file, at a rate, and on from where it broke off. RFC 9110 §14

A file that broke off keeps what came. Beside it lies FILE.resume with the validator (ETag or Last-Modified)
of the version it was part of. `-C` asks for the rest with Range, and If-Range makes sure that it is the rest
of the same version: if the file has changed on the server, it comes whole, and replaces what was there.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from netlab.cli.errors import UserError
from netlab.cli.fetching.terminal import Progress, Terminal
from netlab.client.response import ClientResponse
from netlab.http1.fields import Fields

# Content that a HAR file may show: the first bytes are kept in memory.
_KEPT = 1 << 20

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/(?:([0-9]{1,18})|\*)", re.IGNORECASE)


@dataclass(slots=True)
class Sink:
    """Where content goes. size: bytes written so far; kept: the first of them, for a HAR file."""

    path: Path | None
    terminal: Terminal
    rate: float | None = None
    progress: bool = False
    size: int = 0
    kept: bytes = b""
    _file: BinaryIO | None = None

    # -- going on where it broke off ------------------------------------------------------------------------

    def range_fields(self) -> list[tuple[str, str]]:
        """The fields that ask for the rest of the file; none if there is nothing to go on from."""
        validator = self._validator()
        if self.path is None or validator is None:
            return []
        self.size = self.path.stat().st_size
        return [("Range", f"bytes={self.size}-"), ("If-Range", validator)] if self.size else []

    def _validator(self) -> str | None:
        if self.path is None or not self.path.is_file():
            return None
        try:
            found = json.loads(self._note.read_text())
            return str(found["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def _note(self) -> Path:
        assert self.path is not None
        return _note_of(self.path)

    def broke_off(self, fields: Fields) -> bool:
        """The content ended too early. True if `range_fields` can ask for the rest."""
        self.close()
        validator = _strong_validator(fields)
        if self.path is None or validator is None or not self.size:
            return False
        self._note.write_text(json.dumps({"validator": validator}) + "\n")
        return True

    def complete(self) -> None:
        """All of it is there."""
        self.close()
        if self.path is not None:
            self._note.unlink(missing_ok=True)

    # -- writing --------------------------------------------------------------------------------------------

    def open(self, response: ClientResponse) -> int | None:
        """Get ready for this response's content; its whole size, None if unknown. Raises UserError."""
        length = response.head.framing.length or None
        if response.status == 206 and self.size:
            found = _CONTENT_RANGE.fullmatch(response.fields.get("content-range", ""))
            if found is None or int(found[1]) != self.size:
                raise UserError(
                    f"the server sent another part than the one from byte {self.size} on: drop -C"
                )
            self._open_file(append=True)
            return int(found[3]) if found[3] else None
        self.size, self.kept = 0, b""
        self._open_file(append=False)
        return length

    def _open_file(self, append: bool) -> None:
        if self.path is None:
            self._file = sys.stdout.buffer
            return
        try:
            self._file = self.path.open("ab" if append else "wb")
        except OSError as error:
            raise UserError(f"-o {self.path}: cannot write there: {error.strerror}") from None

    def write_head(self, octets: bytes) -> None:
        """Write the response's head before its content."""
        assert self._file is not None
        self._file.write(octets)
        if self.path is None:
            self.terminal.content_written(octets)

    async def take(self, response: ClientResponse, size: int | None) -> None:
        """Write the content of a response, as it comes. size: what `open` gave. Raises UserError."""
        bar = Progress(self.terminal, size, self.size, self.progress)
        start, before = time.monotonic(), self.size
        try:
            async for piece in response.stream():
                self.write(piece)
                bar.add(len(piece))
                if self.rate is not None:
                    ahead = (self.size - before) / self.rate - (time.monotonic() - start)
                    if ahead > 0:
                        await asyncio.sleep(ahead)
        finally:
            self.terminal.erase_bar()

    def write(self, piece: bytes) -> None:
        """Write some bytes. Raises UserError, BrokenPipeError."""
        assert self._file is not None
        try:
            self._file.write(piece)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UserError(f"cannot write the content: {error.strerror}") from None
        self.size += len(piece)
        if len(self.kept) < _KEPT:
            self.kept += piece
        if self.path is None:
            self.terminal.content_written(piece)

    def close(self) -> None:
        """Flush; a file is closed, too. Raises UserError."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.flush()
            if self.path is not None:
                file.close()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UserError(f"cannot write the content: {error.strerror}") from None


def resume_note(path: Path | None) -> bool:
    """Did a download to this file break off so that `-C` can fetch the rest?"""
    return path is not None and _note_of(path).is_file()


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + ".resume")


def _strong_validator(fields: Fields) -> str | None:
    """What If-Range takes: a strong ETag, else Last-Modified. RFC 9110 §13.1.5"""
    tag = fields.get("etag")
    if isinstance(tag, str) and tag.startswith('"'):
        return tag
    modified = fields.get("last-modified")
    return modified if isinstance(modified, str) else None
