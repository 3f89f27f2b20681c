"""A row of `breakage` made ready to be shown: its files in a folder, and the two TLS contexts.

`netlab certs serve`, the tests and lab 05 show the rows by this. The server's context loads chains that a
careful server would refuse, so that a client gets the chance to refuse them.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from pathlib import Path

from netlab.tls import issue
from netlab.tls.breakage import WEAK_SERVER
from netlab.tls.context import client_context, server_context
from netlab.tls.recipes import Hierarchy, Served


@dataclass(frozen=True, slots=True)
class Files:
    """Where a case's files are.

    Attributes:
        chain, key: what the server shows, and the private key that it signs with.
        root: what the client of this case trusts.
        crls: the revocation lists that the client is given: none, or one.
        client_chain, client_key: what the client shows; None: nothing.
        client_root: the root of the client certificates that the server asks for; None: it asks for none.
    """

    chain: Path
    key: Path
    root: Path
    crls: tuple[Path, ...] = ()
    client_chain: Path | None = None
    client_key: Path | None = None
    client_root: Path | None = None


def write(served: Served, good: Hierarchy, folder: Path) -> Files:
    """Write a case into a folder of its own, which is made if it is missing. The keys get mode 0600."""
    folder.mkdir(parents=True, exist_ok=True)
    chain, key, root = (folder / name for name in ("chain.pem", "leaf.key", "root.pem"))
    _put(chain, issue.pem(*served.chain))
    _put(key, served.key_pem())
    _put(root, issue.pem(served.root or good.root.certificate))
    files = Files(chain, key, root)
    if served.crl is not None:
        files = replace(files, crls=(_put(folder / "issuer.crl", issue.pem(served.crl)),))
    if served.asks_client is not None:
        asked = _put(folder / "client-root.pem", issue.pem(served.asks_client))
        files = replace(files, client_root=asked)
    if served.client is not None:
        shown = _put(folder / "client.pem", issue.pem(*served.client.chain))
        key = _put(folder / "client.key", issue.key_pem(served.client.key))
        files = replace(files, client_chain=shown, client_key=key)
    return files


def _put(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600 if path.suffix == ".key" else 0o644)
    path.write_bytes(content)
    return path


def server_side(served: Served, files: Files) -> ssl.SSLContext:
    """The context of a server that shows the case.

    Raises:
        ConfigurationError: OpenSSL loads no such chain, at any security level (the key mismatch).
    """
    maximum = ssl.TLSVersion.TLSv1_2 if served.ciphers else None
    ciphers = served.ciphers or WEAK_SERVER
    return server_context(
        files.chain, files.key, ciphers=ciphers, maximum=maximum, client_ca=files.client_root
    )


def python_client(files: Files) -> ssl.SSLContext:
    """Python's default client, trusting the case's root."""
    return _shows(ssl.create_default_context(cafile=files.root), files)


def netlab_client(files: Files) -> ssl.SSLContext:
    """netlab's client, trusting the case's root; it asks for revocation if the case has a list."""
    return _shows(client_context(files.root, crls=files.crls), files)


def _shows(context: ssl.SSLContext, files: Files) -> ssl.SSLContext:
    """The same, with the client's certificate if the case has one."""
    if files.client_chain is not None:
        context.load_cert_chain(files.client_chain, files.client_key)
    return context
