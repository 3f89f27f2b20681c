"""Where the certificates are: certs/ of the checkout inside a checkout, else the user's data directory.

No certificate is made here (see `authority`), and `cryptography` is not imported: `fetch` and `serve` ask
for the place without paying for it. Standard: XDG Base Directory Specification, `XDG_DATA_HOME`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

NAME = "certs"


def certificates_folder(here: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that `certs`, `serve --tls` and `fetch` use when no other is named.

    Args:
        here: the folder to start from; None: the current one.
        environment: where `XDG_DATA_HOME` and `HOME` are looked up.

    Returns:
        `certs` in the root of a checkout (relative, as people type it), the same folder with its whole path
        below that root, and `$XDG_DATA_HOME/netlab/certs` anywhere else.
    """
    start = (here or Path.cwd()).resolve()
    checkout = checkout_of(start)
    if checkout is None:
        return _data_home(environment) / "netlab" / NAME
    return Path(NAME) if checkout == start and here is None else checkout / NAME


def checkout_of(folder: Path) -> Path | None:
    """The root of the netlab checkout that a folder belongs to; None if it belongs to none."""
    return next((root for root in (folder, *folder.parents) if _is_checkout(root)), None)


def _is_checkout(folder: Path) -> bool:
    """A checkout has our source, our labs and the project file that names us."""
    if not ((folder / "netlab" / "tls").is_dir() and (folder / "labs").is_dir()):
        return False
    try:
        return 'name = "netlab"' in (folder / "pyproject.toml").read_text("utf-8", errors="replace")
    except OSError:
        return False


def _data_home(environment: Mapping[str, str]) -> Path:
    """`XDG_DATA_HOME` if it is absolute (the specification ignores another), else ~/.local/share."""
    named = Path(environment.get("XDG_DATA_HOME", ""))
    if named.is_absolute():
        return named
    home = environment.get("HOME")
    return (Path(home) if home else Path.home()) / ".local" / "share"
