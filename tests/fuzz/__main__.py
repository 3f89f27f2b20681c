"""`python -m tests.fuzz [--seconds 60] [--target NAME …]`: every target gets its share of the time.

Exit status: 0 nothing broke; 1 something did, and its input lies in tests/fuzz/finds/; 2 a user's mistake;
130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import re
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import blind
from tests.fuzz.seeds import FINDS, WORDS, seeds
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
WITHOUT = "fuzz: atheris is not here (pip install atheris, or pip install -e '.[fuzz]'); going on without it"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one target: what was done, and what broke it."""

    done: str
    broke: bytes | None = None
    why: str = ""


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Malformed bytes for the parsers."
    )
    parser.add_argument("--seconds", type=float, default=60, help="in all (default 60)")
    parser.add_argument("--target", action="append", choices=TARGETS, help="this one alone (may be repeated)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other mutations (default 1)")
    parser.add_argument("--blind", action="store_true", help="our own loop, although atheris is here")
    options = parser.parse_args()
    if not 0 < options.seconds < 1e6:
        parser.error(f"--seconds {options.seconds:g}: give a number above 0")
    guided = not options.blind and importlib.util.find_spec("atheris") is not None
    if not guided and not options.blind:
        print(WITHOUT)
    targets = options.target or list(TARGETS)
    try:
        return run(targets, options.seconds / len(targets), options.seed, guided)
    except KeyboardInterrupt:
        print("\nfuzz: stopped", file=sys.stderr)
        return 130


def run(targets: list[str], seconds: float, seed: int, guided: bool) -> int:
    """Fuzz one target after the other; say of each what was done."""
    status = 0
    print(f"{seconds * len(targets):g} s for {', '.join(targets)}", flush=True)
    for name in targets:
        outcome = (with_atheris if guided else without)(name, seconds, seed)
        print(f"{name:10} {outcome.done}", flush=True)
        if outcome.broke is not None:
            status = 1
            print(f"{name:10} BROKEN by {keep(name, outcome.broke)}\n{outcome.why}")
    return status


def keep(name: str, data: bytes, folder: Path = FINDS) -> Path:
    """Write a find where the suite replays it, under a name that its bytes decide."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return path


def without(name: str, seconds: float, seed: int) -> Outcome:
    """Our own loop, in this process."""
    result = blind.fuzz(TARGETS[name], seeds(name), WORDS[name], seconds=seconds, seed=seed)
    done = f"{result.tried} inputs, {result.outcomes} outcomes"
    return Outcome(done) if result.broke is None else Outcome(done, result.broke, why(name, result.broke))


def with_atheris(name: str, seconds: float, seed: int) -> Outcome:
    """atheris, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="netlab-fuzz-") as scratch:
        # libFuzzer counts whole seconds, and takes 0 for "no limit".
        numbers = [str(max(1, round(seconds))), str(seed)]
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.guided", name, scratch, *numbers],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
        )  # fmt: skip
        try:
            _, said = child.communicate()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        for path in Path(scratch).iterdir():
            if path.name.startswith("crash-"):
                return Outcome(counted(said), data := path.read_bytes(), why(name, data))
            if path.name.startswith(("timeout-", "oom-")):
                return Outcome(counted(said), path.read_bytes(), f"too much time or memory: {path.name}")
    if child.returncode:
        raise SystemExit(f"fuzz: atheris failed (status {child.returncode}):\n{said[-2000:]}")
    return Outcome(counted(said))


def why(name: str, data: bytes) -> str:
    """How the target breaks: the end of its traceback."""
    try:
        TARGETS[name](data)
    except Exception:
        return traceback.format_exc(limit=-3)
    return "it broke there, and not here: a state that an earlier input left behind"


def counted(said: str) -> str:
    """How many inputs it tried and what they reached, from the last line in which libFuzzer tells."""
    lines = re.findall(r"^#(\d+)\s+\w+\s+cov: (\d+).*?corp: (\d+)", said, re.MULTILINE)
    if not lines:
        return "no count"
    tried, covered, kept = lines[-1]
    return f"{tried} inputs, {covered} branches covered, {kept} inputs kept"


if __name__ == "__main__":
    sys.exit(main())
