"""The planner of the idle clients' board: from measured slopes to how many fit, and what ends first.

Pure: numbers in, sentences and rows out. What this machine has is read by `Machine.here`.
"""

from __future__ import annotations

import contextlib
import math
import resource
from dataclasses import dataclass

import psutil

MILLION = 1_000_000

MEMORY, DESCRIPTORS = "memory", "descriptors"

FEWEST_PORTS = 65535 - 49152 + 1
"""Ports that a system has for clients, where it does not say more (RFC 6335 §6)."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What bounds the clients of one server. memory: bytes that programs can still have.

    descriptors: of one process, the hard limit. ports: of one client address, for one server.
    """

    memory: int
    descriptors: int
    ports: int

    @classmethod
    def here(cls) -> Machine:
        """This machine, now."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return cls(available(), MILLION * 1000 if hard == resource.RLIM_INFINITY else hard, ports())


@dataclass(frozen=True, slots=True)
class Slope:
    """What one more client costs a server: bytes of its own, bytes of the kernel's, descriptors."""

    own: float
    kernel: float
    fds: float

    @property
    def cost(self) -> float:
        """Bytes, one at least."""
        return max(1.0, self.own + self.kernel)

    def most(self, machine: Machine) -> dict[str, int]:
        """Clients that each limit allows, the smallest number first."""
        found = {
            MEMORY: int(machine.memory / self.cost),
            DESCRIPTORS: int(machine.descriptors / max(self.fds, 1e-9)),
        }
        return dict(sorted(found.items(), key=lambda each: each[1]))


def ends_first(name: str, slope: Slope, machine: Machine) -> str:
    """The limit that ends first, in a sentence."""
    (first, least), (second, more) = slope.most(machine).items()
    ends = {
        MEMORY: f"this machine's memory ends first ({machine.memory / 2**30:.1f} GiB are available)",
        DESCRIPTORS: f"the descriptors of its process end first (ulimit -Hn is {machine.descriptors:,})",
    }
    return f"{name}: {ends[first]}, at {least:,} clients; {second} would last for {more:,}."


def rows(name: str, slope: Slope, machine: Machine) -> list[list[str]]:
    """The planner's table: name, what is asked, the answer."""
    most = slope.most(machine)
    by_memory = math.ceil(MILLION * slope.cost / machine.memory) if machine.memory else 0
    processes = math.ceil(MILLION * slope.fds / machine.descriptors)
    addresses = math.ceil(MILLION / machine.ports)
    answers = {
        "One client": f"{slope.own / 1024:.1f} KiB of its own, {slope.kernel / 1024:.1f} KiB of the kernel, "
        f"{slope.fds:.2f} descriptors",
        "Fit into this machine by memory": f"{most[MEMORY]:,}",
        "Fit into one process by descriptors": f"{most[DESCRIPTORS]:,}",
        "A million: memory": f"{MILLION * slope.cost / 2**30:.1f} GiB",
        "A million: descriptors": f"{MILLION * slope.fds:,.0f}: {processes:,} processes with this limit, "
        "or one with a higher limit (fs.nr_open, ulimit -n)",
        "A million: ports": f"1 of the server; {addresses:,} client addresses, {machine.ports:,} ports each",
        "A million: machines like this, by memory": f"{by_memory:,}",
    }
    return [[name, question, answer] for question, answer in answers.items()]


def available() -> int:
    """Bytes of memory that programs can still have."""
    with contextlib.suppress(OSError), open("/proc/meminfo", encoding="ascii") as file:
        for row in file:
            if row.startswith("MemAvailable:"):
                return int(row.split()[1]) * 1024
    return int(psutil.virtual_memory().available)


def ports() -> int:
    """Ports that one source address has for connections to one server."""
    with contextlib.suppress(OSError, ValueError), open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        low, high = (int(word) for word in file.read().split())
        return high - low + 1
    return FEWEST_PORTS
