"""`python -m netlab certs`: what it prints, and that the commands it prints do work."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from tls_loopback import serving

from netlab.__main__ import main
from netlab.tls import authority
from netlab.tls.context import server_context


def certs(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["certs", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_it_mints_once_and_then_keeps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "certs"
    status, out, err = certs(capsys, "--out", folder)
    assert (status, err) == (0, "") and out.startswith("minted: root, intermediate, leaf\n")
    root = (folder / "root.pem").read_bytes()
    status, out, _ = certs(capsys, "--out", folder)
    assert status == 0 and out.startswith("all is good: nothing minted\n")
    status, out, _ = certs(capsys, "--out", folder, "--renew")
    assert status == 0 and out.startswith("minted: root, intermediate, leaf\n")
    assert (folder / "root.pem").read_bytes() != root


def test_outside_a_checkout_the_default_folder_is_the_users_data_directory_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here, data = tmp_path / "here", tmp_path / "data"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    status, out, _ = certs(capsys)
    assert (status, out.splitlines()[1]) == (0, f"folder: {data}/netlab/certs")
    assert (data / "netlab" / "certs" / "chain.pem").is_file()
    assert list(here.iterdir()) == []


def test_a_key_that_is_needed_and_away_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = authority.mint(tmp_path)
    for path in (made.root_key, made.intermediate, made.intermediate_key):
        path.unlink()
    status, out, err = certs(capsys, "--out", tmp_path)
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert "root.key is not there" in err and "netlab certs --renew" in err


def test_the_printed_commands_work(tmp_path: Path, capsys: pytest.CaptureFixture[str], tool) -> None:
    folder = tmp_path / "a folder with spaces"
    _, out, _ = certs(capsys, "--out", folder)
    commands = [line.strip() for line in out.splitlines() if line.startswith("  ") and str(folder) in line]
    verify, serve, curl, s_client = commands[-4:]
    done = tool(*shlex.split(verify))
    assert done.returncode == 0 and ": OK" in done.stdout
    assert shlex.split(serve)[:5] == ["python", "-m", "netlab", "serve", "--port"]
    with serving(server_context(folder / "chain.pem", folder / "leaf.key")) as server:
        at = f":{server.port}"
        done = tool(*shlex.split(curl.replace(":8443", at)), "--noproxy", "*")
        assert done.stdout == "hello", done.stderr
        tool("openssl", "version")  # skip if it is missing; the shell redirects below
        done = subprocess.run(
            s_client.replace(":8443", at), shell=True, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0 and "Verification: OK" in done.stderr, done.stderr


def test_a_folder_that_cannot_be_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    status, out, err = certs(capsys, "--out", tmp_path / "file" / "certs")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith(f"netlab: --out {tmp_path}/file/certs: ")
