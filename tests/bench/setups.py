"""What a peer runs on: a Python of this machine, an event loop, a parser; and how each is installed.

A peer's packages stand in the bench's environment. Another version of uvloop goes into a folder of its own
that comes first on PYTHONPATH; another Python gets an environment of its own with the same versions. All
of it lies in build/bench, is made once, and `make clean` removes it. `calibration` finds the fastest.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import NotShown

FOLDER = Path(__file__).parent.parent.parent / "build" / "bench"
PACKAGES = (
    "uvicorn", "httptools", "uvloop", "granian", "aiohttp", "hypercorn", "h11", "starlette", "fastapi",
    "cryptography", "psutil",
)  # fmt: skip

# uvloop's versions that are tried beside the installed one: 0.23.0 made uvicorn a quarter slower than 0.22.1.
UVLOOPS = ("0.22.1", "0.21.0")
ASYNCIO = ""
OLDEST, _PATIENCE = (3, 11), 240.0


def installed(package: str) -> str | None:
    """The version of a distribution in this environment, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def this_python() -> str:
    """The version of CPython that runs the bench."""
    return ".".join(map(str, sys.version_info[:3]))


@dataclass(frozen=True, slots=True)
class Setup:
    """What one peer runs on.

    uvloop: its version, or ASYNCIO. python: the version of CPython. program: the path of that Python.
    overlay: a folder of packages that come before the environment's own.
    """

    uvloop: str = ASYNCIO
    parser: str = "httptools"
    python: str = this_python()
    program: str = sys.executable
    overlay: str = ""

    @property
    def loop(self) -> str:
        """The name of the event loop, as servers' options have it."""
        return "uvloop" if self.uvloop else "asyncio"

    @property
    def words(self) -> list[str]:
        """What starts this Python with these packages."""
        return ["env", f"PYTHONPATH={self.overlay}", self.program] if self.overlay else [self.program]

    def label(self, parser: bool, loop: bool = True) -> str:
        """ "Python 3.11.7, uvloop 0.22.1, httptools"; what could not be chosen is left out."""
        name = f"uvloop {self.uvloop}" if self.uvloop else "asyncio"
        return ", ".join([f"Python {self.python}", *[name] * loop, *[self.parser] * parser])


def usual() -> Setup:
    """What is installed here, unmeasured."""
    return Setup(installed("uvloop") or ASYNCIO)


def with_uvloop(setup: Setup, version: str) -> Setup:
    """The same set-up with another version of uvloop, installed if need be. Raises NotShown."""
    if version == ASYNCIO:
        return Setup(ASYNCIO, setup.parser, setup.python, setup.program)
    if setup.program == sys.executable and version == installed("uvloop"):
        return Setup(version, setup.parser)
    overlay = overlay_of(f"uvloop=={version}", setup)
    return Setup(version, setup.parser, setup.python, setup.program, overlay)


def overlay_of(package: str, setup: Setup, hint: str = "", besides: Sequence[str] = ()) -> str:
    """The folder that holds one package for a Python, installed if need be.

    Raises NotShown when it cannot be installed. hint: what that would need. besides: what the package forgets
    to ask for.
    """
    folder = FOLDER / f"packages-{setup.python}" / package.replace("==", "-")
    if not folder.is_dir():
        unfinished = folder.with_name(folder.name + ".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            _pip(setup.program, ["--target", str(unfinished), package, *besides])
        except NotShown as lack:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise NotShown(hint or str(lack)) from None
        unfinished.rename(folder)
    return str(folder)


def environment_of(program: str, python: str) -> Setup:
    """An environment of another Python with the peers in the versions that stand here. Raises NotShown."""
    folder = FOLDER / f"python-{python}"
    inside = folder / "bin" / "python"
    ready = folder / ".ready"
    wanted = [f"{name}=={version}" for name in PACKAGES if (version := installed(name))]
    if not ready.exists() or ready.read_text("utf-8").split() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        _run([program, "-m", "venv", str(folder)])
        _pip(str(inside), wanted)
        ready.write_text("\n".join(wanted), "utf-8")
    return Setup(installed("uvloop") or ASYNCIO, "httptools", python, str(inside))


def other_pythons() -> Iterator[tuple[str, str]]:
    """(path, version) of each further CPython of this machine that netlab runs on, newest first."""
    found: dict[str, str] = {}
    for path in _candidates():
        version = _version_of(path)
        if version and tuple(map(int, version.split(".")[:2])) >= OLDEST:
            found.setdefault(".".join(version.split(".")[:2]), f"{path} {version}")
    here = ".".join(map(str, sys.version_info[:2]))
    for minor in sorted(found, key=lambda text: int(text.split(".")[1]), reverse=True):
        if minor != here:
            path, _, version = found[minor].rpartition(" ")
            yield path, version


def _candidates() -> Sequence[str]:
    names = [f"python3.{minor}" for minor in range(OLDEST[1], 20)]
    found = [path for name in names if (path := shutil.which(name))]
    return [*found, *map(str, sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python")))]


def _version_of(path: str) -> str:
    """ "3.12.1"; empty when the program does not run (a shim of a version that is not active)."""
    try:
        said = subprocess.run([path, "-V"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.fullmatch(r"Python (\d+\.\d+\.\d+)\n", said.stdout)
    return found[1] if found else ""


def _pip(program: str, words: list[str]) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1", "--timeout", "10"]
    _run([program, "-m", "pip", "install", *options, *words])


def _run(command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, env=environment)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise NotShown(f"cannot be installed: {failure}") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise NotShown(f"cannot be installed: {lines[-1].strip() if lines else 'pip failed'}")
