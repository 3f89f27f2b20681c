"""One process at one moment: file descriptors, threads, memory, connections by TCP state.

Here: `glance` (cheap enough for every /stats request, whatever the number of connections), `snapshot` (the
same and the connections) and `family` (a process and its children, added up). Not here: what the kernel holds
for the sockets, which no figure of a process includes (see `kernel`). Sources: proc_pid_smaps(5),
proc_pid_fd(5); elsewhere psutil.

Which memory figure to read:
    RSS   every resident page, shared ones included: two workers count the interpreter twice.
    PSS   shared pages divided among those who map them: the honest sum over a family of processes.
    USS   the pages that this process alone maps: what would come back if it ended.
    written   the part of USS that the process has written. The rest are pages of program files, which turn
          from private to shared and back as *other* programs start and end: USS steps by some hundred KiB
          with no client at work, and a small slope drowns in it. What was written stays private.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from netlab.probes.errors import ProbeError

_KIB_LINE = re.compile(rb"^(Rss|Pss|Private_\w+): +([0-9]+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one process, or one family of processes, holds at one moment.

    Memory is in bytes. None means that the system does not show the figure to us. `connections` counts TCP
    sockets by state, named as in RFC 9293 §3.3.2 with "_" for "-" (`ESTABLISHED`, `LISTEN`, `CLOSE_WAIT`, …).
    Sockets in TIME_WAIT belong to no process.
    """

    pid: int
    fds: int | None = None
    threads: int | None = None
    rss: int | None = None
    uss: int | None = None
    pss: int | None = None
    written: int | None = None
    connections: Mapping[str, int] | None = None
    processes: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; keys are the field names."""
        plain: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        if self.connections is not None:
            plain["connections"] = dict(self.connections)
        return plain


def glance(pid: int | None = None) -> Snapshot:
    """Read everything but the connections of a process (default: this one).

    Cheap enough for every request: it opens two small files and lists nothing. On Linux it needs no psutil,
    and its cost follows the memory mapped (example: 3 ms for 200 MiB), never the number of connections.
    Raises ProbeError when there is no such process.
    """
    number = os.getpid() if pid is None else pid
    if not os.path.exists("/proc/self/smaps_rollup"):
        return _glance_by_psutil(number)
    threads = _threads(number)
    return replace(_memory(number), fds=_descriptors(number), threads=threads)


def snapshot(pid: int | None = None) -> Snapshot:
    """Read a process (default: this one) and its connections by state.

    Listing the connections costs time in proportion to their number (10,000: about 0.2 s), which is why
    `glance` leaves them out. Raises ProbeError when there is no such process.
    """
    seen = glance(pid)
    return replace(seen, connections=_connections(seen.pid))


def family(pid: int, *, connections: bool = False) -> Snapshot:
    """Read a process and all its descendants as one: every figure is the sum over them.

    A figure that one member hides is None for the whole family, since a partial sum would pass for a small
    one. A child that ends while we look is left out. Raises ProbeError when `pid` itself is not there.
    """
    look = snapshot if connections else glance
    members = [look(pid)]
    for child in children(pid):
        try:
            members.append(look(child))
        except ProbeError:
            continue
    return _sum(members)


def children(pid: int) -> list[int]:
    """Return the process ids of all living descendants. Raises ProbeError when there is no such process."""
    psutil = _psutil()
    try:
        offspring = psutil.Process(pid).children(recursive=True)
        return [child.pid for child in offspring if child.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess as gone:
        if gone.pid == pid:
            raise _no_such(pid)
        return children(pid)


# Linux: the kernel's own files.


def _threads(pid: int) -> int:
    """Count the threads. Everyone may read this file, so it also decides whether the process is there."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The command's name stands in parentheses and may itself hold spaces and parentheses.
            state, *rest = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        raise _no_such(pid)
    if state in b"ZX":
        raise ProbeError(f"process {pid} has ended (its parent has not collected it yet)")
    return int(rest[16])


def _descriptors(pid: int) -> int | None:
    folder = f"/proc/{pid}/fd"
    try:
        # Linux 6.2 and later: the size of the folder is the number of descriptors, for any user.
        count = os.stat(folder).st_size
        if count == 0:
            count = len(os.listdir(folder)) - (
                pid == os.getpid()
            )  # less the descriptor of the listing itself
    except PermissionError:
        return None
    except (FileNotFoundError, ProcessLookupError):
        raise _no_such(pid)
    return count


