"""Two favours that a server may do for the probe: collect garbage, and give free memory back to the system.

They tell apart what a connection costs, what waits for the garbage collector, and what the allocator keeps
for later though it is unused (which RSS counts all the same). A server offers them by calling `offer`,
which does nothing unless the probe started it. The probe asks by real-time signals that no common server
uses, and only a process that says in /proc that it catches them: any other would be ended by such a signal.
"""

from __future__ import annotations

import enum
import gc
import os
import signal
from collections.abc import Callable
from types import FrameType

ENVIRONMENT = "NETLAB_PROBE_HOOKS"

_FIRST = getattr(signal, "SIGRTMIN", None)  # macOS has no real-time signals: there, nothing is offered


class Hook(enum.Enum):
    """What may be asked for; the value is added to SIGRTMIN."""

    COLLECT = 11
    TRIM = 12


def offer() -> bool:
    """In a server, in its main thread: catch the probe's signals, if the probe started this process.

    Returns whether they are caught now.
    """
    if _FIRST is None or not os.environ.get(ENVIRONMENT):
        return False
    trim = _malloc_trim()  # looked up now: what ctypes itself takes must not count as a connection's

    def answer(number: int, _: FrameType | None) -> None:
        gc.collect()
        if number == _FIRST + Hook.TRIM.value:
            trim()

    for hook in Hook:
        signal.signal(_FIRST + hook.value, answer)
    return True


def offered(pid: int) -> bool:
    """Whether this process catches both signals: proc_pid_status(5), SigCgt; False where that is hidden."""
    if _FIRST is None:
        return False
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            caught = next(int(line.split()[1], 16) for line in file if line.startswith(b"SigCgt:"))
    except (OSError, StopIteration):
        return False
    return all(caught >> (_FIRST + hook.value - 1) & 1 for hook in Hook)


def ask(pid: int, hook: Hook) -> bool:
    """Ask one process; return whether it could be asked. The effect shows a moment later."""
    if _FIRST is None or not offered(pid):
        return False
    try:
        os.kill(pid, _FIRST + hook.value)
    except (ProcessLookupError, PermissionError):  # gone by now, or another user's
        return False
    return True


def _malloc_trim() -> Callable[[], object]:
    import ctypes

    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):  # musl has none: nothing to give back
        return lambda: 0
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return lambda: trim(0)
