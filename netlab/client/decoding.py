"""Content codings: gzip, deflate, br and zstd become the content again. RFC 9110 §8.4, RFC 9659.

Pure: bytes in, bytes out. A thousandfold larger content may hide in a few bytes (a decompression bomb), so

    no piece is larger than PIECE bytes, whatever goes in, and
    one response may grow to a limit of bytes; then it is refused.

gzip and deflate are in the standard library. br and zstd need a library (`pip install 'netlab[codings]'`;
Python 3.14 has zstd): what cannot be decoded is not asked for.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from netlab.client.errors import DecodingFailed
from netlab.http1.errors import ProtocolError

# Bytes of one decoded piece, at most.
PIECE = 64 * 1024

# Codings one inside the other that a response may have. One is usual; a chain of many is a bomb.
MOST_CODINGS = 3

# RFC 9659 §3: a decoder need not take a larger window.
_ZSTD_WINDOW = 23

# What a member of a gzip stream begins with (RFC 1952 §2.3.1).
_MEMBER = b"\x1f\x8b"

# brotli gives whole blocks, of 32 KiB less a few bytes and then 64 KiB: the first alone must reach its bound.
_BROTLI_BOUND = 32_000

# zstd: bytes handed to a library that cannot bound its output. Four of them become up to 128 KiB.
_SLICE = 16


class Coding(Protocol):
    """One content coding, taken away piece by piece."""

    def feed(self, data: bytes) -> None:
        """Take encoded bytes. Call when `read` has given everything."""

    def read(self) -> bytes:
        """The next piece, at most PIECE bytes; empty when more has to be fed. Raises ValueError."""

    def complete(self) -> bool:
        """Is this an end that the coding allows?"""


class _Zlib:
    """gzip (several members, one behind the other) and deflate (with zlib's frame, or bare)."""

    def __init__(self, gzip: bool) -> None:
        self._gzip = gzip
        self._inflate: Any = None
        self._input = b""
        self._between = False  # behind the end of a member
        self._ended = False  # behind the last one: what follows is ignored, as browsers do

    def feed(self, data: bytes) -> None:
        self._input += data

    def read(self) -> bytes:
        while self._input and not self._ended:
            if self._inflate is None and not self._begin():
                break
            try:
                piece: bytes = self._inflate.decompress(self._input, PIECE)
            except zlib.error as error:
                raise ValueError(str(error).partition(": ")[2] or "wrong data") from None
            self._input = self._inflate.unconsumed_tail
            if self._inflate.eof:
                self._input = self._inflate.unused_data
                self._inflate, self._between = None, True
            if piece:
                return piece
        return b""

    def _begin(self) -> bool:
        """Begin a member, if one begins here; False if more has to be fed first, or none follows."""
        if self._between and (not self._gzip or not self._input.startswith(_MEMBER[: len(self._input)])):
            self._ended, self._input = True, b""
            return False
        if self._between and len(self._input) < len(_MEMBER):
            return False
        self._between = False
        self._inflate = zlib.decompressobj(self._window())
        return True

    def _window(self) -> int:
        if self._gzip:
            return 16 + zlib.MAX_WBITS
        # Some servers send deflate without zlib's frame (RFC 1951). Its first byte tells: 8 is the method.
        return zlib.MAX_WBITS if self._input[0] & 0x0F == 8 else -zlib.MAX_WBITS

    def complete(self) -> bool:
        return self._inflate is None


class _Brotli:
    """br, by the library Brotli from version 1.2 on, which bounds its output."""

    def __init__(self, library: Any) -> None:
        self._decoder = library.Decompressor()
        self._error = library.error
        self._input = b""
        self._any = False

    def feed(self, data: bytes) -> None:
        self._input = data
        self._any = self._any or bool(data)

    def read(self) -> bytes:
        try:
            piece = self._decoder.process(self._input, output_buffer_limit=_BROTLI_BOUND)
        except self._error as error:
            raise ValueError(str(error)) from None
        self._input = b""
        return bytes(piece)

    def complete(self) -> bool:
        return not self._any or bool(self._decoder.is_finished())


class _Zstd:
    """zstd by `compression.zstd` (Python 3.14) or its backport, which bound their output."""

    def __init__(self, library: Any) -> None:
        options = {library.DecompressionParameter.window_log_max: _ZSTD_WINDOW}
        self._make: Callable[[], Any] = lambda: library.ZstdDecompressor(options=options)
        self._decoder = self._make()
        self._error = library.ZstdError
        self._input = b""
        self._any = False

    def feed(self, data: bytes) -> None:
        self._input = data
        self._any = self._any or bool(data)

    def read(self) -> bytes:
        while True:
            if self._decoder.eof:
                self._input = self._decoder.unused_data + self._input
                if not self._input:
                    return b""
                self._decoder = self._make()
            try:
                piece = self._decoder.decompress(self._input, PIECE)
            except self._error as error:
                raise ValueError(str(error)) from None
            self._input = b""
            if piece or not self._decoder.eof:
                return bytes(piece)

    def complete(self) -> bool:
        return not self._any or bool(self._decoder.eof)


class _SlicedZstd:
    """zstd by the library `zstandard`. It does not bound its output, so it gets little at a time."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._decoder = library.ZstdDecompressor(max_window_size=1 << _ZSTD_WINDOW).decompressobj()
        self._input = memoryview(b"")
        self._any = False

    def feed(self, data: bytes) -> None:
        self._input = memoryview(data)
        self._any = self._any or bool(data)

    def read(self) -> bytes:
        found: list[bytes] = []
        size = 0
        while self._input and size < PIECE // 2:
            if self._decoder.eof:
                self._decoder = self._library.ZstdDecompressor(
                    max_window_size=1 << _ZSTD_WINDOW
                ).decompressobj()
            given, self._input = self._input[:_SLICE], self._input[_SLICE:]
            try:
                found.append(self._decoder.decompress(bytes(given)))
            except self._library.ZstdError as error:
                raise ValueError(str(error)) from None
            if rest := bytes(self._decoder.unused_data):
                self._input = memoryview(rest + bytes(self._input))
            size += len(found[-1])
        return b"".join(found)

    def complete(self) -> bool:
        return not self._any or bool(self._decoder.eof)


@lru_cache(maxsize=1)
def _makers() -> dict[str, Callable[[], Coding]]:
    makers: dict[str, Callable[[], Coding]] = {
        "gzip": lambda: _Zlib(gzip=True),
        "x-gzip": lambda: _Zlib(gzip=True),
        "deflate": lambda: _Zlib(gzip=False),
    }
    brotli = _library("brotli")
    if brotli is not None and hasattr(brotli.Decompressor(), "can_accept_more_data"):
        makers["br"] = lambda: _Brotli(brotli)
    zstd = _library("compression.zstd") or _library("backports.zstd")
    sliced = _library("zstandard")
    if zstd is not None:
        makers["zstd"] = lambda: _Zstd(zstd)
    elif sliced is not None:
        makers["zstd"] = lambda: _SlicedZstd(sliced)
    return makers


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def accept_encoding() -> str:
    """The value of Accept-Encoding: what can be decoded here."""
    return ", ".join(name for name in _makers() if not name.startswith("x-"))


class Decoder:
    """Takes all the codings of one response away. limit: bytes that the content may grow to."""

    def __init__(self, codings: list[Coding], limit: int, where: str) -> None:
        self._codings = codings
        self._left = self._limit = limit
        self._where = where

    def feed(self, data: bytes) -> None:
        """Take bytes as they came. Call when `read` has given everything."""
        self._codings[0].feed(data)

    def read(self) -> bytes:
        """The next piece; empty when more has to be fed. Raises DecodingFailed."""
        try:
            piece = self._read(len(self._codings) - 1)
        except ValueError as error:
            raise self._failed(f"the content is not what Content-Encoding says: {error}") from None
        self._left -= len(piece)
        if self._left < 0:
            raise self._failed(f"the decoded content is larger than the {self._limit} bytes allowed")
        return piece

    def _read(self, level: int) -> bytes:
        coding = self._codings[level]
        while not (piece := coding.read()):
            if level == 0 or not (fed := self._read(level - 1)):
                return b""
            coding.feed(fed)
        return piece

    def finish(self) -> None:
        """The content has come whole. Raises DecodingFailed if a coding is in the middle."""
        if not all(coding.complete() for coding in self._codings):
            raise self._failed("the encoded content ends too early")

    def _failed(self, rule: str) -> DecodingFailed:
        return DecodingFailed(self._where, ProtocolError(400, rule, "RFC 9110 §8.4"))


def decoder_for(value: str, limit: int, where: str) -> Decoder | None:
    """A decoder for this Content-Encoding; None if there is nothing to decode, or a coding is unknown.

    where: the URL, for errors. Raises DecodingFailed for too many codings.
    """
    names = [name for name in (part.strip(" \t").lower() for part in value.split(",")) if name]
    names = [name for name in names if name != "identity"]
    makers = _makers()
    if not names or not all(name in makers for name in names):
        return None
    if len(names) > MOST_CODINGS:
        rule = f"{len(names)} content codings, one inside the other"
        raise DecodingFailed(where, ProtocolError(400, rule, "RFC 9110 §8.4"))
    # The last one named was applied last: it is taken away first.
    return Decoder([makers[name]() for name in reversed(names)], limit, where)
