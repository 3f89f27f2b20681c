"""What a measurement needs besides Python, and how to get it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CAP_NET_RAW = 13  # linux/capability.h


def _may_capture() -> bool:
    """Whether this process may open a packet socket: it is root, or holds CAP_NET_RAW."""
    if os.geteuid() == 0:
        return True
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return False
    effective = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    return bool(int(effective, 16) >> _CAP_NET_RAW & 1)


# What lab.toml may name: (whether this machine has it, what to say when it has not).
_NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "tls": (lambda: True, ""),  # Python's own ssl; the certificates are minted on first use
    "browser": (lambda: any(map(shutil.which, _BROWSERS)), "Chromium (apt-get install chromium)"),
    "root": (_may_capture, "root or CAP_NET_RAW (run it with sudo)"),
    "tshark": (lambda: shutil.which("tshark") is not None, "tshark (apt-get install tshark)"),
}


def lacking(needs: Iterable[str]) -> str:
    """ "needs tshark (apt-get install tshark)", or nothing when all is there."""
    missing = [text for there, text in (_NEEDS[need] for need in needs) if not there()]
    return f"needs {' and '.join(missing)}" if missing else ""
