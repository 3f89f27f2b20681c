"""The growing servers of labs/book/steps: each fails exactly the trial that the next one passes.

A trial is a wire case of netlab/check/wire, a case of `netlab check`, or a siege of a few bytes. Each server
runs as a process of its own, as a reader starts it.
"""

from __future__ import annotations

import ast
import contextlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from netlab import Server
from netlab.check.cases import every_case
from netlab.check.judge import judge
from netlab.check.run import jobs, run
from netlab.check.target import JudgedServer, target_of
from netlab.check.verdict import Result
from netlab.cli.demonstration import Demonstration
from netlab.tls.authority import Certificates

ROOT = Path(__file__).parents[2]
STEPS = sorted((ROOT / "labs/book/steps").glob("[0-9]*.py"))
PATIENCE = 20.0  # seconds for what must come
SILENCE = 1.0  # seconds in which what must not come has not come
# A reader's server gives a client 5 s.
START = """
import sys
from pathlib import Path

source = Path(sys.argv[1]).read_text("utf-8").replace("SECONDS = 5.0", "SECONDS = " + sys.argv[2])
exec(compile(source, sys.argv[1], "exec"), {"__name__": "__main__"})
"""


class Step:
    """A server under trial."""

    def __init__(self, process: subprocess.Popen[str], target: JudgedServer) -> None:
        self.process, self.target = process, target

    def connect(self) -> socket.socket:
        """A client's socket, over TLS where the server speaks it."""
        sock = socket.create_connection((self.target.host, self.target.port), PATIENCE)
        context = self.target.context()
        return context.wrap_socket(sock) if context else sock


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory, minted: Certificates) -> Path:
    """A folder with certs/ in it, as `make certs` leaves the project's."""
    folder = tmp_path_factory.mktemp("certified")
    shutil.copytree(minted.root.parent, folder / "certs")
    return folder


