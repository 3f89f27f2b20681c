"""Make .venv and fill it, once: `python3 -I labs/runner/bootstrap.py labs test [bench]`.

Runs before anything is installed, on whatever python3 there is: only the standard library, and only what an
old Python 3 can read, so that it can say what is wrong. Done again only when pyproject.toml or the Python
changed; otherwise it needs no network and a twentieth of a second. pip's own words go to .venv/setup.log.
"""

# No `from __future__ import annotations`: Python 3.6, still some systems' python3, would stop at it.
import hashlib
import os
import re
import subprocess
import sys
import time

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, ".venv")
LOG = os.path.join(VENV, "setup.log")
PYTHON = os.path.join(VENV, "bin", "python")
_WIDTH = 78  # of the progress line
_TAIL = 12  # lines of pip's log that are shown when it fails


class CannotSetUp(Exception):
    """One clear line: what is missing, how to get it."""


def check_python() -> None:
    """Raise CannotSetUp unless this Python is new enough and can make environments."""
    if sys.version_info < OLDEST:
        here, oldest = (".".join(map(str, version[:2])) for version in (sys.version_info, OLDEST))
        raise CannotSetUp(
            f"python3 is Python {here}, and netlab needs {oldest} or later: "
            "install one (apt-get install python3.11 python3.11-venv), then `make PYTHON=python3.11 …`"
        )
    try:
        import ensurepip
        import venv
    except ImportError:
        raise CannotSetUp("this Python makes no environments: apt-get install python3-venv")
    assert ensurepip and venv


def fingerprint(extras: "list[str]") -> str:
    """What an environment is made from: the project's needs, the Python, the extras."""
    import tomllib  # not before the Python is known to be new enough

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)
    # Not [tool]: how the tests are run does not change what is installed.
    made_from = (project["build-system"], project["project"], sys.version, sys.prefix, sorted(extras))
    return hashlib.sha256(repr(made_from).encode()).hexdigest()


def is_current(stamp: str, wanted: str) -> bool:
    """Whether an earlier run already did all of this."""
    try:
        with open(stamp) as file:
            return file.read() == wanted and os.path.exists(PYTHON)
    except OSError:
        return False


def make_venv() -> None:
    """A new environment, unless the one that is there runs, has pip, and is of this Python's version."""
    question = [PYTHON, "-c", "import pip, sys; print(sys.version)"]
    try:
        answer = subprocess.check_output(question, stderr=subprocess.DEVNULL, text=True)
        if answer.strip() == sys.version.strip():
            return
    except (OSError, subprocess.CalledProcessError):
        pass
    made = subprocess.run(
        [sys.executable, "-I", "-m", "venv", "--clear", VENV],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if made.returncode:
        words = [line.strip() for line in made.stdout.splitlines() if line.strip()] or ["it said nothing"]
        raise CannotSetUp(f"`{sys.executable} -m venv` failed (apt-get install python3-venv): {words[-1]}")


def install(extras: "list[str]", line: "Line") -> None:
    """pip install -e .[extras]: its words to the log, its progress to the line."""
    command = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar=off",
    ]
    command += ["-e", f".[{','.join(extras)}]"]
    with open(LOG, "w") as log:
        # A group of its own: Ctrl-C reaches this process alone, which then ends pip.
        pip = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert pip.stdout is not None
        with pip.stdout:
            try:
                for words in pip.stdout:
                    log.write(words)
                    line.follow(words)
                status = pip.wait()
            finally:
                pip.kill()
                pip.wait()
    if status:
        with open(LOG) as log:
            tail = log.read().splitlines()[-_TAIL:]
        line.clear()
        sys.stderr.write("".join(f"    {words}\n" for words in tail))
        raise CannotSetUp("pip failed: is the package index within reach? Its whole log: .venv/setup.log")


class Line:
    """One line of progress: rewritten on a terminal, said once anywhere else."""

    def __init__(self) -> None:
        self.started = time.time()
        self.live = sys.stderr.isatty()
        if not self.live:
            self._write("netlab: setting up .venv (about a minute, only this once)\n")

    def say(self, text: str) -> None:
        """Show what is under way."""
        if self.live:
            shown = f"netlab: setting up .venv, {time.time() - self.started:.0f} s: {text}"
            self._write("\r" + shown[:_WIDTH].ljust(_WIDTH))

    def follow(self, words: str) -> None:
        """Show the step that a line of pip's output tells of, if it tells of one."""
        step = re.match(r"\s*((?:Collecting|Downloading|Building|Installing)\b[^(:\n]*)", words)
        if step:
            self.say(step.group(1).split("/")[-1].strip())

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self.live:
            self._write("\r" + " " * _WIDTH + "\r")

    def end(self) -> None:
        """Say how long it took."""
        self.clear()
        self._write(f"netlab: .venv is ready ({time.time() - self.started:.0f} s)\n")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def main(extras: "list[str]") -> int:
    """0 when .venv is ready, 2 when something is missing, 130 on Ctrl-C."""
    try:
        check_python()
        stamp = os.path.join(VENV, ".ready-" + "-".join(sorted(extras)))
        wanted = fingerprint(extras)
        if is_current(stamp, wanted):
            return 0
        line = Line()
        line.say("making it")
        make_venv()
        install(extras, line)
        with open(stamp, "w") as file:
            file.write(wanted)
        line.end()
        return 0
    except CannotSetUp as reason:
        sys.stderr.write(f"netlab: {reason}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nnetlab: stopped; the next `make` goes on from here\n")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
