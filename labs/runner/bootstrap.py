"""Make .venv and fill it, once: `python3 -I labs/runner/bootstrap.py [--venv=DIR] labs test [bench]`.

Runs before anything is installed, on whatever python3 there is: only the standard library, and only what an
old Python 3 can read, so that it can say what is wrong. Done again only when the dependencies or the Python
changed; otherwise it needs no network and a twentieth of a second. pip's own words go to .venv/setup.log.

An environment knows its own path: in the first line of its scripts, and where it finds netlab. When the
checkout was moved or copied, these paths are rewritten; nothing is installed again.
"""

# No `from __future__ import annotations`: Python 3.6, still some systems' python3, would stop at it.
import hashlib
import os
import re
import signal
import subprocess
import sys
import time

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
VENV = LOG = PYTHON = HOME = ""  # set by `use`
_WIDTH = 78  # of the progress line
_TAIL = 12  # lines of pip's log that are shown when it fails


def use(venv: str) -> None:
    """Choose the environment: a path below the project, or an absolute one."""
    global VENV, LOG, PYTHON, HOME
    VENV = os.path.join(ROOT, venv)
    LOG = os.path.join(VENV, "setup.log")
    PYTHON = os.path.join(VENV, "bin", "python")
    HOME = os.path.join(VENV, ".checkout")  # holds the path of the checkout that the environment serves


use(".venv")


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
    # Neither [tool] nor a description changes what is installed.
    said = project["project"]
    keys = ("name", "requires-python", "dependencies", "scripts")
    needs = [said.get("optional-dependencies", {}).get(extra) for extra in sorted(extras)]
    made_from = (project["build-system"], [said.get(key) for key in keys], needs, sys.version, sys.prefix)
    return hashlib.sha256(repr(made_from).encode()).hexdigest()


def is_current(stamp: str, wanted: str) -> bool:
    """Whether an earlier run already did all of this, for this checkout."""
    return read(stamp) == wanted and os.path.exists(PYTHON) and read(HOME) == ROOT


def read(path: str) -> str:
    """A small file's text; empty when it is not there."""
    try:
        with open(path) as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def write(path: str, text: str) -> None:
    """Write a small file whole or not at all."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def former_checkout() -> str:
    """The path of the checkout that the environment was made for; empty when it does not say."""
    if read(HOME):
        return read(HOME)
    made = re.search(r"^command = .* (/.*)$", read(os.path.join(VENV, "pyvenv.cfg")), re.MULTILINE)
    return os.path.dirname(made.group(1)) if made else ""


def check_link() -> None:
    """Raise CannotSetUp for an environment that lies elsewhere and is not this checkout's."""
    there = os.path.realpath(VENV)
    if os.path.islink(VENV) and os.path.isdir(there) and os.listdir(there) and former_checkout() != ROOT:
        raise CannotSetUp(
            VENV + " is a link to " + there + ", the environment of "
            + (former_checkout() or "something else") + ": remove the link (rm .venv), then run make again"
        )  # fmt: skip


def check_writable() -> None:
    """Raise CannotSetUp where this user may not write: the environment is made inside the checkout."""
    for folder in (ROOT, VENV):
        if os.path.isdir(folder) and not os.access(folder, os.W_OK | os.X_OK):
            raise CannotSetUp(
                folder + " may not be written by you, and .venv is made there: "
                "copy the project to a folder of your own and run make in the copy"
            )


def relocate(old: str) -> bool:
    """Rewrite the paths of an environment whose checkout was at `old`. True when netlab is found here now."""
    pattern = re.compile(re.escape(old).encode() + rb"(?![\w.-])")
    for path in own_files():
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            continue
        if b"\0" not in data and pattern.search(data):
            with open(path, "wb") as file:
                file.write(pattern.sub(ROOT.encode().replace(b"\\", rb"\\"), data))
    question = [PYTHON, "-c", "import netlab; print(netlab.__file__)"]
    try:
        answer = subprocess.check_output(question, cwd="/", stderr=subprocess.DEVNULL, text=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return os.path.realpath(answer.strip()).startswith(ROOT + os.sep)


def own_files() -> "list[str]":
    """The files of the environment that name its path."""
    found = [os.path.join(VENV, "pyvenv.cfg")]
    scripts = os.path.join(VENV, "bin")
    if os.path.isdir(scripts):
        found += [os.path.join(scripts, name) for name in os.listdir(scripts)]
    for folder, folders, names in os.walk(os.path.join(VENV, "lib")):
        if os.path.basename(folder) == "site-packages":
            folders[:] = [name for name in folders if name.startswith("netlab-")]
            names = [name for name in names if name.endswith((".pth", ".py")) and "netlab" in name]
        elif os.path.basename(folder).endswith(".dist-info"):
            names = [name for name in names if name == "direct_url.json"]
        else:
            names = []
        found += [os.path.join(folder, name) for name in names]
    # A link leads to the Python that everything shares.
    return [path for path in found if os.path.isfile(path) and not os.path.islink(path)]


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
    """pip install -e .[extras]; without the network when everything it needs is there already."""
    import tomllib

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        builders = tomllib.load(file)["build-system"]["requires"]
    wanted = ["-e", f".[{','.join(extras)}]"]
    if run_pip(["--no-index", "--no-build-isolation", *builders, *wanted], line) == 0:
        return
    # What builds netlab stays in the environment, so that a later run can do without the network.
    if run_pip([*builders, *wanted], line):
        line.clear()
        tail = read(LOG).splitlines()[-_TAIL:]
        sys.stderr.write("".join(f"    {words}\n" for words in tail))
        raise CannotSetUp("pip failed: is the package index within reach? Its whole log: " + LOG)


def run_pip(arguments: "list[str]", line: "Line") -> int:
    """pip's exit status: its words to the log, its progress to the line."""
    # Python compiles a module when it is first imported. Compiling all of them now costs 9 s of CPU time.
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--no-compile"]
    command = [PYTHON, "-m", "pip", "install", *options, *arguments]
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
                return pip.wait()
            finally:
                pip.kill()
                pip.wait()


class Line:
    """One line of progress: rewritten on a terminal, said once anywhere else."""

    def __init__(self) -> None:
        self.started = time.time()
        self.live = sys.stderr.isatty()
        self._write("netlab: setting up .venv (about a minute, only this once)\n")
        self._write("netlab: meanwhile read labs/01_raw_socket/README.md, the first lab\n")

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
        if extras and extras[0].startswith("--venv="):
            use(extras[0][len("--venv=") :])
            extras = extras[1:]
        check_python()
        stamp = os.path.join(VENV, ".ready-" + "-".join(sorted(extras)))
        wanted = fingerprint(extras)
        if is_current(stamp, wanted):
            return 0
        check_link()
        check_writable()
        former = former_checkout()
        if former not in ("", ROOT) and os.path.exists(PYTHON) and relocate(former):
            sys.stderr.write("netlab: this checkout was at " + former + "; .venv now points here\n")
            write(HOME, ROOT)
            if is_current(stamp, wanted):
                return 0
        line = Line()
        line.say("making it")
        make_venv()
        install(extras, line)
        write(HOME, ROOT)
        write(stamp, wanted)
        line.end()
        return 0
    except CannotSetUp as reason:
        sys.stderr.write(f"netlab: {reason}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nnetlab: stopped; the next `make` goes on from here\n")
        return 130


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # `make` starts it with Ctrl-C ignored
    sys.exit(main(sys.argv[1:]))
