"""What this machine is: the facts without which no figure means anything."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import ssl
from datetime import datetime
from pathlib import Path

import psutil

_PEERS = ("requests", "aiohttp", "uvicorn", "granian", "hypercorn", "uvloop", "httptools", "h11")


def facts() -> list[tuple[str, str]]:
    """(name, value) pairs in the order in which a reader wants them. No host name, no user, no path."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    peers = [f"{name} {version}" for name in _PEERS if (version := _version(name))]
    return [
        ("measured", datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")),
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("memory", f"{psutil.virtual_memory().total / 2**30:.1f} GiB"),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("TLS", ssl.OPENSSL_VERSION),
        ("open files", f"at most {soft} (may be raised to {hard})"),
        ("peers", ", ".join(peers) or "none installed"),
    ]


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
