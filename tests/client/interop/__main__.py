"""Write the table of netlab/client/INTEROP.md: `python -m tests.client.interop [SERVER …]` (about a minute).

With names it tries those servers alone and prints their rows. Exit status: 0 all that is here went well, 1 a
check failed, 2 an unknown name, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable
from pathlib import Path

from netlab.client import ClientError
from netlab.probes.errors import ProbeError
from netlab.tls.authority import Certificates, mint
from netlab.tls.context import client_context
from tests.client.interop import checks
from tests.kit import peers

PAGE = Path(__file__).parents[3] / "netlab" / "client" / "INTEROP.md"
TITLES = [*checks.FAST, *checks.SECURE, *checks.LARGE]
FAILED = "**failed**: "

HEAD = """# The client and servers that we did not write

`python -m tests.client.interop` wrote this page. It started each server on one machine, over plain TCP and
over TLS 1.3, and let `netlab.Session` talk to it. A cell holds what was seen, and both where the two differ.

- keep-alive: a relay in front of the server counts the connections.
- chunked: two requests on one connection; the content is compared, upwards by its SHA-256.
- Expect: 100-continue: the content waits until the server has sent 100 (Continue).
- early answer: the server refuses an upload of 16 MiB at once. The client reads the status, and the next
  request of the session is answered. "Stopped": the client did not send the rest.
- TLS resumption: three connections. The second and the third ServerHello must have the extension
  pre_shared_key. The server sends it, in plain text.
- 200 MiB: streamed, with a SHA-256 taken on both sides.

A server that the machine lacks is not tried, and the table says so. Not tried is not passed.
"""


def cell(name: str, title: str, seen: dict[bool, str]) -> str:
    """What a check found, plain and over TLS, in one cell."""
    found = set(seen.values())
    text = found.pop() if len(found) == 1 else f"plain: {seen[False]}; TLS: {seen[True]}"
    return text.replace("|", "\\|") + ("¹" if (name, title) in checks.SERVERS_OWN else "")


async def outcome(name: str, title: str, work: Awaitable[str]) -> str:
    """The words of one check's cell, whether it passed or failed."""
    try:
        return await work
    except ClientError as error:
        return "answer lost" if (name, title) in checks.SERVERS_OWN else f"{FAILED}{error}"
    except AssertionError as error:
        return f"{FAILED}{error}"


async def columns(running: peers.Running, certificates: Certificates, tls: bool) -> dict[str, str]:
    """Every check of one running server."""
    wanted = checks.FAST | (checks.SECURE if tls else {}) | checks.LARGE
    async with checks.relayed(running, client_context(certificates.root)) as tried:
        return {
            title: await outcome(running.peer.name, title, check(tried)) for title, check in wanted.items()
        }


def row(peer: peers.Peer, certificates: Certificates) -> list[str]:
    """A server's line of the table."""
    print(f"{peer.name} …", file=sys.stderr, flush=True)
    seen: dict[str, dict[bool, str]] = {title: {} for title in TITLES}
    try:
        for tls in (False, True):
            with peers.start(peer, certificates, tls=tls) as running:
                for title, text in asyncio.run(columns(running, certificates, tls)).items():
                    seen[title][tls] = text
    except peers.Lacking as lack:
        return [peer.name, f"not tried on this machine: {lack}", *[""] * (len(TITLES) - 1)]
    except ProbeError as error:
        return [peer.name, f"{FAILED}{error}", *[""] * (len(TITLES) - 1)]
    return [peer.label, *(cell(peer.name, title, seen[title]) for title in TITLES)]


def table(rows: list[list[str]]) -> str:
    """The rows as Markdown, and the remarks beneath them."""
    lines = [["server", *TITLES], ["---"] * (len(TITLES) + 1), *rows]
    remarks = [f"¹ {server}: {why}." for (server, _), why in checks.SERVERS_OWN.items()]
    return "\n".join(["| " + " | ".join(line) + " |" for line in lines] + ["", *remarks, ""])


def main(names: list[str]) -> int:
    """Return the exit status."""
    if unknown := [name for name in names if name not in peers.PEERS]:
        print(f"interop: no server {', '.join(unknown)}; there are {', '.join(peers.PEERS)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        certificates = mint(Path(folder))
        rows = [row(peers.PEERS[name], certificates) for name in names or peers.PEERS]
    text = table(rows)
    if names:
        print(text)
    else:
        PAGE.write_text(f"{HEAD}\n{text}", encoding="utf-8")
        print(f"written: {PAGE}")
    return 1 if FAILED in text else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
