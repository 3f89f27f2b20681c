"""Every command that a lab, a hint or a README offers does what is said of it, as it stands.

Commands of make are only planned (`make -n`), unless they are servers: their targets have tests of their own,
and each measurement is run by `make labs`.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labs.runner import registry
from labs.runner.authoring import offered
from labs.runner.authoring.offered import Offer
from labs.runner.registry import ROOT, Lab

LABS = registry.written()
READMES = ("README.md", "labs/README.md", "certs/README.md", "netlab/cli/README.md")
PLACES = {"FOLDER": "labs", "DIR": "certs", "FILM": "README.md"}  # what a learner fills in besides the port
# A server behind `--` ends with the command that starts it.
ENDLESS = re.compile(
    r"--limit-rate|(?<!-- \.venv/bin/python -m )netlab serve|serve\.py|s_server|sleep 60|/dev/null http://127\S+$"
)
UNTRIED = {
    "pip install": "needs the network",
    "--steps 10000/5": "takes minutes; `make soak` holds ten thousand connections itself",
    "sudo ": "needs a password",
    "-m http.server '{port}'": "is there to be refused: the lab asks why",
    "netlab certs": "would replace this machine's certificates; tests of its own run it",
}
# What the statuses of a command may be besides 0.
STATUSES = {"telnet:": 28, "cors explain": 1, "-verify_hostname other": 2}  # time is up; refused on purpose
BROKEN = re.compile(r"not found|No such file|Connection refused|Could not resolve|Traceback", re.M)
# The API is what a lab's commands ask, where a server has a page beside it.
ADDRESS = re.compile(rb"API\s+https?://\S+:(\d+)|^(?:netlab|[\d,]+ bytes)\D.*?://[^:/\s]+:(\d+)", re.M)


def tried(offers: Iterator[Offer]) -> list[Offer]:
    """Those that can be run here."""
    return [offer for offer in offers if not any(words in offer.command for words in UNTRIED)]


def environment(work: Path) -> dict[str, str]:
    """A learner's shell, with the environment that runs these tests in the place of .venv."""
    return os.environ | {"LABS_WORK": str(work), "PYTHONUNBUFFERED": "1"}


def local(command: str) -> str:
    """The command with this Python, which may be another environment's."""
    command = command.replace(".venv/bin/python", sys.executable)
    if command.startswith("make ") and not (ROOT / ".venv").exists():
        command += f" VENV={Path(sys.executable).parents[1]} PYTHON=true"
    return command


@contextmanager
def running(command: str, work: Path) -> Iterator[str]:
    """Start a server as it is offered; its port."""
    process = subprocess.Popen(
        ["sh", "-c", local(command)],
        cwd=ROOT, env=environment(work), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([process.stdout], [], [], 1)[0]:
                data = os.read(process.stdout.fileno(), 65536)
                said += data
                found = ADDRESS.search(said)
                if found:
                    yield (found[1] or found[2]).decode()
                    return
                assert data, f"`{command}` ended: {said.decode()}"
        pytest.fail(f"`{command}` printed no address: {said.decode()}")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


def complaint(offer: Offer, port: str, work: Path) -> str:
    """What is wrong with one command; nothing when it does as it should."""
    command = offer.command.replace("PORT", port)
    for name, place in PLACES.items():
        command = re.sub(rf"\b{name}\b", place, command)
    command = re.sub(r"work/(\S+)/exercise\.py", r"labs/\1/solution.py", command)  # as if it were solved
    if command.startswith("make ") or " make " in command:
        command = re.sub(r"\bmake ", "make -n ", command)
    process = subprocess.Popen(
        ["bash", "-c", local(command)],
        cwd=ROOT, env=environment(work), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0,
    )  # fmt: skip
    endless = bool(ENDLESS.search(command))
    try:
        said, _ = process.communicate(timeout=3 if endless else 60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        if not endless:
            return f"{offer.where}: `{command}` does not end"
    else:
        allowed = {0, *(status for words, status in STATUSES.items() if words in command)}
        if process.returncode not in allowed:
            return f"{offer.where}: `{command}` ends with {process.returncode}: {said[-300:]!r}"
    text = said.decode("utf-8", "replace")
    if offer.shows not in text:
        return f"{offer.where}: `{command}` does not show {offer.shows!r}: {text[-600:]!r}"
    return f"{offer.where}: `{command}` says {text[-300:]!r}" if BROKEN.search(text) else ""


def complaints(offers: list[Offer], work: Path) -> list[str]:
    """All that is wrong, each server started once."""
    found = [complaint(offer, "", work) for offer in offers if not offer.server]
    for server in dict.fromkeys(offer.server for offer in offers if offer.server):
        with running(server, work) as port:
            found += [complaint(offer, port, work) for offer in offers if offer.server == server]
    return [line for line in found if line]


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("lab", LABS, ids=[lab.slug for lab in LABS])
def test_the_commands_of_a_lab_run_as_they_stand(lab: Lab, tmp_path: Path) -> None:
    if "browser" in lab.needs and not shutil.which("chromium"):
        pytest.skip("needs Chromium (apt-get install chromium)")
    assert complaints(tried(offered.offers(lab)), tmp_path) == []


@pytest.mark.soak
@pytest.mark.parametrize("name", READMES)
def test_the_commands_of_a_readme_run_as_they_stand(name: str, tmp_path: Path) -> None:
    offers = list(offered.in_text(name, (ROOT / name).read_text("utf-8")))
    assert complaints(tried(iter(offers)), tmp_path) == []


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        (
            "Run `make lab-01` or `ssl`, or `curl -s http://127.0.0.1:PORT/`.",
            ["make lab-01", "curl -s http://127.0.0.1:PORT/"],
        ),
        ("```sh\nls a\n```\n```python\nfor a in b:\n```", ["ls a"]),
        ("Say:\n\n    printf x \\\n      | od -c    # a comment\n", ["printf x | od -c"]),
        ("`for line in lines:` and `(None, stop)` and `openssl` are none.", []),
    ],
)
def test_commands_are_found_in_a_text(text: str, commands: list[str]) -> None:
    assert [offer.command for offer in offered.in_text("x", text)] == commands


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ls    # a comment", Offer("x", "ls")),
        ("curl http://a:PORT/#top", Offer("x", "curl http://a:PORT/#top", "make serve")),
        ("curl a:PORT  # PORT: what `make serve-13` prints", Offer("x", "curl a:PORT", "make serve-13")),
    ],
)
def test_a_comment_names_the_server(line: str, expected: Offer) -> None:
    assert offered.offer("x", line) == expected
