"""The page netlab/server/DEPLOYMENT.md keeps its word: its options, its units and its container file."""

from __future__ import annotations

import argparse
import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from netlab.cli.serve import configure
from tests.server.conftest import ROOT

PAGE = (ROOT / "netlab" / "server" / "DEPLOYMENT.md").read_text("utf-8")
UNITS = re.findall(r"`/etc/systemd/system/([\w.]+)`:\n\n```ini\n(.*?)```", PAGE, re.DOTALL)


def _parsed(words: list[str]) -> object:
    """The options of a `serve` command; a wrong one ends the test with argparse's own message."""
    parser = argparse.ArgumentParser()
    configure(parser)
    return parser.parse_args(words[words.index("serve") + 1 :])


def _commands() -> list[str]:
    indented = re.findall(r"^    (netlab serve .*)$", PAGE, re.MULTILINE)
    inline = re.findall(r"`(?:systemd-socket-activate -l 8000 )?(netlab serve .+?)`", PAGE)
    return indented + inline


def test_every_command_of_the_page_has_options_that_serve_takes() -> None:
    commands = _commands()
    assert len(commands) >= 2
    for command in commands:
        _parsed(shlex.split(command))


def test_every_option_that_the_page_names_exists() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "netlab", "serve", "--help"], capture_output=True, text=True, check=True
    ).stdout
    text = PAGE.replace("docker stop --time", "").replace("--no-cache-dir", "")
    for option in set(re.findall(r"--[a-z][a-z-]+", text)):
        assert option in told, option


def test_the_units_parse_and_the_service_starts_what_the_page_says() -> None:
    assert [name for name, _ in UNITS] == ["netlab.socket", "netlab.service"]
    units = {}
    for name, text in UNITS:
        units[name] = configparser.ConfigParser(interpolation=None)
        units[name].optionxform = str  # type: ignore[assignment,method-assign]
        units[name].read_string(text)
    service = units["netlab.service"]["Service"]
    words = shlex.split(service["ExecStart"])
    _parsed(words)
    assert not {"--port", "--uds", "--host"} & set(words), "the socket unit has the address"
    assert (service["Type"], units["netlab.socket"]["Socket"]["ListenStream"]) == ("notify", "127.0.0.1:8000")
    assert "--workers" in words


def test_systemd_itself_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze (apt-get install systemd)")
    for name, text in UNITS:
        # Its own check wants the program to be there.
        (tmp_path / name).write_text(text.replace("/srv/myapp/.venv/bin/netlab", sys.executable))
    paths = [str(tmp_path / name) for name, _ in UNITS]
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line or line.startswith("netlab.")]
    assert ours == []


def test_the_container_starts_netlab_without_a_shell() -> None:
    found = re.search(r"```dockerfile\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    lines = dict(line.split(maxsplit=1) for line in found[1].splitlines())
    words = json.loads(lines["CMD"])
    options = _parsed(words)
    assert words[:4] == ["python", "-m", "netlab", "serve"]
    assert getattr(options, "host") == "0.0.0.0" and str(getattr(options, "port")) == lines["EXPOSE"]  # noqa: B009
    assert lines["STOPSIGNAL"] == "SIGTERM"


def test_the_configurations_that_the_page_names_are_there() -> None:
    named = re.findall(r"`([\w.]+\.(?:conf|cfg|vcl)|Caddyfile)`", PAGE)
    assert len(named) == 6
    for name in named:
        assert (ROOT / "tests" / "interop" / "configurations" / name).exists()
