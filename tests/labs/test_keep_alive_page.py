"""Lab 09's page says what the libraries call it: each of its programs keeps one connection, counted."""

from __future__ import annotations

import http.client
import json
import re
import sys
from pathlib import Path

import pytest

from netlab.probes.launch import Server

PAGE = Path(__file__).parents[2] / "labs" / "09_keep_alive" / "explain.md"
LAST = PAGE.read_text("utf-8").rpartition("\n## ")[2]
PROGRAMS = dict(
    zip(
        ("requests", "httpx", "aiohttp", "netlab"),
        re.findall(r"```python\n(.*?)```", LAST, re.S),
        strict=True,
    )
)


def accepted(port: int) -> int:
    """Connections that the server has accepted, this one included."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/stats")
        return int(json.loads(connection.getresponse().read())["accepted"])
    finally:
        connection.close()


def test_the_last_section_is_about_the_libraries() -> None:
    assert LAST.startswith("In requests, httpx, aiohttp this is …\n")
    assert all(f"import {library}\n" in program for library, program in PROGRAMS.items())
    assert len(PROGRAMS) == 4


@pytest.mark.parametrize("library", PROGRAMS)
def test_each_program_sends_its_requests_over_one_connection(
    library: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    command = [sys.executable, "-m", "netlab", "serve", "--port", "{port}"]
    with Server(command, "http://127.0.0.1:{port}/") as server:
        before = accepted(server.target.port)
        exec(compile(PROGRAMS[library], library, "exec"), {"URL": server.target.url, "__name__": library})
        assert accepted(server.target.port) - before == 2, "one of the program's, one that asks"
    if library == "netlab":
        assert "(19 on a used connection, 0 sent again)" in capsys.readouterr().out
