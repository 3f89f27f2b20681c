"""The relay taps a TLS connection, pcapng keeps it with its keys, and tshark opens it decrypted."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from netlab.capture import Direction, pcapng
from netlab.relay import Relay
from netlab.tls import authority

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None and not os.environ.get("CI"), reason="needs tshark: apt-get install tshark"
)

REQUEST = b"GET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nencrypted"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    assert await reader.readexactly(len(REQUEST)) == REQUEST
    writer.write(RESPONSE)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_tapped_tls_conversation_opens_decrypted(tmp_path: Path, version: ssl.TLSVersion) -> None:
    certificates = authority.mint(tmp_path / "certs")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificates.chain, certificates.leaf_key)
    asking = ssl.create_default_context(cafile=str(certificates.root))
    asking.maximum_version = version
    asking.keylog_filename = str(tmp_path / "keys")
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=serving)
    async with server, Relay("127.0.0.1", server.sockets[0].getsockname()[1]) as relay:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", relay.port, ssl=asking, server_hostname="localhost"
        )
        writer.write(REQUEST)
        assert await reader.readexactly(len(RESPONSE)) == RESPONSE
        writer.close()
        await writer.wait_closed()
        (conversation,) = relay.conversations
        await conversation.wait_closed()
    assert b"/secret" not in conversation.content(Direction.TO_SERVER)
    path = tmp_path / "tapped.pcapng"
    port = conversation.server.port
    pcapng.write(path, conversation.composed(), (tmp_path / "keys").read_bytes())
    shown = subprocess.run(
        [
            "tshark", "-r", str(path), "-d", f"tcp.port=={port},tls", "-o", f"http.tls.port:{port}",
            "-Y", "http", "-T", "fields", "-e", "http.request.uri", "-e", "http.response.code",
        ],
        capture_output=True, text=True, timeout=50, check=True,
    )  # fmt: skip
    assert shown.stdout.split() == ["/secret", "200"]
