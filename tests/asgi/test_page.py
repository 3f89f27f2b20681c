"""The page "your FastAPI app on netlab" keeps its word: its options exist, its example runs as it stands."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import time

import pytest

from tests.asgi.conftest import need_module
from tests.server.conftest import ROOT, Process

PAGE = (ROOT / "netlab" / "asgi" / "README.md").read_text("utf-8")


def test_every_option_that_the_page_offers_exists() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "netlab", "serve", "--help"], capture_output=True, text=True, check=True
    ).stdout
    ours = PAGE.split("| uvicorn | netlab serve |")[0]
    ours += "".join(line.split("|")[2] for line in PAGE.splitlines() if line.startswith("| `--"))
    for option in set(re.findall(r"--[a-z][a-z-]+", ours)) - {"--"}:
        assert option in told, option
    for named in re.findall(r"`(tests/[\w/.]+)`", PAGE):
        assert (ROOT / named).exists()


@pytest.mark.soak
def test_the_article_s_stream_runs_as_it_stands() -> None:
    need_module("fastapi")
    server = Process("article:app", cwd=ROOT / "labs" / "13_river")
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    other = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    client.request("GET", "/video")
    response = client.getresponse()
    assert (response.status, response.getheader("transfer-encoding")) == (200, "chunked")
    assert response.getheader("content-type") == "video/mp4"
    assert len(response.read(44)) == 44, "the first piece, while the others are still to come"
    began = time.monotonic()
    other.request("GET", "/nothing")
    assert other.getresponse().read() and time.monotonic() - began < 0.4, "time.sleep blocks a thread, not us"
    assert response.read() == b"Here is a 1MB chunk of video binary data...\n" * 9
    client.close()
    other.close()
    assert server.stop()[0] == 0
