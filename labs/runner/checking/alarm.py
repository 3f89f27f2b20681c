"""The alarm that ends endless code where it stands: the learner sees the line, not a hanging terminal."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PATIENCE = 20.0  # seconds; far beyond any slow machine, yet an endless loop ends before the learner leaves


class TookTooLong(BaseException):
    """Raised in the running code. No Exception: a learner's `except Exception` must not swallow it."""


@contextmanager
def limit(seconds: float, code: Path) -> Iterator[None]:
    """Raise TookTooLong inside the block after `seconds`, naming the line of `code` it was on."""

    def ring(_number: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"still running after {seconds:g} s{_standing_at(frame, code)}")

    before = signal.signal(signal.SIGALRM, ring)
    # It rings again, should a bare `except:` swallow the first.
    was = signal.setitimer(signal.ITIMER_REAL, seconds, max(seconds / 4, 0.1))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *was)
        signal.signal(signal.SIGALRM, before)


def _standing_at(frame: FrameType | None, code: Path) -> str:
    """The innermost line of `code` on the stack; nothing when the stack does not pass through it."""
    inside = [entry for entry in traceback.extract_stack(frame) if entry.filename == str(code)]
    if not inside:
        return ""
    return f", at {code.name}:{inside[-1].lineno}: `{inside[-1].line}`"
