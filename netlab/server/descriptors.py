"""How many connections a process can hold: one file descriptor each, and some for everything else."""

from __future__ import annotations

import resource

# File descriptors kept for everything that is no connection: logs, files, the loop, a peer of the handler's.
FD_RESERVE = 64


def room() -> int:
    """How many connections the descriptor limit allows: of a small limit half, and at least one."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 1 << 20 if soft == resource.RLIM_INFINITY else soft
    return max(1, limit - min(FD_RESERVE, limit // 2))
