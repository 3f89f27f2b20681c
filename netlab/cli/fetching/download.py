"""Writing the content: to standard output or a file, at a rate, and on from where it broke off. RFC 9110 §14

A file that broke off keeps what came. Beside it lies FILE.resume with the validator (ETag or Last-Modified)
of the version it was part of. `-C` asks for the rest with Range, and If-Range makes sure that it is the rest
of the same version: if the file has changed on the server, it comes whole, and replaces what was there.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

from netlab.cli.errors import UserError
from netlab.cli.fetching.pace import Pace
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
    _resumed: str | None = None  # the validator of the file that Range asks the rest of
    _file: BinaryIO | None = None

    # -- going on where it broke off ------------------------------------------------------------------------

    def range_fields(self) -> list[tuple[str, str]]:
        """The fields that ask for the rest of the file; none if there is nothing to go on from."""
        self._resumed = validator = self._validator()
        if self.path is None or not self.path.is_file() or not (size := self.path.stat().st_size):
            return []
        if validator is None:
            self.terminal.tell(f"* no ETag is kept beside {self.path}: it is fetched whole")
            return []
        self.size = size
        return [("Range", f"bytes={self.size}-"), ("If-Range", validator)]

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
        self._keep_what_came(response)
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

    def _keep_what_came(self, response: ClientResponse) -> None:
        """A file that is gone on with is replaced by a newer version alone. Raises UserError."""
        if self._resumed is None or not self.size:
            return
        tag = response.fields.get("etag")
        if response.status == 206 and self._resumed.startswith('"') and tag not in (None, self._resumed):
            # RFC 9110 §15.3.7.3: parts are put together only if they share one strong validator.
            raise UserError(
                f"{response.url} sent a part of another version, {tag}: drop -C to fetch it whole"
            )
        if response.status not in (200, 203, 206):
            raise UserError(
                f"{response.url} answered {response.status}: {self.path} is kept as it is; drop -C to see why"
            )

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
        pace = Pace(self.rate)
        try:
            async for piece in response.stream():
                self.write(piece)
                bar.add(len(piece))
                await pace.wait(len(piece))
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
    """What If-Range takes: a strong ETag, or without an ETag a strong Last-Modified. RFC 9110 §13.1.5"""
    tag, modified = fields.get("etag"), fields.get("last-modified")
    if tag is not None:
        return tag if tag.startswith('"') else None
    changed, sent = http_date(modified), http_date(fields.get("date"))
    # Within one second a file can change twice (RFC 9110 §8.8.2.2).
    return modified if changed is not None and sent is not None and sent - changed >= 1 else None


def http_date(text: str | None) -> float | None:
    """The moment that an HTTP date names, in seconds since 1970, or None. RFC 9110 §5.6.7"""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except ValueError:
        return None
