"""`netlab trace https://…` against nginx, `openssl s_server`, Node and netlab's own server."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netlab.__main__ import main
from netlab.tls.authority import Certificates
from tests.tls.peers import needs

pytestmark = pytest.mark.soak

_NODE = """const s = require("https").createServer(
  {cert: require("fs").readFileSync(process.argv[1]), key: require("fs").readFileSync(process.argv[2])},
  (request, response) => response.end("hello from Node"));
s.listen(0, "127.0.0.1", () => console.log(s.address().port));"""

_NGINX = """daemon off; pid %(folder)s/pid; error_log %(folder)s/log; worker_processes 1; events {}
http { access_log off; server { listen 127.0.0.1:%(port)d ssl; ssl_protocols TLSv1.2 TLSv1.3;
ssl_certificate %(chain)s; ssl_certificate_key %(key)s; location / { return 200 "hello from nginx"; } } }"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        try:
            yield child
        finally:
            child.terminate()


def _wait(port: int) -> int:
    """The port, once something listens there."""
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return port
        except OSError:
            assert time.monotonic() < end, f"nothing listens on port {port}"
            time.sleep(0.02)


@contextlib.contextmanager
def node(made: Certificates, folder: Path) -> Iterator[int]:
    needs("node")
    with _running(["node", "-e", _NODE, str(made.chain), str(made.leaf_key)]) as child:
        assert child.stdout is not None
        yield int(child.stdout.readline())


@contextlib.contextmanager
def nginx(made: Certificates, folder: Path) -> Iterator[int]:
    needs("nginx")
    port = _free_port()
    configuration = folder / "nginx.conf"
    given = {"folder": folder, "port": port, "chain": made.chain, "key": made.leaf_key}
    configuration.write_text(_NGINX % given)
    os.chmod(made.leaf_key, 0o600)
    with _running(["nginx", "-c", str(configuration), "-e", str(folder / "log")]):
        yield _wait(port)


@contextlib.contextmanager
def s_server(made: Certificates, folder: Path) -> Iterator[int]:
    needs("openssl")
    port = _free_port()
    given = ["-cert", str(made.leaf), "-key", str(made.leaf_key), "-cert_chain", str(made.intermediate)]
    with _running(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", *given, "-www"]):
        yield _wait(port)


@contextlib.contextmanager
def netlab(made: Certificates, folder: Path) -> Iterator[int]:
    certificate = ["--cert", str(made.chain), "--key", str(made.leaf_key)]
    with _running([sys.executable, "-m", "netlab", "serve", *certificate]) as child:
        assert child.stdout is not None
        found = re.search(r"https://127\.0\.0\.1:(\d+)", child.stdout.readline())
        assert found
        yield int(found[1])


Peer = Callable[[Certificates, Path], contextlib.AbstractContextManager[int]]
MODES = {
    "TLS 1.3": [], "TLS 1.2": ["--tls", "1.2"], "resumed": ["--resume"],
    "resumed 1.2": ["--tls", "1.2", "--resume"], "HelloRetryRequest": ["--hello-retry"],
    "ChaCha20": ["--cipher", "TLS_CHACHA20_POLY1305_SHA256"],
}  # fmt: skip


@pytest.mark.parametrize("peer", [node, nginx, s_server, netlab])
def test_every_mode_opens_every_record(
    peer: Peer, certificates: Certificates, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with peer(certificates, tmp_path) as port:
        for name, options in MODES.items():
            arguments = [f"https://localhost:{port}/", "--cacert", str(certificates.root), *options]
            assert main(["trace", *arguments, "--json"]) == 0
            told = capsys.readouterr()
            assert told.err == "", name
            records = [json.loads(line) for line in told.out.splitlines()]
            assert all(record["plaintext"] is not None for record in records), name
            streams = {record["stream"] for record in records}
            assert len(streams) == (2 if "--resume" in options else 1)
            answer = b"".join(
                bytes.fromhex(record["plaintext"])
                for record in records
                if record["direction"] == "server" and record["content_type"] == "application_data"
            )
            assert answer.startswith(b"HTTP/1."), name
            retried = any("hello_retry_request" in record["handshake"] for record in records)
            assert retried is (name == "HelloRetryRequest")
            certified = [r["stream"] for r in records if "certificate" in r["handshake"]]
            assert certified == [0], "a resumed session shows no certificate"
