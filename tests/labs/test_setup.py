"""The first `make` on a machine: what is missing is one clear line, and a second run does nothing."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labs.runner import bootstrap, tools
from labs.runner.authoring import readmes
from labs.runner.registry import ROOT

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="needs make (apt-get install make)")


def venv(monkeypatch: pytest.MonkeyPatch, folder: Path, python: str) -> None:
    """Let the set-up work on an environment in `folder`, whose Python is `python`."""
    monkeypatch.setattr(bootstrap, "VENV", str(folder))
    monkeypatch.setattr(bootstrap, "LOG", str(folder / "setup.log"))
    monkeypatch.setattr(bootstrap, "HOME", str(folder / ".checkout"))
    monkeypatch.setattr(bootstrap, "PYTHON", python)


def test_an_old_python_is_named_and_the_way_out_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    assert bootstrap.main(["labs"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("netlab: python3 is Python 3.9, and netlab needs 3.11 or later: ")
    assert len(said.splitlines()) == 1


def test_a_python_without_venv_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert bootstrap.main(["labs"]) == 2
    assert "apt-get install python3-venv" in capsys.readouterr().err


def test_a_ready_environment_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    venv(monkeypatch, tmp_path, python=sys.executable)
    monkeypatch.setattr(bootstrap, "make_venv", lambda: pytest.fail("nothing was to be made"))
    (tmp_path / ".checkout").write_text(bootstrap.ROOT)
    (tmp_path / ".ready-labs-test").write_text(bootstrap.fingerprint(["test", "labs"]))
    assert bootstrap.main(["labs", "test"]) == 0


def test_only_a_change_of_what_is_installed_sets_up_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))

    def made_from(needs: str, tool: str) -> str:
        text = f"[build-system]\nrequires = []\n[project]\ndependencies = [{needs}]\n"
        text += f'description = "{tool}"\n[tool.x]\ny = {tool}\n'
        (tmp_path / "pyproject.toml").write_text(text)
        return bootstrap.fingerprint(["labs"])

    first = made_from('"a"', "1")
    assert made_from('"a"', "2") == first
    assert made_from('"b"', "1") != first
    assert bootstrap.fingerprint(["labs", "test"]) != bootstrap.fingerprint(["labs"])


def test_a_failed_installation_shows_pips_last_words_and_is_not_taken_for_ready(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pip = tmp_path / "python"
    pip.write_text("#!/bin/sh\necho Collecting thing\necho ERROR: no such thing\nexit 1\n")
    pip.chmod(0o755)
    venv(monkeypatch, tmp_path, python=str(pip))
    monkeypatch.setattr(bootstrap, "make_venv", lambda: None)
    assert bootstrap.main(["labs"]) == 2
    said = capsys.readouterr().err
    assert "ERROR: no such thing" in said and "netlab: pip failed" in said
    assert not (tmp_path / ".ready-labs").exists()


def moved(tmp_path: Path) -> tuple[Path, Path]:
    """An environment made for the checkout /old/netlab, and where the checkout is now."""
    now = tmp_path / "a b" / "netlab"
    packages = now / ".venv" / "lib" / "python3.11" / "site-packages"
    for folder in (
        packages / "netlab-0.1.dist-info",
        packages / "other",
        now / ".venv" / "bin",
        now / "netlab",
    ):
        folder.mkdir(parents=True)
    (now / "netlab" / "__init__.py").write_text("")
    (now / ".venv" / "pyvenv.cfg").write_text("command = /usr/bin/python3 -m venv /old/netlab/.venv\n")
    (now / ".venv" / "bin" / "pytest").write_text("#!/old/netlab/.venv/bin/python\nimport x\n")
    (now / ".venv" / "bin" / "pip").write_text("#!/old/netlab-2/.venv/bin/python\n")
    python = now / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S "$@"\n')
    python.chmod(0o755)
    (packages / "__editable__.netlab-0.1.pth").write_text("/old/netlab\n")
    (packages / "netlab-0.1.dist-info" / "direct_url.json").write_text('{"url": "file:///old/netlab"}')
    (packages / "other" / "netlab.py").write_text("# /old/netlab\n")
    return packages, now


def test_a_moved_checkout_is_noticed_and_needs_no_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packages, now = moved(tmp_path)
    wanted = bootstrap.fingerprint(["labs"])
    monkeypatch.setattr(bootstrap, "ROOT", str(now))
    monkeypatch.setattr(bootstrap, "fingerprint", lambda extras: wanted)
    monkeypatch.setattr(bootstrap, "run_pip", lambda *_: pytest.fail("nothing was to be installed"))
    monkeypatch.setenv("PYTHONPATH", str(now))
    venv(monkeypatch, now / ".venv", python=str(now / ".venv" / "bin" / "python"))
    (now / ".venv" / ".ready-labs").write_text(wanted)
    assert bootstrap.main(["labs"]) == 0
    assert capsys.readouterr().err == "netlab: this checkout was at /old/netlab; .venv now points here\n"
    assert (now / ".venv" / "bin" / "pytest").read_text().startswith(f"#!{now}/.venv/bin/python\n")
    assert (packages / "__editable__.netlab-0.1.pth").read_text() == f"{now}\n"
    assert str(now) in (packages / "netlab-0.1.dist-info" / "direct_url.json").read_text()
    assert "/old/netlab-2/" in (now / ".venv" / "bin" / "pip").read_text(), "another path that begins alike"
    assert "/old/netlab\n" in (packages / "other" / "netlab.py").read_text(), "another package's file"
    assert bootstrap.main(["labs"]) == 0
    assert capsys.readouterr().err == "", "the second run has nothing to do"


def test_a_folder_that_may_not_be_written_is_named_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    bootstrap.check_writable()
    monkeypatch.setattr(bootstrap.os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(bootstrap.CannotSetUp, match="copy the project to a folder of your own"):
        bootstrap.check_writable()


def test_a_link_to_the_environment_of_another_checkout_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, now = moved(tmp_path)
    link = tmp_path / ".venv"
    link.symlink_to(now / ".venv")
    venv(monkeypatch, link, python=str(link / "bin" / "python"))
    monkeypatch.setattr(bootstrap, "make_venv", lambda: pytest.fail("the other's must not be touched"))
    before = (now / ".venv" / "bin" / "pytest").read_text()
    assert bootstrap.main(["labs"]) == 2
    said = capsys.readouterr().err
    assert "the environment of /old/netlab: remove the link (rm .venv)" in said and said.count("\n") == 1
    assert (now / ".venv" / "bin" / "pytest").read_text() == before


def test_what_is_installed_already_is_installed_again_without_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "run_pip", lambda arguments, line: calls.append(arguments) or 0)
    bootstrap.install(["labs"], bootstrap.Line())
    ((first, *_),) = calls
    assert first == "--no-index"


def make(*words: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """One call of make; CI is not set unless it is given."""
    variables = {name: value for name, value in os.environ.items() if name not in ("CI", "MAKEFLAGS")}
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=cwd,
        env=variables | environment,
        capture_output=True,
        text=True,
        check=False,
    )


# The set-up as `make` starts it: with SIGINT ignored. Ctrl-C comes while it works.
INTERRUPTED = f"""
import hashlib, os, runpy, signal, sys

