"""The learner's record: an append-only file of what happened, and where a lab stands, derived from it.

work/progress.jsonl      {"at": "…", "lab": "raw_socket", "event": "checks", "passed": [1, 2], "failed": 3,
…}

Events: prediction, checks, measurement, hint, solution, reset. Nothing is ever rewritten; "done" is no event
but a conclusion, so a changed file or a changed check shows as "recheck". A torn or foreign line is passed
over.
"""

from __future__ import annotations

import enum
import errno
import hashlib
import json
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import netlab
from labs.runner.files import refused
from labs.runner.registry import Lab

Event = dict[str, Any]


class State(enum.Enum):
    """Where a lab stands."""

    NEW = "not started"
    STARTED = "under way"
    RECHECK = "recheck"
    DONE = "done"


@dataclass(slots=True)
class Standing:
    """All that the record says of one lab. `prediction` is None until asked, "" when skipped."""

    state: State = State.NEW
    reason: str = ""
    task: int = 1  # the first one that is not known to pass
    current: bool = False  # whether the last check was of this file, by these tests
    prediction: str | None = None
    measured: Event | None = None
    hints: dict[int, int] = field(default_factory=dict)  # task -> the highest level opened
    solution_opened: bool = False


def fingerprint(*paths: Path) -> str:
    """The hash of the bytes of these files; empty when there is no such file."""
    try:
        return fingerprint_of(b"".join(path.read_bytes() for path in paths))
    except OSError:
        return ""


def fingerprint_of(data: bytes) -> str:
    """The hash of these bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


class Record:
    """The file. One event is one line, written by one call."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, lab: Lab, event: str, **details: Any) -> None:
        """Append one event, with its time and the versions it was made with."""
        versions = {"netlab": netlab.__version__, "python": platform.python_version()}
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps(
            {"at": at, "lab": lab.id, "event": event, **details, "versions": versions}, default=str
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._append(line.encode() + b"\n")
        except OSError as error:
            raise refused(self.path, "cannot be written", error) from None

    def _append(self, data: bytes) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            # A line that an earlier crash tore must not swallow this one.
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            data = (b"\n" if torn else b"") + data
            if os.write(descriptor, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)

    def events(self, lab: Lab) -> list[Event]:
        """The lab's events, oldest first."""
        return [event for event in self._all() if event.get("lab") == lab.id]

    def _all(self) -> Iterable[Event]:
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event


def _readable(event: Event) -> bool:
    """Whether an event has the numbers that its kind needs: a line that another hand wrote may lack them."""
    match event.get("event"):
        case "hint":
            return isinstance(event.get("task"), int) and isinstance(event.get("level"), int)
        case "checks":
            return event.get("failed") is None or isinstance(event["failed"], int)
    return True


def standing(events: Iterable[Event], file: str, check: str, stub: str) -> Standing:
    """Where a lab stands, given the hashes of the learner's file ("" if absent), of its test and its stub."""
    now = Standing()
    last: Event | None = None
    passed: Event | None = None
    for event in filter(_readable, events):
        match event.get("event"):
            case "prediction":
                now.prediction = str(event.get("said", ""))
            case "measurement":
                now.measured = event
            case "hint":
                now.hints[event["task"]] = max(event["level"], now.hints.get(event["task"], 0))
            case "solution":
                now.solution_opened = True
            case "checks":
                last = event
                passed = event if event.get("done") else passed
    if last is not None and file:
        now.task = int(last.get("failed") or 1)
        now.current = last.get("file") == file and last.get("check") == check
    if file and file != stub:
        now.state = State.STARTED
    if file and passed is not None:
        now.state, now.reason = _concluded(passed, last or passed, file, check)
    return now


def _concluded(passed: Event, last: Event, file: str, check: str) -> tuple[State, str]:
    """What a pass is still worth today."""
    if passed.get("check") != check:
        return State.RECHECK, "the lab's tests changed since you passed them"
    if last.get("file") == file and not last.get("done"):
        return State.STARTED, "it passed once, but does not now"
    if passed.get("file") != file:
        return State.RECHECK, "your file changed since it passed"
    return State.DONE, ""
