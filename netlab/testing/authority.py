"""The throw-away authority of a test session: root, intermediate, and leaf for localhost, minted anew."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netlab.tls.authority import Certificates


class Authority:
    """Certificates that only this test session trusts.

    root: the PEM file for a client's trust. chain, key: the PEM files of a server. The leaf covers localhost,
    127.0.0.1 and ::1.
    """

    def __init__(self, folder: Path) -> None:
        from netlab.tls.authority import mint

        self.certificates: Certificates = mint(folder)
        self.root: Path = self.certificates.root
        self.chain: Path = self.certificates.chain
        self.key: Path = self.certificates.leaf_key

    def server_context(self) -> ssl.SSLContext:
        """A context for a server, as netlab makes it."""
        from netlab.tls.context import server_context

        return server_context(self.chain, self.key)

    def client_context(self) -> ssl.SSLContext:
        """A context for a client that trusts this authority alone."""
        from netlab.tls.context import client_context

        return client_context(self.root)