signal.signal(signal.SIGINT, signal.SIG_IGN)
hashlib.sha256 = lambda *_: os.kill(os.getpid(), signal.SIGINT)
runpy.run_path({bootstrap.__file__!r}, run_name="__main__")
"""


def test_ctrl_c_stops_a_set_up_that_was_started_with_ctrl_c_ignored(tmp_path: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED, f"--venv={tmp_path}", "labs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 130
    assert done.stderr.strip() == "netlab: stopped; the next `make` goes on from here"


@needs_make
def test_make_alone_says_in_ten_lines_where_to_begin() -> None:
    said = make()
    assert said.returncode == 0 and len(said.stdout.splitlines()) <= 10
    assert "make next" in said.stdout and readmes.errors(said.stdout, ROOT) == []


@needs_make
def test_help_explains_every_target_from_every_folder(tmp_path: Path) -> None:
    said = make("help")
    explained = set(re.findall(r"^  make (\S+) +\S", said.stdout, re.MULTILINE))
    rules = re.findall(r"^([a-z][a-z-]*%?):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    internal = {"begin", "setup", "setup-bench", "setup-book", "certs-ready"}
    assert explained == {rule.replace("%", "NN") for rule in rules} - internal
    assert make("-f", str(ROOT / "Makefile"), "help", cwd=tmp_path).stdout == said.stdout
    assert make("-C", str(ROOT), "help", cwd=tmp_path).stdout == said.stdout


@needs_make
@pytest.mark.parametrize(
    ("target", "status", "ci", "expected"),
    [
        ("lab-01", 0, "", 0),
        ("lab-01", 1, "", 0),
        ("lab-01", 1, "false", 0),
        ("lab-01", 1, "true", 2),
        ("lab-01", 2, "", 2),
        ("lab-01", 130, "", 0),
        ("labs-verify", 1, "", 2),
        ("test", 1, "", 2),
    ],
)
def test_a_failed_check_has_no_complaint_of_make_and_keeps_its_status_for_ci(
    tmp_path: Path, target: str, status: int, ci: str, expected: int
) -> None:
    """With a Python that sets everything up and then ends with the status."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\ncase "$*" in *"netlab certs"*) exit 0;; esac\nexit {status}\n')
    python.chmod(0o755)
    done = make(target, f"VENV={tmp_path}", "PYTHON=true", **({"CI": ci} if ci else {}))
    assert done.returncode == expected
    assert ("Error" in done.stderr) == bool(expected)


@pytest.mark.parametrize("need", ["tls", "browser", "root", "tshark"])
def test_every_need_can_be_judged(need: str) -> None:
    assert tools.lacking([need]) in ("",) or tools.lacking([need]).startswith("needs ")


def test_several_missing_tools_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert tools.lacking(["browser", "tshark"]) == (
        "needs Chromium (apt-get install chromium) and tshark (apt-get install tshark)"
    )
