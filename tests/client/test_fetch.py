"""`python -m netlab fetch`: what it prints where, and one clear line for whatever a user can mend."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import netlab
from netlab.tls import authority, server_context
from tests.client.canned import Fetch

ROOT = Path(__file__).parent.parent.parent


async def app(request: netlab.Request) -> netlab.Response:
    if request.path == "/echo":
        kind = request.fields.get("content-type") or ""
        return netlab.Response(200, await request.read(), {"x-type": kind, "x-method": request.method})
    if request.path == "/fields":
        return netlab.Response(200, json.dumps(dict(request.fields.items())))
    if request.path == "/sleep":
        await asyncio.sleep(30)
    if request.path == "/chunked":
        return netlab.Response(200, stream=pieces(), trailers={"x-digest": "ab"})
    if request.path == "/rude":
        return netlab.Response(200, fields={"x-title": "\x9b31m red"})
    return netlab.Response(200, b"hello", {"connection": "close"} if request.path == "/close" else None)


async def pieces() -> object:
    yield b"a" * 10
    yield b"b" * 10


class Background:
    """A server in a thread with an event loop of its own, since the command runs one, too."""

    def __init__(self, **options: object) -> None:
        self._options = options
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self._thread.start()
        self._ready.wait(20)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with netlab.Server(app, **self._options) as server:  # type: ignore[arg-type]
            self.port = server.port
            self._ready.set()
            await self._stop.wait()
            await server.stop(0)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


@pytest.fixture
def plain() -> Iterator[str]:
    server = Background()
    yield f"http://localhost:{server.port}"
    server.stop()


@pytest.fixture
def secure(certificates: authority.Certificates) -> Iterator[str]:
    server = Background(tls=server_context(certificates.chain, certificates.leaf_key))
    yield f"https://localhost:{server.port}"
    server.stop()


def test_the_content_goes_to_standard_output_and_nothing_else(fetch: Fetch, plain: str) -> None:
    assert fetch(plain) == (0, b"hello", "")


def test_include_prints_the_head_as_it_came(fetch: Fetch, plain: str) -> None:
    _, out, _ = fetch("-i", plain + "/close")
    head, _, content = out.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert {"content-length: 5", "connection: close"} < set(lines)
    assert content == b"hello"


def test_data_is_posted_as_a_form_unless_said_otherwise(fetch: Fetch, plain: str, tmp_path: Path) -> None:
    _, out, _ = fetch("-i", "-d", "a=1", plain + "/echo")
    assert b"x-method: POST" in out and b"x-type: application/x-www-form-urlencoded" in out
    file = tmp_path / "data"
    file.write_bytes(bytes(range(256)))
    _, out, _ = fetch(
        "-i", "-X", "PUT", "-H", "Content-Type: x/y", "--data-binary", f"@{file}", plain + "/echo"
    )
    assert b"x-method: PUT" in out and b"x-type: x/y" in out
    assert out.endswith(bytes(range(256)))


def test_fields_are_sent(fetch: Fetch, plain: str) -> None:
    _, out, _ = fetch("-H", "X-A: b: c", "-H", "user-agent:me", plain + "/fields")
    sent = {name.lower(): value for name, value in json.loads(out).items()}
    assert (sent["x-a"], sent["user-agent"]) == ("b: c", "me")


def test_output_goes_to_a_file(fetch: Fetch, plain: str, tmp_path: Path) -> None:
    assert fetch("-o", str(tmp_path / "content"), plain) == (0, b"", "")
    assert (tmp_path / "content").read_bytes() == b"hello"


def test_verbose_tells_the_whole_way(fetch: Fetch, secure: str, certificates: authority.Certificates) -> None:
    _, out, err = fetch("-v", "--cacert", str(certificates.root), secure)
    assert out == b"hello"
    lines = err.splitlines()
    for part in (
        "* localhost is 127.0.0.1, ::1",
        "* TCP to 127.0.0.1 port ",
        "* TLSv1.3, TLS_",
        "> GET / HTTP/1.1  ",
        "> Host: localhost:",
        "< HTTP/1.1 200 OK  ",
        "< content-length: 5  ",
        "* framing: 5 octets, as Content-Length says (RFC 9112 §6.3 rule 6)",
        "* persistence: open for the next request, for 30 s",
        "*   DNS ", "*   TCP ", "*   TLS ", "*   first byte ", "*   content ", "*   total ",
    ):  # fmt: skip
        assert sum(line.startswith(part) for line in lines) == 1, (part, err)
    assert "full handshake" in err


@pytest.mark.parametrize(
    "arguments, part",
    [
        (["/close"], "* persistence: connection #1 closed: the server said Connection: close"),
        (["/chunked"], "* framing: chunked, until the last-chunk (RFC 9112 §6.3 rule 4)"),
        (["/chunked"], "< x-digest: ab"),
        (["-X", "HEAD", "/"], "* framing: a response to HEAD has no content (RFC 9112 §6.3 rule 1)"),
        (["-H", "Connection: close", "/"], "we said Connection: close"),
    ],
)
def test_verbose_names_what_decided(fetch: Fetch, plain: str, arguments: list[str], part: str) -> None:
    _, _, err = fetch("-v", *arguments[:-1], plain + arguments[-1])
    assert part in err


def test_nothing_that_a_server_says_commands_the_terminal(fetch: Fetch, plain: str) -> None:
    _, _, err = fetch("-v", plain + "/rude")
    assert "\\x9b31m red" in err and "\x9b" not in err


def test_repeat_shows_what_is_reused(fetch: Fetch, plain: str) -> None:
    _, out, err = fetch("--repeat", "3", plain)
    assert out == b"hello"
    rows = [line.split() for line in err.splitlines()[1:]]
    assert [row[:4] for row in rows] == [
        ["1", "200", "#1", "new"], ["2", "200", "#1", "reused"], ["3", "200", "#1", "reused"],
    ]  # fmt: skip


def test_fetch_trusts_the_root_of_netlab_certs_for_this_machine_alone(
    fetch: Fetch,
    secure: str,
    certificates: authority.Certificates,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "netlab" / "certs"
    folder.mkdir(parents=True)
    (folder / "root.pem").write_bytes(certificates.root.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    status, out, err = fetch("-v", secure)
    assert (status, out) == (0, b"hello")
    assert err.startswith(f"* trusting {folder}/root.pem, since localhost is this machine")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another"))
    status, _, err = fetch(secure)
    assert status == 2
    assert "the certificate is refused: unable to get local issuer" in err and "--cacert PEM" in err
    assert fetch("--insecure", secure) == (0, b"hello", "")


MISTAKES = [
    (["mailto:a@b"], "URL 'mailto:a@b': there is no scheme"),
    (["http://localhost:1/"], "cannot connect to localhost port 1: connection refused"),
    (["https://{plain}/"], "does not speak TLS on this port"),
    (["-H", "nonsense", "http://{plain}/"], "-H 'nonsense' is not 'Name: value'"),
    (["-H", "X: a\nb", "http://{plain}/"], "CR, LF, NUL"),
    (["-X", "G T", "http://{plain}/"], "not a token"),
    (["-d", "@/no/such/file", "http://{plain}/"], "cannot read the file: No such file"),
    (["-o", "/no/such/folder/file", "http://{plain}/"], "cannot write there: No such file"),
    (["--cacert", "/no/such/file", "https://{plain}/"], "no such certificate file"),
    (["--cacert", "x", "--insecure", "https://{plain}/"], "give one of the two"),
    (["--repeat", "0", "http://{plain}/"], "--repeat 0: give 1 or more"),
    (["--timeout", "0", "http://{plain}/"], "--timeout 0: give seconds above 0"),
    (["--timeout", "0.05", "http://{plain}/sleep"], "took longer than 0.05 s (--timeout gives it longer)"),
    (["--timeout", "x", "http://{plain}/"], "'x' is no number"),
]


@pytest.mark.parametrize("arguments, words", MISTAKES, ids=[words[:30] for _, words in MISTAKES])
def test_what_a_user_can_mend_is_one_line_and_status_2(
    fetch: Fetch, plain: str, arguments: list[str], words: str
) -> None:
    place = plain.removeprefix("http://")
    status, out, err = fetch(*(argument.replace("{plain}", place) for argument in arguments))
    assert status == 2
    assert out == b""
    assert err.startswith("netlab: ") and err.count("\n") == 1
    assert words in err


def test_as_a_process_it_ends_quietly_when_its_reader_leaves(plain: str) -> None:
    command = [sys.executable, "-m", "netlab", "fetch", plain + "/chunked"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
