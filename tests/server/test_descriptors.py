"""A server's descriptors: a file that is being sent takes one, beside its connection's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from netlab import Server
from netlab.server.filecontent import FileContent
from netlab.server.files import Folder


async def test_a_file_that_is_being_sent_counts_as_a_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two descriptors for each download: with room for four, the third connection waits to be accepted."""
    monkeypatch.setattr("netlab.server.server.room", lambda: 4)
    (tmp_path / "large").write_bytes(bytes(16 << 20))
    async with Server(Folder(tmp_path)) as server:
        streams = []
        for number in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=4096)
            writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            if number < 2:
                await reader.readuntil(b"\r\n\r\n")
            streams.append((reader, writer))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert (server.accepted, FileContent.open_files) == (2, 2)
        streams[0][1].transport.abort()
        await asyncio.wait_for(streams[2][0].readuntil(b"\r\n\r\n"), 20)
        assert (server.accepted, FileContent.open_files) == (3, 2)
        for _, writer in streams:
            writer.transport.abort()
        async with asyncio.timeout(20):
            while server.connections or FileContent.open_files:
                await asyncio.sleep(0.001)
