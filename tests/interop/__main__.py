"""`make interop`: run every client and every proxy that is here, write netlab/server/INTEROP.md.

NAME … asks those alone and prints what they did, without touching the page. Exit status 1 when a promise of
netlab did not hold.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netlab.tls.authority import Certificates, mint
from tests.interop import judging, page, relaying
from tests.interop.clients import CLIENTS
from tests.interop.proxies import PROXIES
from tests.kit.peers import Lacking


def main(names: list[str]) -> int:
    """Ask them."""
    unknown = [name for name in names if name not in page.subjects()]
    if unknown:
        print(f"{unknown[0]} is none of {', '.join(page.subjects())}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="netlab-interop-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # Squid and Varnish give up root's rights
        certificates = mint(folder / "certs")
        clients, missing = _each(CLIENTS, names, lambda client: _client(client, folder, certificates))
        proxies, relays_missing = _each(
            PROXIES, names, lambda proxy: (proxy, relaying.observe(proxy, folder / proxy.name))
        )
    if not names:
        page.PAGE.write_text(page.made(clients, proxies, missing, relays_missing), "utf-8")
        print(f"wrote {page.PAGE.name}: {len(clients)} clients, {len(proxies)} proxies")
    wrong = [sentence for _, *pair in clients for each in pair for sentence in each.wrong]
    wrong += [sentence for _, told in proxies for sentence in told.broken]
    return 1 if wrong else 0


def _client(client: Any, folder: Path, certificates: Certificates) -> tuple[Any, Any, Any]:
    plain, secure = (
        judging.observe(client, _folder(folder, client.name, tls), certificates, tls) for tls in (False, True)
    )
    return client, plain, secure


def _folder(scratch: Path, name: str, tls: bool) -> Path:
    folder = scratch / f"{name.replace('/', '-')}-{'tls' if tls else 'plain'}"
    folder.mkdir()
    return folder


def _each(
    table: dict[str, Any], names: list[str], ask: Callable[[Any], Any]
) -> tuple[list[Any], dict[str, str]]:
    """What each of the table showed, and what the missing ones need."""
    found, missing = [], {}
    for name, subject in table.items():
        if names and name not in names:
            continue
        try:
            found.append(ask(subject))
        except Lacking as lacking:
            missing[name] = str(lacking)
            print(f"{name:15} not here: {lacking}", flush=True)
        else:
            print(f"{name:15} {_told(found[-1])}", flush=True)
    return found, missing


def _told(row: Any) -> str:
    """One line of a result."""
    if isinstance(row[1], relaying.Relayed):
        cells = "; ".join(f"{column}: {cell}" for column, cell in row[1].cells.items())
        return cells + "".join(f" | BROKEN: {sentence}" for sentence in row[1].broken)
    wrong = row[1].wrong + row[2].wrong
    return "; ".join(wrong) if wrong else f"ok, {row[1].requests} requests on {row[1].connections}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
