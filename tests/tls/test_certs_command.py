"""`python -m netlab certs`: what it prints, and that the commands it prints do work."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from netlab.__main__ import main
from netlab.tls import authority, issue
from netlab.tls.context import client_context, server_context
from tests.kit.programs import missing
from tests.tls.tls_in_memory import shake_hands
from tests.tls.tls_loopback import serving


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


def test_a_data_directory_that_cannot_be_written_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    status, out, err = certs(capsys)
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert f"{tmp_path}/file/netlab/certs: no certificates can be kept there" in err
    assert "set XDG_DATA_HOME" in err


def test_a_key_that_is_needed_and_away_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = authority.mint(tmp_path)
    for path in (made.root_key, made.intermediate, made.intermediate_key):
        path.unlink()
    status, out, err = certs(capsys, "--out", tmp_path)
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert "root.key is not there" in err and "netlab certs --renew" in err


def test_it_says_which_names_the_leaf_covers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = certs(capsys, "--out", tmp_path)
    assert "names:  localhost, 127.0.0.1, ::1\n" in out


def test_the_printed_checks_work(tmp_path: Path, capsys: pytest.CaptureFixture[str], tool) -> None:
    folder = tmp_path / "a folder with spaces"
    _, out, _ = certs(capsys, "--out", folder)
    verify, serve, s_client = (
        next(line.strip() for line in out.splitlines() if line.startswith(f"  {start}"))
        for start in ("openssl verify", "python -m netlab serve", "openssl s_client")
    )
    done = tool(*shlex.split(verify))
    assert done.returncode == 0 and ": OK" in done.stdout
    assert shlex.split(serve)[:5] == ["python", "-m", "netlab", "serve", "--port"]
    with serving(server_context(folder / "chain.pem", folder / "leaf.key")) as server:
        done = shell(s_client.replace(":8443", f":{server.port}"), tmp_path)
        assert done.returncode == 0 and "Verification: OK" in done.stderr, done.stderr


# -- how each client is told to trust the root ---------------------------------------------------------


JAVA = """
class Fetch {
    public static void main(String[] arguments) throws Exception {
        var answer = new java.net.URL("https://localhost:8443/").openStream().readAllBytes();
        System.out.println(new String(answer));
    }
}
"""


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command as a person would run it, with this Python for `python3`, and no proxy."""
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "no_proxy": "*"}
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def offered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What `netlab certs` prints for each client, in a folder whose name needs quotes."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python3"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    _, out, _ = certs(capsys, "--out", tmp_path / "a folder")
    lines = out.partition("make a client trust the root")[2].splitlines()[2:]
    return {client.strip(): command.strip() for client, command in zip(lines[::2], lines[1::2], strict=True)}


@pytest.mark.parametrize(
    ("client", "program"),
    [
        ("curl", "curl"),
        ("Python: ssl, urllib, httpx, aiohttp", sys.executable),
        ("Python: requests", sys.executable),
        ("Node", "node"),
    ],
)
def test_the_command_for_a_client_makes_it_trust_the_root(
    client: str, program: str, offered: dict[str, str], tmp_path: Path
) -> None:
    if shutil.which(program) is None:
        missing(f"needs {program} (apt-get install {program.replace('node', 'nodejs')})")
    folder = tmp_path / "a folder"
    with serving(server_context(folder / "chain.pem", folder / "leaf.key")) as server:
        done = shell(offered[client].replace(":8443", f":{server.port}"), tmp_path)
        assert done.returncode == 0 and "hello" in done.stdout, done.stderr


@pytest.mark.parametrize("library", ["httpx", "aiohttp"])
def test_the_environment_variable_for_python_reaches_its_libraries(
    library: str, offered: dict[str, str], tmp_path: Path
) -> None:
    setting = shlex.split(offered["Python: ssl, urllib, httpx, aiohttp"])[0]
    program = {
        "httpx": "import httpx; print(httpx.get(URL).text)",
        "aiohttp": (
            "import asyncio, aiohttp\n"
            "async def main():\n"
            "    async with aiohttp.request('GET', URL) as answer: print(await answer.text())\n"
            "asyncio.run(main())"
        ),
    }[library]
    folder = tmp_path / "a folder"
    with serving(server_context(folder / "chain.pem", folder / "leaf.key")) as server:
        source = program.replace("URL", repr(f"https://localhost:{server.port}/"))
        done = shell(f"env {shlex.quote(setting)} python3 -c {shlex.quote(source)}", tmp_path)
        assert "hello" in done.stdout, done.stderr