def _memory(pid: int) -> Snapshot:
    """Read the memory figures in bytes; of a process of someone else RSS alone.

    RSS comes from smaps_rollup where we may read it: the counters behind /proc/PID/statm are kept per
    processor and may be off by some hundred KiB, while the roll-up walks the page table.
    """
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            text = file.read()
    except PermissionError:
        return Snapshot(pid, rss=_rss_from_statm(pid))
    except (FileNotFoundError, ProcessLookupError):
        raise _no_such(pid)
    kib = {name: int(number) for name, number in _KIB_LINE.findall(text)}
    return Snapshot(
        pid,
        rss=kib[b"Rss"] * 1024,
        uss=sum(kib[name] for name in kib if name.startswith(b"Private_")) * 1024,
        pss=kib[b"Pss"] * 1024,
        written=kib[b"Private_Dirty"] * 1024,
    )


def _rss_from_statm(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        raise _no_such(pid)


# Elsewhere, and for the connections: psutil, whose names differ between its versions and systems.


def _psutil() -> Any:
    """Import psutil when it is first needed: on Linux a server's /stats must not pay its memory."""
    import psutil

    return psutil


def _glance_by_psutil(pid: int) -> Snapshot:
    psutil = _psutil()
    try:
        process = psutil.Process(pid)
        threads = _allowed(process.num_threads)
        basic = _allowed(process.memory_info)
        fds = _allowed(process.num_fds)
    except psutil.NoSuchProcess:
        raise _no_such(pid)
    full = None
    # memory_footprint from psutil 8, memory_full_info before; macOS shows either to root or the owner alone.
    for name in ("memory_footprint", "memory_full_info"):
        if hasattr(process, name):
            full = _allowed(getattr(process, name))
            break
    return Snapshot(
        pid,
        fds=fds,
        threads=threads,
        rss=getattr(basic, "rss", None),
        uss=getattr(full, "uss", None),
        pss=getattr(full, "pss", None),
    )


def _connections(pid: int) -> Mapping[str, int] | None:
    psutil = _psutil()
    try:
        process = psutil.Process(pid)
        # net_connections from psutil 6, connections before.
        listing = _allowed(getattr(process, "net_connections", None) or process.connections, "tcp")
    except psutil.NoSuchProcess:
        raise _no_such(pid)
    if listing is None:
        return None
    return MappingProxyType(
        dict(sorted(Counter(_STATE_NAMES.get(c.status, c.status) for c in listing).items()))
    )


# psutil keeps the short names of Linux; RFC 9293 §3.3.2 writes them out.
_STATE_NAMES = {
    "LISTEN": "LISTEN",
    "SYN_RECV": "SYN_RECEIVED",
    "FIN_WAIT1": "FIN_WAIT_1",
    "FIN_WAIT2": "FIN_WAIT_2",
    "CLOSE": "CLOSED",
}


def _allowed(ask: Any, *arguments: Any) -> Any:
    """Return the answer, or None when the system does not show it to us. "No such process" passes through."""
    psutil = _psutil()
    try:
        return ask(*arguments)
    except (psutil.AccessDenied, PermissionError, NotImplementedError, AttributeError):
        return None


def _no_such(pid: int) -> ProbeError:
    return ProbeError(f"no process has the id {pid} (it may have ended; `ps -e` lists those that run)")


def _sum(members: list[Snapshot]) -> Snapshot:
    def total(values: Iterable[int | None]) -> int | None:
        listed = list(values)
        return None if None in listed else sum(value for value in listed if value is not None)

    connections: Mapping[str, int] | None = None
    if all(member.connections is not None for member in members):
        merged: Counter[str] = Counter()
        for member in members:
            merged.update(member.connections or {})
        connections = MappingProxyType(dict(sorted(merged.items())))
    return Snapshot(
        members[0].pid,
        fds=total(member.fds for member in members),
        threads=total(member.threads for member in members),
        rss=total(member.rss for member in members),
        uss=total(member.uss for member in members),
        pss=total(member.pss for member in members),
        written=total(member.written for member in members),
        connections=connections,
        processes=sum(member.processes for member in members),
    )
