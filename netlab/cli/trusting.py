"""What a command's connections trust: the root that was named, netlab's own root, or the system's."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path

from netlab.cli.errors import UserError
from netlab.client.hosts import is_loopback_name
from netlab.client.url import URL


def client_tls(
    url: URL, cacert: Path | None, insecure: bool, tell: Callable[[str], object] | None = None
) -> ssl.SSLContext | None:
    """A context for a URL. None for http://, where no option names a trust: a redirect may lead to https.

    Args:
        url: where the connection goes. A host on this machine is trusted by netlab's own root, if there is
        one. cacert: a PEM file with the roots to trust, and no others. insecure: accept any certificate.
        tell: told which root was taken.

    Raises UserError for a file that can't be used, and for both options at once.
    """
    if cacert and insecure:
        raise UserError("--cacert says whom to trust, --insecure to trust everyone: give one of the two")
    if not (url.origin.secure or cacert or insecure):
        return None
    from netlab.tls.context import ConfigurationError, Verify, client_context

    root = cacert
    if root is None and not insecure and _is_local(url.origin.host):
        root = _local_root()
        if root and tell:
            tell(f"* trusting {root}, since {url.origin.host} is this machine (--cacert names another)")
    try:
        return client_context(root, verify=Verify.NOTHING if insecure else Verify.CHAIN_AND_NAME)
    except ConfigurationError as mistake:
        raise UserError(str(mistake)) from None


def _local_root() -> Path | None:
    """The root that `python -m netlab certs` and `serve --tls` made here; None if there is none yet."""
    from netlab.tls.folder import certificates_folder

    root = certificates_folder() / "root.pem"
    return root if root.is_file() else None


def _is_local(host: str) -> bool:
    if is_loopback_name(host):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
