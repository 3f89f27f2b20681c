"""Ask one client: run its steps, plain or over TLS; judge by what it told and by what the server received."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from netlab.tls.authority import Certificates
from netlab.tls.context import server_context
from tests.interop.clients import Ask, Client
from tests.interop.witness import FILE, HELLO, STREAM, Seen, serving

UPLOAD = 300_000
DIGEST = hashlib.sha256(bytes(UPLOAD)).hexdigest()

# What a client must tell of each step.
EXPECTED = {
    "hello": f"hello {len(HELLO)}",
    "head": f"head {len(HELLO)}",
    "stream": f"stream {len(STREAM)}",
    "upload": f"upload {UPLOAD}",
    "continue": f"continue {UPLOAD}",
    "range": f"range {FILE[65:70].decode()}",
}

# The script that Chromium runs: it writes its lines into the document, which --dump-dom prints.
PAGE = """<!doctype html><title>steps</title><pre id=told></pre><script>
const told = (line) => { document.getElementById('told').textContent += line + '\\n'; };
(async () => {
  for (let i = 0; i < 2; i++) told('hello ' + (await (await fetch('/')).arrayBuffer()).byteLength);
  told('head ' + (await fetch('/', {method: 'HEAD'})).headers.get('content-length'));
  told('stream ' + (await (await fetch('/stream')).arrayBuffer()).byteLength);
  told('range ' + await (await fetch('/file', {headers: {Range: 'bytes=65-69'}})).text());
})();
</script>"""


@dataclass(frozen=True, slots=True)
class Observed:
    """One client, one scheme. wrong: what did not hold, in sentences; empty when all held."""

    requests: int
    connections: int
    continued: bool
    chunked: bool
    ranges: int
    wrong: tuple[str, ...]


def observe(client: Client, scratch: Path, certificates: Certificates, tls: bool) -> Observed:
    """Run the client against a fresh server. Raises Lacking when this machine has not got it."""
    client.require()
    context = server_context(certificates.chain, certificates.leaf_key) if tls else None
    folder = scratch / "www"
    folder.mkdir(parents=True, exist_ok=True)
    with serving(folder, tls=context) as served:
        served.witness.page = PAGE.encode()
        command = client.command(Ask(served.url, str(certificates.root), scratch))
        done = subprocess.run(command, capture_output=True, text=True, timeout=100)
        seen = [each for each in served.witness.seen if each.path != "/favicon.ico"]
    wrong = list(_said(client, done)) + list(_received(client, seen))
    return Observed(
        len(seen), len({each.connection for each in seen}),
        any("expect" in each.fields and each.whole for each in seen),
        any("transfer-encoding" in each.fields and each.whole for each in seen),
        sum("range" in each.fields for each in seen), tuple(wrong),
    )  # fmt: skip


def _said(client: Client, done: subprocess.CompletedProcess[str]) -> list[str]:
    """Where the client's own word is wrong."""
    if done.returncode:
        return [f"exit status {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}"]
    if not client.lines:
        return []
    return [
        f"it did not tell {line!r}"
        for step, line in EXPECTED.items()
        if step in client.steps and line not in done.stdout
    ]


def _received(client: Client, seen: list[Seen]) -> list[str]:
    """Where what the server received is wrong."""
    wrong = []
    connections = len({each.connection for each in seen})
    if connections > client.connections:
        wrong.append(
            f"{len(seen)} requests took {connections} connections, {client.connections} were expected"
        )
    for step, path, name in (
        ("upload", "/upload", "transfer-encoding"),
        ("continue", "/continue", "expect"),
    ):
        if step in client.steps:
            found = [each for each in seen if each.path == path]
            if [each.digest for each in found] != [DIGEST] or name not in found[0].fields:
                wrong.append(f"{path}: not one whole request with {name}: {found}")
    if "range" in client.steps and not any("range" in each.fields for each in seen):
        wrong.append("no request had a Range")
    if "head" in client.steps and not any(each.method == "HEAD" for each in seen):
        wrong.append("no HEAD request came")
    return wrong
