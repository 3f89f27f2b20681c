"""The options of `serve`, each as a user gives it; and what it says when it starts."""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import netlab
from netlab.__main__ import main
from netlab.cli import logs
from netlab.cli.banner import curl, kind_of_app
from netlab.cli.errors import UserError
from netlab.cli.logconfig import configure_logging
from netlab.cli.logs import Entry, Format
from netlab.http1 import RequestHead, RequestParser
from netlab.server.limited import Limited
from netlab.server.request import Request
from netlab.server.response import Response

from .conftest import ROOT, Process, Raw
from .test_command import netlab as command


def test_version_is_one_line() -> None:
    done = command("--version")
    assert (done.returncode, done.stdout) == (0, f"netlab {netlab.__version__}\n")


@pytest.mark.parametrize(("arguments", "meant"), [
    (["srve"], "did you mean serve?"), (["serve", "--prot", "80"], "did you mean --port?"),
    (["serve", "--prot=80"], "did you mean --port?"), (["cors", "explian"], "did you mean explain?"),
    (["serve", "--interface", "asgy"], "did you mean asgi?"), (["serve", "jso:x"], "no module named 'jso'"),
    (["serve", "json:dmps"], "did you mean dumps?"), (["serve", "--env-file", ".env"], "set -a; . ./.env"),
    (["serve", "--ssl-keyfile", "x"], "give --key"), (["serve", "xyzzy.py"], "is not module:name"),
    (["zzzz"], "give one of serve, fetch"), (["serve", "a:b", "c:d"], "too many arguments: c:d"),
])  # fmt: skip
def test_a_mistyped_word_is_named_with_the_word_that_is_near(arguments: list[str], meant: str) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert meant in done.stderr


