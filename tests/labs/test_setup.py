"""The first `make` on a machine: what is missing is one clear line, and a second run does nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labs.runner import bootstrap, tools
from labs.runner.registry import ROOT

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="needs make (apt-get install make)")


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
    monkeypatch.setattr(bootstrap, "VENV", str(tmp_path))
    monkeypatch.setattr(bootstrap, "PYTHON", sys.executable)
    monkeypatch.setattr(bootstrap, "make_venv", lambda: pytest.fail("nothing was to be made"))
    (tmp_path / ".ready-labs-test").write_text(bootstrap.fingerprint(["test", "labs"]))
    assert bootstrap.main(["labs", "test"]) == 0


def test_only_a_change_of_what_is_installed_sets_up_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))

    def made_from(needs: str, tool: str) -> str:
        text = f"[build-system]\nrequires = []\n[project]\ndependencies = [{needs}]\n[tool.x]\ny = {tool}\n"
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
    monkeypatch.setattr(bootstrap, "VENV", str(tmp_path))
    monkeypatch.setattr(bootstrap, "LOG", str(tmp_path / "setup.log"))
    monkeypatch.setattr(bootstrap, "PYTHON", str(pip))
    monkeypatch.setattr(bootstrap, "make_venv", lambda: None)
    assert bootstrap.main(["labs"]) == 2
    said = capsys.readouterr().err
    assert "ERROR: no such thing" in said and "netlab: pip failed" in said
    assert not (tmp_path / ".ready-labs").exists()


@needs_make
def test_help_is_the_default_and_explains_every_target() -> None:
    said = subprocess.run(
        ["make", "-C", str(ROOT), "--no-print-directory"], capture_output=True, text=True, check=True
    )
    explained = set(re.findall(r"^  make (\S+) +\S", said.stdout, re.MULTILINE))
    rules = re.findall(r"^([a-z][a-z-]*%?):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    internal = {"setup", "setup-bench", "certs-ready"}
    assert explained == {rule.replace("%", "NN") for rule in rules} - internal


@pytest.mark.parametrize("need", ["tls", "browser", "root", "tshark"])
def test_every_need_can_be_judged(need: str) -> None:
    assert tools.lacking([need]) in ("",) or tools.lacking([need]).startswith("needs ")


def test_several_missing_tools_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert tools.lacking(["browser", "tshark"]) == (
        "needs Chromium (apt-get install chromium) and tshark (apt-get install tshark)"
    )