@contextlib.contextmanager
def running(script: Path, folder: Path, seconds: float = 5.0) -> Iterator[Step]:
    """Start a step in a folder, and end it. seconds: that it gives a slow client."""
    over_tls = "ssl.SSLContext" in script.read_text("utf-8")
    command = [sys.executable, "-c", START, str(script), str(seconds)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            assert address.startswith("https:" if over_tls else "http:")
            yield Step(process, target_of(address, timeout=PATIENCE))
        finally:
            process.kill()


def wire(name: str, file: str) -> Callable[[Step], Awaitable[bool]]:
    """The wire case of that title."""
    (case,) = (case for case in every_case() if case.name == name and case.file == file)

    async def play(step: Step) -> bool:
        return (await judge(case, step.target)).outcome is Result.PASSED

    return play


def checked(name: str, **options: str) -> Callable[[Step], Awaitable[bool]]:
    """The case of `netlab check` of that name."""

    async def play(step: Step) -> bool:
        target = replace(step.target, **options)  # type: ignore[arg-type]
        group = {"limits": "limits/long-target", "cors": "cors"}[name.partition("/")[0]]
        verdicts = await run(target, jobs([group]))
        return [verdict.outcome for verdict in verdicts if verdict.name == name] == [Result.PASSED]

    return play


def ask(sock: socket.socket, patience: float) -> bytes:
    """One request and what comes of it."""
    sock.settimeout(patience)
    with contextlib.suppress(OSError):
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return sock.recv(4096)
    return b""


async def silence(step: Step) -> bool:
    """One client connects and says nothing. Is the next one answered?"""
    with socket.create_connection((step.target.host, step.target.port)) as silent:
        assert silent.fileno() >= 0
        with contextlib.suppress(OSError), step.connect() as other:
            return ask(other, SILENCE if step.process.args[3].endswith("05_chunked.py") else PATIENCE) != b""
    return False


async def slow_head(step: Step) -> bool:
    """A client sends a byte of a field now and then. Does the server ever close?"""
    with step.connect() as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        slow.settimeout(0.05)
        bounded = "SECONDS" in Path(step.process.args[3]).read_text("utf-8")
        end = time.monotonic() + (PATIENCE if bounded else SILENCE)
        while time.monotonic() < end:
            try:
                slow.sendall(b"x")
                if not slow.recv(1):
                    return True
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            except OSError:
                return True
    return False


async def over_tls(step: Step) -> bool:
    """The first wire case of persistence, over TLS."""
    secure = Step(step.process, replace(step.target, secure=True))
    try:
        return await wire("HTTP/1.1 persists", "connection")(secure)
    except (OSError, EOFError):
        return False


async def sigterm(step: Step) -> bool:
    """SIGTERM in the middle of a request. Is it answered, and does the server end with status 0?"""
    with step.connect() as client:
        assert ask(client, PATIENCE)
        client.sendall(b"GET / HTTP/1.1\r\n")
        step.process.send_signal(signal.SIGTERM)
        answer = b""
        with contextlib.suppress(OSError):
            client.sendall(b"Host: a\r\n\r\n")
            answer = client.recv(4096)
        return answer.startswith(b"HTTP/1.1 200") and step.process.wait(PATIENCE) == 0


# Seconds that a server gives a slow client where a trial waits for their end.
SHORT: dict[object, float] = {slow_head: 0.6, sigterm: 2.0}

# What step N fails and step N + 1 passes, in order. The docstring of step N names it.
TRIALS: list[tuple[str, Callable[[Step], Awaitable[bool]]]] = [
    ("Two spaces behind the method", wire("Two spaces behind the method", "request_line")),
    ("A plus sign", wire("A plus sign", "content_length")),
    ("HTTP/1.1 persists", wire("HTTP/1.1 persists", "connection")),
    ("Several chunks", wire("Several chunks", "chunked")),
    ("silence", silence),
    ("slow head", slow_head),
    ("over TLS", over_tls),
    ("cors/neighbours", checked("cors/neighbours", origin="https://app.example")),
    ("SIGTERM", sigterm),
    ("limits/long-target", checked("limits/long-target")),
]


@pytest.mark.soak
@pytest.mark.parametrize("number", range(10), ids=[script.stem for script in STEPS])
async def test_a_step_passes_the_trial_before_it_and_fails_its_own(number: int, certified: Path) -> None:
    seconds = SHORT.get(TRIALS[number - 1][1], 5.0)
    with running(STEPS[number], certified, seconds) as step:
        if number and TRIALS[number - 1][1] is not sigterm:
            assert await TRIALS[number - 1][1](step), f"fails {TRIALS[number - 1][0]!r}"
        short = Step(step.process, replace(step.target, timeout=SILENCE))
        assert not await TRIALS[number][1](short), f"passes {TRIALS[number][0]!r}, the next step's"
        if number and TRIALS[number - 1][1] is sigterm:
            assert await sigterm(step), "loses a request at SIGTERM"


@pytest.mark.soak
@pytest.mark.parametrize("number", range(10), ids=[script.stem for script in STEPS])
async def test_a_step_passes_every_trial_of_the_steps_before_it(number: int, certified: Path) -> None:
    with running(STEPS[number], certified, 3.0) as step:
        failed = [name for name, trial in TRIALS[:number] if not await trial(step)]
    assert not failed


async def test_netlab_passes_the_trial_of_the_last_step() -> None:
    async with Server(Demonstration()) as server:
        target = target_of(f"http://127.0.0.1:{server.port}/")
        verdicts = await run(target, jobs(["limits/long-target"]))
    assert {verdict.outcome for verdict in verdicts if verdict.name == TRIALS[-1][0]} == {Result.PASSED}


@pytest.mark.parametrize(
    ("script", "trial"), list(zip(STEPS, TRIALS, strict=True)), ids=[s.stem for s in STEPS]
)
def test_a_step_names_its_trial_and_files_of_netlab(script: Path, trial: tuple[str, object]) -> None:
    said = ast.get_docstring(ast.parse(script.read_text("utf-8"))) or ""
    assert trial[0] in " ".join(said.split())
    named = [word.strip(".,()") for word in said.split() if word.startswith(("netlab/", "(netlab/"))]
    assert named and all((ROOT / name).is_file() for name in named), named


@pytest.mark.parametrize("script", STEPS, ids=[script.stem for script in STEPS])
def test_a_step_has_30_to_150_lines_with_its_comments_and_blank_lines(script: Path) -> None:
    assert 30 <= len(script.read_text("utf-8").splitlines()) <= 150


def test_connection_is_the_same_with_a_selector_deadlines_tls_and_cors() -> None:
    def connection(script: Path) -> str:
        source = script.read_text("utf-8")
        classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
        return ast.get_source_segment(source, classes["Connection"]) or ""

    assert len({connection(script) for script in STEPS[3:9]}) == 1, "steps 04 to 09 leave Connection as it is"


@pytest.mark.parametrize("script", STEPS[7:], ids=[script.stem for script in STEPS[7:]])
def test_a_step_without_certificates_says_how_to_get_them(script: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "make certs" in done.stderr


@pytest.mark.parametrize("script", STEPS, ids=[script.stem for script in STEPS])
def test_ctrl_c_ends_a_step_cleanly(script: Path, certified: Path) -> None:
    command = [sys.executable, str(script)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=certified, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            assert "http" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()
