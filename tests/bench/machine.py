"""What this machine offers a measurement: cores to pin to, tools, certificates, and the facts of it.

Nothing is measured here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import netlab
from labs.runner.report import environment as labs_machine
from netlab.tls.authority import Certificates, ensure
from netlab.tls.context import client_context


class NotShown(Exception):
    """This machine lacks something: "needs wrk (apt-get install wrk)"."""


# What is not Python, and the package that has it on Debian.
TOOLS = {"wrk": "wrk", "nginx": "nginx-light", "curl": "curl", "openssl": "openssl", "taskset": "util-linux"}


def tool(name: str) -> str:
    """The path of a program. Raises NotShown with the command that installs it."""
    # Debian keeps nginx where only root's PATH looks.
    path = shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
    if path is None:
        raise NotShown(f"needs {name} (apt-get install {TOOLS[name]})")
    return path


def tool_version(name: str) -> str:
    """The version that a program reports of itself; empty if it does not say or is not there."""
    flag = {"openssl": "version", "nginx": "-v", "wrk": "-v"}.get(name, "--version")
    try:
        said = subprocess.run([tool(name), flag], capture_output=True, text=True, timeout=30)
    except (NotShown, OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+(?:\.\d+)+", said.stdout + said.stderr)
    return found.group() if found else ""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores the server and the load generator may use; both are empty where we cannot pin."""

    server: tuple[int, ...] = ()
    generator: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of_this_machine(cls) -> Cores:
        """The first core for the server, others for the generator, preferring whole cores to siblings."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(notes=("nothing is pinned to a core: that needs Linux",))
        try:
            tool("taskset")
        except NotShown as lack:
            return cls(notes=(f"nothing is pinned to a core: {lack}",))
        first, *others = sorted(os.sched_getaffinity(0))
        if not others:
            return cls((first,), (first,), ("one core only: the server and the load generator share it",))
        siblings = _siblings(first)
        whole = [core for core in others if core not in siblings]
        if whole:
            return cls((first,), tuple(whole))
        note = "the server and the load generator run on the two threads of one core: they slow each other"
        return cls((first,), tuple(others), (note,))

    def for_server(self, command: list[str]) -> list[str]:
        """The command, pinned to the server's core."""
        return _pinned(self.server, command)

    def for_generator(self, command: list[str], *, cores: int | None = 1) -> list[str]:
        """The command, pinned to so many of the generator's cores (None: all of them)."""
        return _pinned(self.generator[:cores], command)


def _siblings(core: int) -> set[int]:
    """The hardware threads that share a core, "0,4" or "0-1" in the kernel's words."""
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text("ascii")
    except OSError:
        return {core}
    found = set()
    for part in text.strip().split(","):
        low, _, high = part.partition("-")
        found |= set(range(int(low), int(high or low) + 1))
    return found


def _pinned(cores: tuple[int, ...], command: list[str]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cores)), *command] if cores else command


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run takes place: cores, a folder of its own, one set of certificates for every server."""

    cores: Cores
    folder: Path
    certificates: Certificates
    client: ssl.SSLContext

    @classmethod
    def prepare(cls, folder: Path) -> Place:
        """Mint the certificates into `folder`, which the caller removes in the end."""
        certificates = ensure(folder / "certs")
        client = client_context(certificates.root, minimum=ssl.TLSVersion.TLSv1_3)
        return cls(Cores.of_this_machine(), folder, certificates, client)

    def facts(self) -> list[tuple[str, str]]:
        """What must be known for the figures to mean anything. No host name, no user, no path."""
        known = [(name, text) for name, text in labs_machine.facts() if name != "peers"]
        cores, others = self.cores.server, self.cores.generator
        pinned = f"server on core {cores[0]}, load generator on {_listed(others)}" if cores else "to no core"
        tools = [
            f"{name} {version}" for name in ("wrk", "curl", "openssl") if (version := tool_version(name))
        ]
        return [
            *known,
            ("pinned", pinned),
            ("tools", ", ".join(tools) or "none found"),
            ("source", f"netlab {netlab.__version__}, {source()}"),
        ]


def source() -> str:
    """What tells one state of netlab's source from another: a digest over all its modules."""
    found = hashlib.sha256()
    folder = Path(netlab.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]


def _listed(cores: tuple[int, ...]) -> str:
    return (
        f"core {cores[0]}" if len(cores) == 1 else f"core {cores[0]} (TLS handshakes: {cores[0]} and others)"
    )