def test_a_file_name_in_place_of_module_and_name_gets_a_hint(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("app = 1\n")
    for arguments, meant in (("shop.py", "did you mean shop:app?"), ("shp:app", "did you mean shop:app?")):
        assert meant in command("serve", arguments, cwd=tmp_path).stderr
    assert "'app' is int, not a callable app" in command("serve", "shop:app", cwd=tmp_path).stderr


def test_the_banner_names_what_is_served_and_how_to_ask_for_it(tmp_path: Path) -> None:
    (tmp_path / "users_app.py").write_text("async def app(scope, receive, send): ...\n")
    child = subprocess.Popen(
        [sys.executable, "-m", "netlab", "serve", "users_app:app", "--tls"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(tmp_path / "data")},
    )  # fmt: skip
    assert child.stdout is not None
    first = child.stdout.readline()
    child.send_signal(signal.SIGINT)
    rest = child.stdout.read()
    child.stdout.close()
    assert child.wait(20) == 0, "Ctrl-C drains, and is no failure"
    url = first.removeprefix("netlab serving ").strip()
    assert url.startswith("https://127.0.0.1:")
    root = tmp_path / "data" / "netlab" / "certs" / "root.pem"
    assert "users_app:app, an ASGI app" in rest and "Ctrl-C" in rest
    assert f"curl --cacert data/netlab/certs/root.pem {url}/" in rest and root.is_file()


@pytest.mark.parametrize(("url", "root", "line"), [
    ("http://127.0.0.1:80", None, "curl http://127.0.0.1:80/"), ("http://0.0.0.0:8", None, "curl http://127.0.0.1:8/"),
    ("http://[::]:8", None, "curl http://[::1]:8/"), ("http://[::1]:8", None, "curl http://[::1]:8/"),
    ("unix:/tmp/a b", None, "curl --unix-socket '/tmp/a b' http://localhost/"),
    ("https://localhost:8", None, "curl --cacert ROOT.pem https://localhost:8/"),
    ("https://localhost:8", Path("/a/root.pem"), "curl --cacert /a/root.pem https://localhost:8/"),
])  # fmt: skip
def test_the_curl_line_reaches_the_server(url: str, root: Path | None, line: str) -> None:
    assert curl(url, root) == line


def test_the_banner_tells_the_framework() -> None:
    from netlab.asgi import AsgiHandler

    starlette = pytest.importorskip("starlette.applications")
    assert kind_of_app(AsgiHandler(starlette.Starlette())) == "an ASGI app (starlette)"
    assert kind_of_app(lambda request: None) == "a netlab handler"


ENTRY = Entry(
    1_700_000_000.25, "127.0.0.1:5", "GET", "/a?b=\"'", 1, 200, 17, "-", 'a"b\\\x1b[31m\xff\r\n',
)  # fmt: skip


def test_combined_is_what_apache_writes() -> None:
    line = logs._LINES[Format.COMBINED](ENTRY)
    host, rest = line.split(" - - [", 1)
    assert host == "127.0.0.1"
    assert rest.split("] ", 1)[1] == (
        '"GET /a?b=\\"\' HTTP/1.1" 200 17 "-" "a\\"b\\\\\\x1b[31m\\xff\\x0d\\x0a"'
    )
    assert logs._LINES[Format.COMBINED](ENTRY._replace(size=None, client="[::1]:80")).startswith("::1 - - [")


def test_json_is_one_object_a_line() -> None:
    line = logs._LINES[Format.JSON](ENTRY)
    told = json.loads(line)
    assert "\n" not in line and line.isascii()
    assert (told["time"], told["size"], told["user_agent"]) == ("2023-11-14T22:13:20.250Z", 17, ENTRY.agent)
    assert all(" " <= letter <= "~" for letter in logs._LINES[Format.SHORT](ENTRY))


@pytest.mark.parametrize(("method", "size"), [("GET", 5), ("HEAD", 0)])
def test_the_size_is_what_is_sent(method: str, size: int) -> None:
    class Peer:
        peer = "127.0.0.1:1"

    parser = RequestParser()
    parser.feed(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    head = parser.next_event()
    assert isinstance(head, RequestHead)
    assert logs._entry(Peer(), head, Response(200, b"hello")).size == size  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [(), ("--access-log-format", "json")], ids=["by itself", "as json"])
def test_the_logger_gets_the_lines_when_logging_is_configured(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    target = tmp_path / "access.log"
    handler = {"class": "logging.FileHandler", "filename": str(target)}
    if not options:
        handler["formatter"] = "own"
    config = {
        "version": 1, "handlers": {"file": handler},
        "formatters": {"own": {"format": '{"status": %(status)d, "method": "%(method)s"}'}},
        "loggers": {"netlab.access": {"handlers": ["file"], "level": "INFO"}},
    }  # fmt: skip
    (tmp_path / "log.json").write_text(json.dumps(config))
    server = Process("--log-config", str(tmp_path / "log.json"), *options)
    client = Raw(server.port)
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.response()[0] == 200
    client.close()
    status, _, complaints = server.stop()
    assert (status, complaints) == (0, "")
    told = json.loads(target.read_text())
    assert (told["status"], told["method"]) == (200, "GET")


@pytest.mark.parametrize(("name", "text", "reason"), [
    ("a.yaml", "", "whose name ends with .json, .toml"), ("a.json", "{", "Expecting"),
    ("a.json", "[]", "no table"), ("missing/a.ini", None, "No such file"),
    ("a.json", '{"handlers": {"x": {"class": "no.such"}}}', "Unable to configure handler"),
    ("a.toml", "a = ", "Invalid value"), ("a.ini", "[x]", "formatters"),
])  # fmt: skip
def test_a_logging_configuration_that_cannot_be_read_says_why(
    name: str, text: str | None, reason: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=reason) as refused:
        configure_logging(str(tmp_path / name))
    assert "\n" not in str(refused.value)


async def test_beyond_the_limit_of_concurrency_requests_get_503() -> None:
    import asyncio

    waiting, calls = asyncio.Event(), list[Any]()

    class App:
        async def __call__(self, request: Request) -> Response:
            await waiting.wait()
            return Response(200)

        async def startup(self) -> None:
            calls.append("startup")

    limited = Limited(App(), 1)
    await limited.startup()
    await limited.shutdown()  # the app has none
    request: Any = None
    first = asyncio.create_task(limited(request))
    await asyncio.sleep(0)
    refused = await limited(request)
    assert (refused.status, dict(refused.fields or {})["retry-after"]) == (503, "1")
    waiting.set()
    assert (await first).status == 200 and limited.under_way == 0
    assert (await limited(request)).status == 200 and calls == ["startup"]
    with pytest.raises(ValueError, match="give 1 or more"):
        Limited(App(), 0)


def test_the_idle_timeout_is_an_option() -> None:
    server = Process("--timeout-keep-alive", "0.2", "--limit-concurrency", "5")
    client = Raw(server.port)
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.response()[0] == 200
    assert client.rest() == b"", "within the client's patience, 20 s: the default is 75"
    client.close()
    assert server.stop()[0] == 0


def test_a_listening_descriptor_is_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = subprocess.Popen(
            [sys.executable, "-m", "netlab", "serve", "--fd", str(listener.fileno())],
            stdout=subprocess.PIPE, text=True, pass_fds=[listener.fileno()],
        )  # fmt: skip
        port = listener.getsockname()[1]
        assert child.stdout is not None
        assert child.stdout.readline() == f"netlab serving http://127.0.0.1:{port}\n"
        client = Raw(port)
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response()[0] == 200
        client.close()
        child.terminate()
        child.communicate(timeout=20)
        assert child.returncode == 0
    assert "no listening socket" in command("serve", "--fd", "999").stderr


def test_reload_takes_the_new_code_and_refuses_no_client(tmp_path: Path) -> None:
    try:
        importlib.import_module("watchfiles")
    except ImportError:
        reason = "needs watchfiles (pip install 'netlab[reload]')"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    source = "from netlab import Response\nasync def app(request):\n    return Response(200, {!r})\n"
    (tmp_path / "users_app.py").write_text(source.format("one"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Process("users_app:app", "--reload", "--port", str(port), cwd=tmp_path)

    def ask() -> bytes:
        client = Raw(server.port)
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        try:
            return client.response()[2]
        finally:
            client.close()

    try:
        assert ask() == b"one"
        # Saved again after 5 s: on a busy machine the server may answer before the folder is watched.
        for _ in range(8):
            (tmp_path / "users_app.py").write_text(source.format("two!"))
            deadline = time.monotonic() + 5
            while (said := ask()) == b"one" and time.monotonic() < deadline:
                time.sleep(0.05)
            if said != b"one":
                break
        assert said == b"two!", "each request was answered, by the old code or by the new one"
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            server.child.send_signal(number)
            assert ask() == b"two!", "handed on to the process that serves, which goes on"
    finally:
        status, _, complaints = server.stop(signal.SIGINT)
    assert status == 0 and "changed: users_app.py; starting anew" in complaints


@pytest.mark.parametrize("arguments", [
    ["--limit-concurrency", "0"], ["--timeout-keep-alive", "0"], ["--forwarded-allow-ips", "nginx"],
    ["--reload", "--workers", "2"], ["--reload-dir", "."], ["--uds", ""], ["--cors-debug"],
    ["--reload", "--reload-dir", "no/such/folder"], ["json:dumps", "--interface", "asgi-factory"],
    ["--fd", "0", "--workers", "2"], ["--log-config", "nowhere.json"],
])  # fmt: skip
def test_an_option_that_cannot_be_is_one_line(arguments: list[str], tmp_path: Path) -> None:
    done = command("serve", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
    assert done.stderr.startswith("netlab: ")


def test_cors_debug_is_said_loudly() -> None:
    server = Process("--cors-origin", "https://app.example", "--cors-debug")
    client = Raw(server.port)
    client.send(
        b"OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\n"
        b"Access-Control-Request-Method: BREW\r\n\r\n"
    )
    status, fields, _ = client.response()
    client.close()
    code, _, complaints = server.stop()
    assert (status, fields["access-control-allow-methods"], code) == (204, "PUT, PATCH, DELETE", 0)
    assert "--cors-debug" in complaints and "not for production" in complaints


def test_all_mistakes_are_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = (
        "serve --port 99999 --workers none --lifespan maybe --timeout-keep-alive -1 --limit-concurrency 0 "
        "--forwarded-allow-ips nginx --cors-origin example.com --tls-max 1.2"
    )
    assert main(wrong.split()) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    for each in (
        "--port 99999 is no port", "--workers: 'none' is no number", "--lifespan: there is no 'maybe'",
        "--timeout-keep-alive", "--limit-concurrency 0", "'nginx'", "https://example.com", "--tls-max",
    ):  # fmt: skip
        assert each in err
