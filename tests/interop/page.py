"""The page netlab/server/INTEROP.md: two tables, made of what this machine's programs just did."""

from __future__ import annotations

from pathlib import Path

from tests.interop.clients import CLIENTS, Client
from tests.interop.judging import Observed
from tests.interop.proxies import PROXIES, Proxy
from tests.interop.relaying import Relayed

PAGE = Path(__file__).parent.parent.parent / "netlab" / "server" / "INTEROP.md"

_HEAD = """# Programs that talk to netlab's server

`make interop` wrote this page. It ran every program named here against the server, and the server
counted. What a program says counts only for what it received. CI runs the same checks
(`tests/interop/`).

## Clients

Each client makes all its requests plain, then over TLS with a certificate that it verifies. "–": the
client has no such request. Connections: requests on how many connections, plain and TLS. Chromium, ab,
wrk and h2load do not verify the certificate here.

"""

_MIDDLE = """
## Proxies in front

Each configuration is a file to copy, in `tests/interop/configurations/`. Fill in the words in @: ports
and folders.

"""

_NOTES = """
How to read the columns:

- **upstream keep-alive**: four clients make five requests each, one after the other. The figure is the
  number of connections to netlab. nginx needs `proxy_http_version 1.1` and `Connection ""` for it.
- **upload**: the client sends half of the body and waits. "As it comes": the handler has read that half
  already. A proxy that holds uploads protects an app from slow clients. netlab does not need that: its
  body timer ends them.
- **client leaves**: does the handler's `request.disconnected` (in ASGI: `http.disconnect`) fire? Some
  proxies do not watch their client while the handler works. Then the handler works on, and its response
  is thrown away. HAProxy passes it on with `option abortonclose`, but only where both the frontend and the
  backend have it (measured here; its manual speaks of requests that wait in a queue). Varnish does not: its
  fetch runs without the client (varnishcache/varnish-cache, issue 3556, asks for it). For Apache's
  mod_proxy_http the manual names no setting.
- **first piece of a stream**: the client has it before the handler makes the second piece. A proxy that
  holds pieces back breaks event streams.
- **stale connections**: here netlab closes idle connections after 0.2 s, sooner than the proxy, and
  requests come at that moment. No POST ran twice behind any proxy. A POST may fail then with 502,
  because a proxy must not repeat it (RFC 9110 §9.2.2). **So keep the proxy's idle timeout below
  netlab's 75 s**, as each configuration does. Then the proxy closes first, and knows which connections
  are closed.
"""

_COLUMNS = ("chunked response", "chunked request", "100-continue", "HEAD", "range", "TLS")
_STEPS = ("stream", "upload", "continue", "head", "range")
_ROW = tuple[Client, Observed, Observed]
_RELAY = tuple[Proxy, Relayed]


def made(
    clients: list[_ROW], proxies: list[_RELAY], missing: dict[str, str], relays_missing: dict[str, str]
) -> str:
    """The page. missing, relays_missing: the programs that are not here, with what each needs."""
    return "".join(
        [
            _HEAD,
            _clients(clients),
            _lacking(missing),
            _MIDDLE,
            _proxies(proxies),
            _lacking(relays_missing),
            _NOTES,
        ]
    )


def _table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [titles, ("---",) * len(titles), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _clients(rows: list[_ROW]) -> str:
    return _table(("client", "connections", *_COLUMNS), [_client(*row) for row in rows])


def _client(client: Client, plain: Observed, secure: Observed) -> tuple[str, ...]:
    count = ", ".join(f"{each.requests} on {each.connections}" for each in (plain, secure))
    if client.name == "wrk":  # it sends as many as it can: their number is a measurement of speed
        count = ", ".join(f"all on {each.connections}" for each in (plain, secure))
    held = "yes" if not plain.wrong else "no: " + "; ".join(plain.wrong)
    cells = [held if step in client.steps else "–" for step in _STEPS]
    return (client.label, count, *cells, "yes" if not secure.wrong else "no: " + "; ".join(secure.wrong))


_RELAY_COLUMNS = (
    "upstream keep-alive",
    "upload",
    "client leaves while the handler works",
    "client leaves a stream",
    "first piece of a stream",
    "stale connections",
)


def _proxies(rows: list[_RELAY]) -> str:
    return _table(("proxy", "file", *_RELAY_COLUMNS), [_proxy(*row) for row in rows])


def _proxy(proxy: Proxy, told: Relayed) -> tuple[str, ...]:
    cells = dict(told.cells)
    if unbuffered := cells.get("upload, unbuffered"):
        cells["upload"] += f"; in `/unbuffered/` {unbuffered}"
    if told.broken:
        cells["stale connections"] += "; BROKEN: " + "; ".join(told.broken)
    return (proxy.label, f"`{proxy.configuration}`", *(cells[column] for column in _RELAY_COLUMNS))


def _lacking(missing: dict[str, str]) -> str:
    lines = [f"- {name}: not tried on this machine, {why}\n" for name, why in missing.items()]
    return "\n" + "".join(lines) if lines else ""


def subjects() -> list[str]:
    """Every program that the page must name."""
    return [*CLIENTS, *PROXIES]
