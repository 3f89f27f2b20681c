"""A handshake between two TLS contexts in memory: no socket, so the bytes are ours to look at.

After the handshake the client sends a request and the server an answer: in TLS 1.3 a client that has finished
its handshake hears only then that the server refused its certificate (RFC 8446 §4.4.2.4).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Played:
    """How a handshake went: "accepted", or the reason that each side knows; and the server's bytes."""

    client: str
    server: str
    sent_by_server: bytes


def play(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> Played:
    """Play one handshake, one request and one answer."""
    to_client, to_server, wire = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname=host)
    answering = server.wrap_bio(to_server, wire, server_side=True)
    sides = {
        "client": _side([asking.do_handshake, lambda: asking.write(b"request"), asking.read]),
        "server": _side([answering.do_handshake, answering.read, lambda: answering.write(b"answer")]),
    }
    ended: dict[str, str] = {}
    sent = b""
    while len(ended) < len(sides):
        for name, side in sides.items():
            if name not in ended and (word := next(side)):
                ended[name] = word
        sent += (flight := wire.read())
        to_client.write(flight)
    return Played(ended["client"], ended["server"], sent)


def _side(steps: list[Callable[[], object]]) -> Iterator[str]:
    """Yield "" while the side waits for bytes, and in the end how it ended."""
    for step in steps:
        while True:
            try:
                step()
                break
            except ssl.SSLWantReadError:
                yield ""
            except ssl.SSLCertVerificationError as error:
                yield f"{error.verify_code} {error.verify_message}"
            except ssl.SSLError as error:
                yield (error.reason or str(error)).lower().replace("_", " ")
    yield "accepted"
