"""A server started for one measurement: wait until it answers, and leave nothing of it behind.

"{port}" in the command and in the URL stands for a free port, chosen anew for every start.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Sequence

from netlab.http1.errors import ProtocolError
from netlab.probes import hooks
from netlab.probes.clients import Target
from netlab.probes.errors import ProbeError
from netlab.probes.process import children


class Server:
    """A context manager: entering it starts the command, leaving it ends the command and all its children.

    `pid` and `target` are there once it is entered. Raises ProbeError when the command cannot start, ends at
    once, or does not answer within `patience` seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        request: bool = True,
        patience: float = 15.0,
    ) -> None:
        port = str(_free_port()) if "{port}" in url else ""
        self.target = Target.parse(url.replace("{port}", port), tls)
        self.command = [word.replace("{port}", port or str(self.target.port)) for word in command]
        self.request = request
        self.patience = patience
        self.pid = 0

    def __enter__(self) -> Server:
        if not self.command:
            raise ProbeError("no command to start: write it after `--`")
        if _listens(self.target):
            raise ProbeError(
                f"{self.target.url}: something listens there already; stop it, or measure it with --pid"
            )
        self._output = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                env={**os.environ, hooks.ENVIRONMENT: "1"},
                start_new_session=True,  # a group of its own, so that its children end with it
            )
        except OSError as failure:
            self._output.close()
            raise ProbeError(f"cannot start `{shlex.join(self.command)}`: {failure.strerror}")
        self.pid = self._process.pid
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        offspring: list[int] = []
        with contextlib.suppress(ProbeError):
            offspring = children(self.pid)
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._signal(signal.SIGKILL)
        for pid in offspring:  # one that left the group
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._output.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + self.patience
        while (trouble := _trouble(self.target, self.request)) is not None:
            status = self._process.poll()
            if status is not None:
                raise ProbeError(
                    f"`{shlex.join(self.command)}` ended with status {status} before "
                    f"{self.target.url} answered" + self._last_words()
                )
            if time.monotonic() > end:
                raise ProbeError(
                    f"{self.target.url} gave no answer within {self.patience:g} s of starting "
                    f"`{shlex.join(self.command)}` ({trouble})" + self._last_words()
                )
            time.sleep(0.02)

    def _last_words(self) -> str:
        self._output.seek(0)
        lines = [line.strip() for line in self._output.read().decode(errors="replace").splitlines()]
        last = next((line for line in reversed(lines) if line), "")
        return f": {last[:200]}" if last else " (it printed nothing; does it stay in the foreground?)"


def wait_for(target: Target, patience: float, *, request: bool = True) -> None:
    """Wait until a server that runs already answers. Raises ProbeError after `patience` seconds."""
    end = time.monotonic() + patience
    while (trouble := _trouble(target, request)) is not None:
        if time.monotonic() > end:
            raise ProbeError(f"{target.url} gave no answer within {patience:g} s ({trouble})")
        time.sleep(0.02)


def _trouble(target: Target, request: bool) -> str | None:
    """Try one connection and, with `request`, one GET; return what went wrong, or None."""
    try:
        with target.connect(2.0) as connection:
            if request:
                target.exchange(connection)
        return None
    except TimeoutError:
        return "nothing came back"
    except (OSError, ProtocolError) as failure:
        return getattr(failure, "strerror", None) or str(failure)


def _listens(target: Target) -> bool:
    try:
        with socket.create_connection((target.address, target.port), timeout=2.0):
            return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
