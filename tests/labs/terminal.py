"""A command at a terminal of its own, and what a person types there."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence

from labs.runner.registry import ROOT

CTRL_C = b"\x03"

# Not pty.fork: this process may have threads. The terminal becomes the one that Ctrl-C is typed at.
_AS_ITS_TERMINAL = "\n".join(
    (
        "import fcntl, os, sys, termios",
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0)",
        "os.execv(sys.argv[1], sys.argv[1:])",
    )
)


def at_a_terminal(
    words: Sequence[str], typed: bytes, *, after: bytes = b"", env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command; type these bytes once it has printed `after`. Returns its status and its output.

    Ctrl-C is typed again until the command ends: a press while Python has only begun, or between a prompt and
    the read behind it, is lost. env: its whole environment, if not that of this process.
    """
    terminal, other = pty.openpty()
    command = [sys.executable, "-c", _AS_ITS_TERMINAL, *words]
    running = subprocess.Popen(
        command, stdin=other, stdout=other, stderr=other, cwd=ROOT, env=env, start_new_session=True
    )
    os.close(other)
    seen, is_typed = b"", False
    try:
        while True:
            readable, _, _ = select.select([terminal], [], [], 0.5)
            if readable:
                seen += os.read(terminal, 65536)
            if after in seen and (not is_typed or (not readable and typed == CTRL_C)):
                os.write(terminal, typed)
                is_typed = True
    except OSError:
        pass  # Linux reports the closed other side as EIO
    finally:
        os.close(terminal)
    return running.wait(timeout=60), seen.decode()
