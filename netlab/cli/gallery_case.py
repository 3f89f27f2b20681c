"""One row of `certs serve`: what is wrong with it, its files, its server, and what is told of it as JSON."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import netlab
from netlab.tls import breakage, cases

Row = breakage.Breakage | breakage.Failure

REMEMBERED = 16  # handshakes of each case


@dataclass
class Case:
    """One row on show.

    Attributes:
        row: what is wrong, and what is expected.
        files: rewritten by each renewal.
        root: what its client trusts: the common root, or one that the case has of its own.
        server: None if OpenSSL loads no such chain.
        told: how the last handshakes ended for the server, newest last.
    """

    row: Row
    files: cases.Files
    root: Path
    context: ssl.SSLContext | None = None
    server: netlab.Server | None = None
    told: list[str] = field(default_factory=list)

    @property
    def slug(self) -> str:
        """The name as a path segment."""
        return slug_of(self.row)

    @property
    def url(self) -> str | None:
        """Where a client meets it; None if no server can show it."""
        return f"https://{self.row.host}:{self.server.port}/" if self.server else None

    def note(self, ended: str) -> None:
        """Remember how a handshake ended."""
        self.told = [*self.told[1 - REMEMBERED :], ended]

    def to_json(self) -> dict[str, object]:
        """The case for a program that tries its own client: where it is, what to trust, what to expect.

        `code` is the verify code of a careful client (0: accepted), `alert` what it tells the server. Where
        the handshake fails for another reason than the server's chain, `client` has OpenSSL's word for it.
        """
        row = self.row
        told: dict[str, object] = {
            "name": row.name, "wrong": row.wrong, "rule": row.rule, "host": row.host, "url": self.url,
            "root": str(self.root), "crls": [str(crl) for crl in self.files.crls],
            "client_chain": str(self.files.client_chain or ""),
            "client_key": str(self.files.client_key or ""),
        }  # fmt: skip
        if isinstance(row, breakage.Breakage):
            return told | {"code": row.hardened, "message": row.message, "alert": row.alert}
        return told | {"client": row.client, "server": row.server}

    def downloads(self) -> Iterator[Path]:
        """What a client of this case needs beside the common root."""
        yield from self.files.crls
        if self.files.client_chain and self.files.client_key:
            yield self.files.client_chain
            yield self.files.client_key
        if self.root == self.files.root:
            yield self.root


def slug_of(row: Row) -> str:
    return "-".join(row.name.lower().replace(",", "").replace("'", "").split())