@pytest.mark.soak  # a Java machine takes two seconds of CPU
def test_the_commands_for_java_make_it_trust_the_root(offered: dict[str, str], tmp_path: Path) -> None:
    for program in ("keytool", "java"):
        if shutil.which(program) is None:
            missing(f"needs {program} (apt-get install default-jdk-headless)")
    made = shell(offered["Java: make a trust store"], tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    folder = tmp_path / "a folder"
    with serving(server_context(folder / "chain.pem", folder / "leaf.key")) as server:
        (tmp_path / "YOUR.java").write_text(JAVA.replace(":8443", f":{server.port}"))
        done = shell(offered["Java: use it"], tmp_path)
        assert done.returncode == 0 and "hello" in done.stdout, done.stderr


@pytest.mark.soak
def test_the_command_for_chromium_puts_the_root_into_its_store(
    offered: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("certutil") is None:
        missing("needs certutil (apt-get install libnss3-tools)")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".pki" / "nssdb").mkdir(parents=True)
    done = shell(offered["Chromium on Linux"], tmp_path)
    assert done.returncode == 0, done.stderr
    stored = shell('certutil -d "sql:$HOME/.pki/nssdb" -L -n netlab -a', tmp_path).stdout
    root = x509.load_pem_x509_certificate((tmp_path / "a folder" / "root.pem").read_bytes())
    assert x509.load_pem_x509_certificate(stored.encode()) == root


# -- kinds of keys, and certificates for clients -------------------------------------------------------


def test_the_leafs_key_is_of_the_kind_that_was_asked_for_and_the_root_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certs(capsys, "--out", tmp_path)
    root = (tmp_path / "root.pem").read_bytes()
    for kind in ("Ed25519", "P-384", "RSA-2048", "P-256"):
        _, out, _ = certs(capsys, "--out", tmp_path, "--keys", kind)
        assert out.startswith("minted: leaf\n")
        key = serialization.load_pem_private_key((tmp_path / "leaf.key").read_bytes(), None)
        assert isinstance(key, issue.Key) and issue.kind_of(key) is issue.KeyKind(kind)
        assert shake_hands(client_context(tmp_path / "root.pem"), served_from(tmp_path))[0].reason == ""
        assert certs(capsys, "--out", tmp_path)[1].startswith("all is good"), "without --keys any kind stays"
    assert (tmp_path / "root.pem").read_bytes() == root


def served_from(folder: Path) -> ssl.SSLContext:
    return server_context(folder / "chain.pem", folder / "leaf.key")


def test_the_commands_for_a_client_certificate_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tool
) -> None:
    _, out, _ = certs(capsys, "--out", tmp_path, "--client", "ann")
    serve, fetch = (line.strip() for line in out.splitlines()[-2:])
    command = shlex.split(serve.replace(" 8443 ", " 127.0.0.1:0 "))
    tool("openssl", "version")  # skips, or fails in CI, if it is missing
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            accepting = next(line for line in server.stdout if line.startswith("ACCEPT"))
            at = f":{accepting.strip().rpartition(':')[2]}/"
            words = [*shlex.split(fetch.replace(":8443/", at)), "-sS", "--ipv4", "--noproxy", "*"]
            done = tool(*words)
            assert done.returncode == 0 and re.search(r"Subject: CN ?= ?ann", done.stdout), done
            refused = tool(
                *(word for word in words if "client-ann" not in word and word not in ("--cert", "--key"))
            )
            assert refused.returncode != 0, "without its certificate the client must be refused"
        finally:
            server.terminate()


def test_a_server_that_asks_for_client_certificates_accepts_the_one_that_was_made(tmp_path: Path) -> None:
    made = authority.mint(tmp_path)
    chain, key = authority.mint_client(tmp_path, "ann")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    server = server_context(made.chain, made.leaf_key, client_ca=made.root)
    client = client_context(made.root)
    assert shake_hands(client, server)[1].reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    client.load_cert_chain(chain, key)
    assert shake_hands(client, server)[1].reason == ""
    assert shake_hands(client, server.remade())[1].reason == ""


@pytest.mark.parametrize("name", ["", "../ann", "a b", "-ann", "x" * 65, "änn"])
def test_a_name_that_no_file_should_have_is_one_clear_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = certs(capsys, "--out", tmp_path, f"--client={name}")
    assert status == 2 and err.count("\n") == 1 and "is no name for a client" in err
    assert not list(tmp_path.glob("client*"))


def test_without_the_intermediates_key_no_client_certificate_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = authority.mint(tmp_path)
    made.root_key.unlink()
    made.intermediate_key.unlink()
    status, _, err = certs(capsys, "--out", tmp_path, "--client", "ann")
    assert status == 2 and "intermediate.key is not there" in err


def test_a_folder_that_cannot_be_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    status, out, err = certs(capsys, "--out", tmp_path / "file" / "certs")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith(f"netlab: --out {tmp_path}/file/certs: ")
