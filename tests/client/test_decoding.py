"""Content codings: what comes out, what is refused, and how much memory a piece takes."""

from __future__ import annotations

import gzip
import sys
import zlib
from typing import Any

import pytest

import netlab
from netlab.client import ContentTooLarge, DecodingFailed
from netlab.client.decoding import PIECE, accept_encoding, decoder_for
from tests.client.clock import needs

TEXT = b"hello, " * 10_000


def deflate_raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def brotli(data: bytes) -> bytes:
    return bytes(needs("brotli").compress(data))


def zstd(data: bytes) -> bytes:
    return bytes(needs("zstandard").compress(data))


CODINGS: dict[str, tuple[str, Any]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "gzip in two members": ("GZIP", lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:])),
    "gzip and rubbish": ("gzip", lambda data: gzip.compress(data) + bytes(10)),
    "deflate": ("deflate", zlib.compress),
    "deflate without a frame": ("deflate", deflate_raw),
    "br": ("br", brotli),
    "zstd": ("zstd", zstd),
    "two": ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
    "identity": ("identity, gzip", gzip.compress),
}


def decode(value: str, data: bytes, size: int, limit: int = 1 << 30) -> tuple[bytes, int]:
    """The content, fed `size` bytes at a time; and the largest piece."""
    decoder = decoder_for(value, limit, "http://a/")
    assert decoder is not None
    pieces = []
    for at in range(0, len(data), size):
        decoder.feed(data[at : at + size])
        while piece := decoder.read():
            pieces.append(piece)
    decoder.finish()
    return b"".join(pieces), max(map(len, pieces), default=0)


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", CODINGS)
def test_what_was_encoded_comes_out_however_it_is_cut(name: str, size: int) -> None:
    value, encode = CODINGS[name]
    assert decode(value, encode(TEXT), size)[0] == TEXT


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "two"])
def test_no_piece_is_large_and_a_bomb_is_refused_at_the_bound(name: str) -> None:
    value, encode = CODINGS[name]
    bomb = encode(bytes(20 << 20))
    content, largest = decode(value, bomb, 1 << 20)
    assert len(content) == 20 << 20
    assert largest <= PIECE or (name == "zstd" and sys.version_info < (3, 14) and largest <= 16 * PIECE)
    with pytest.raises(DecodingFailed, match="larger than the 1000000 bytes"):
        decode(value, bomb, 1 << 20, 1_000_000)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_content_that_ends_too_early_or_is_wrong_is_refused(name: str) -> None:
    value, encode = CODINGS[name]
    whole = encode(TEXT)
    with pytest.raises(DecodingFailed, match="ends too early"):
        decode(value, whole[:-4], 5)
    with pytest.raises(DecodingFailed, match="not what Content-Encoding says"):
        decode(value, b"\x1f\x8b" + b"rubbish, rubbish", 100)
    assert decode(value, b"", 1) == (b"", 0)


def test_what_cannot_be_decoded_is_left_as_it_is() -> None:
    for value in ("", "identity", "x-unknown", "gzip, x-unknown"):
        assert decoder_for(value, 1, "") is None
    with pytest.raises(DecodingFailed, match="4 content codings"):
        decoder_for("gzip, gzip, gzip, gzip", 1, "")


async def app(request: netlab.Request) -> netlab.Response:
    if request.path == "/bomb":
        return netlab.Response(200, gzip.compress(bytes(50 << 20)), {"content-encoding": "gzip"})
    fields = {"content-encoding": "gzip", "x-accept": request.fields.get("accept-encoding", "none")}
    return netlab.Response(206 if request.path == "/part" else 200, gzip.compress(TEXT), fields)


async def test_a_session_asks_for_what_it_can_decode() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        async with session.get(f"{server.url}/") as response:
            assert response.fields["x-accept"] == accept_encoding()
            assert await response.read() == TEXT
        async with session.head(f"{server.url}/") as response:
            assert await response.read() == b""
        async with session.get(f"{server.url}/", decompress=False) as response:
            assert gzip.decompress(await response.read()) == TEXT
        # A part of an encoded content stays as it is, and is not asked for in a coding.
        async with session.get(f"{server.url}/part", headers={"Range": "bytes=0-"}) as response:
            assert response.fields["x-accept"] == "none"
            assert gzip.decompress(await response.read()) == TEXT


async def test_a_bomb_over_the_wire_is_refused_and_its_connection_given_back() -> None:
    async with netlab.Server(app) as server, netlab.Session(max_decoded=1 << 20) as session:
        response = await session.get(f"{server.url}/bomb")
        with pytest.raises(DecodingFailed, match="larger than"):
            await response.read()
        response = await session.get(f"{server.url}/bomb")
        with pytest.raises(ContentTooLarge):
            await response.read(limit=1000)
        assert session.pool.counts()["in_use"] == 0
