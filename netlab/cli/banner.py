"""What `serve` prints when it listens: where, what is served, how to ask for it, how to stop."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Addresses that stand for every address of the machine: a client cannot connect to them by that name.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


def banner(url: str, served: str, root: Path | None) -> None:
    """Print it, in one write, so that a reader of the first line never waits for the rest.

    url: the server's; the first line is for programs, and stays as it is. served: what is served. root: the
    certificate that a client must trust; None without TLS or with certificates of another authority.
    """
    lines = (
        f"netlab serving {url}",
        f"  what      {served}",
        f"  try it    {curl(url, root)}",
        "  stop it   Ctrl-C: requests under way are answered first, a second Ctrl-C ends at once",
    )
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def curl(url: str, root: Path | None) -> str:
    """The curl command line that gets `/`."""
    if url.startswith("unix:"):
        return f"curl --unix-socket {shlex.quote(url.removeprefix('unix:'))} http://localhost/"
    parts = urlsplit(url)
    host = _ANY.get(parts.hostname or "", parts.netloc.rpartition(":")[0])
    address = f"{parts.scheme}://{host}:{parts.port}/"
    if parts.scheme != "https":
        return f"curl {address}"
    shown = _short(root) if root else "ROOT.pem"
    return f"curl --cacert {shlex.quote(shown)} {address}"


def _short(path: Path) -> str:
    """The path as it is typed from the current folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path.resolve())


def kind_of_app(handler: Any) -> str:
    """What an app is, in the words of the banner."""
    from netlab.asgi import AsgiHandler

    if not isinstance(handler, AsgiHandler):
        return "a netlab handler"
    made_by = type(handler.app).__module__.partition(".")[0]
    framework = "" if made_by in ("builtins", "functools", "__main__", "netlab") else f" ({made_by})"
    return f"an ASGI app{framework}"
