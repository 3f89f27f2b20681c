"""`netlab certs serve`: each row of netlab.tls.breakage on a port of its own, and the page with the list."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import netlab
from netlab.cli import gallery_page
from netlab.cli.gallery import Case, Gallery, Row, rows
from netlab.tls import breakage, cases, issue
from netlab.tls.breakage import Failure, Hierarchy

ROOT = Path(__file__).resolve().parents[2]


@contextlib.asynccontextmanager
async def showing(
    good: Hierarchy, folder: Path, shown: Sequence[Row] | None = None
) -> AsyncIterator[tuple[Gallery, netlab.Server]]:
    """The gallery with its index page, on free ports."""
    gallery = Gallery(good, folder, shown=shown)
    await gallery.startup()
    try:
        async with netlab.Server(gallery) as server:
            yield gallery, server
    finally:
        await gallery.shutdown()


def meet(case: Case, context: ssl.SSLContext) -> str:
    """A client's handshake and request: "accepted", the verify code, or OpenSSL's reason.

    It blocks. asyncio's own client is of no use here: it closes before its alert has left.
    """
    assert case.server is not None
    try:
        with (
            socket.create_connection(("127.0.0.1", case.server.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=case.row.host) as secured,
        ):
            secured.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = secured.recv(65536)
            return "accepted" if answer.startswith(b"HTTP/1.1 200 ") else "closed without an answer"
    except ssl.SSLCertVerificationError as refusal:
        return str(refusal.verify_code)
    except ssl.SSLError as error:
        return str(error.reason)


async def get(server: netlab.Server, path: str) -> tuple[int, bytes]:
    async with netlab.Session() as session, session.get(f"{server.url}{path}") as response:
        return response.status, await response.read()


async def test_each_port_shows_its_case_and_the_page_tells_what_its_server_was_told(
    good: Hierarchy, tmp_path: Path
) -> None:
    async with showing(good, tmp_path) as (gallery, server):
        for case in gallery.cases:
            if case.server is None:
                continue
            met = await asyncio.to_thread(meet, case, cases.netlab_client(case.files))
            expected = (
                case.row.client if isinstance(case.row, Failure) else str(case.row.hardened or "accepted")
            )
            assert met == expected, case.row.name
        told = {name: ends[-1:] for name, ends in json.loads((await get(server, "/told.json"))[1]).items()}
    for case in gallery.cases:
        if case.server is None:
            assert case.row.name == "key mismatch" and told[case.slug] == []
        elif isinstance(case.row, breakage.Breakage):
            assert told[case.slug][0][9:] == (case.row.alert.replace("_", " ") or "accepted")


async def test_the_page_links_every_case_and_offers_its_files(good: Hierarchy, tmp_path: Path) -> None:
    without_rsa = [row for row in rows() if not row.name.startswith("RSA")]  # whose keys take long to make
    async with showing(good, tmp_path, without_rsa) as (gallery, server):
        status, page = await get(server, "/")
        text = page.decode()
        assert status == 200
        for case in gallery.cases:
            assert html.escape(case.row.name) in text and html.escape(case.row.rule) in text
            assert case.url is None or f'href="{case.url}"' in text
        for link in sorted(set(re.findall(r'href="(/[^"]+)"', text))):
            status, content = await get(server, link)
            assert status == 200, link
            assert link == "/cases.json" or content.startswith(b"-----BEGIN "), link
        listed = {case["name"]: case for case in json.loads((await get(server, "/cases.json"))[1])}
        assert list(listed) == [case.row.name for case in gallery.cases]
        assert (listed["revoked"]["code"], listed["revoked"]["alert"]) == (23, "certificate_revoked")
        assert listed["no common cipher"]["server"] == "NO_SHARED_CIPHER"
        assert Path(listed["expired root"]["root"]).is_file() and listed["key mismatch"]["url"] is None
        assert (await get(server, "/nothing"))[0] == 404
    assert len({case.slug for case in gallery.cases}) == len(gallery.cases)


async def test_renewed_certificates_are_shown_without_a_restart(good: Hierarchy, tmp_path: Path) -> None:
    """A gallery that runs for months must not expire for the wrong reason."""
    gallery = Gallery(good, tmp_path, shown=[breakage.CONTROL])
    await gallery.startup()
    try:
        case = gallery.cases[0]
        before = case.files.chain.read_bytes()
        gallery.renew(datetime.now(UTC) + timedelta(minutes=1))
        assert case.files.chain.read_bytes() != before
        assert await asyncio.to_thread(meet, case, cases.netlab_client(case.files)) == "accepted"
    finally:
        await gallery.shutdown()


def test_what_a_client_reads_that_should_have_refused_says_so() -> None:
    revoked = next(row for row in breakage.BREAKAGES if row.name == "revoked")
    assert (
        "Your client accepted it. Expected of a careful one: 23 certificate revoked"
        in gallery_page.reached(revoked)
    )
    assert gallery_page.reached(breakage.CONTROL).endswith("Your client accepted it, and may.\n")


def test_the_command_shows_the_list_runs_with_curl_and_ends_cleanly_on_ctrl_c(tmp_path: Path, tool) -> None:
    command = [sys.executable, "-m", "netlab", "certs", "serve", "--out", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        try:
            first, second = served.stdout.readline(), served.stdout.readline()
            assert str(tmp_path / "root.pem") in second
            page = tool("curl", "-sS", "--noproxy", "*", first.split()[-1]).stdout
            names = [row.name for row in rows()]
            offered = [html.unescape(line) for line in re.findall(r"<code>(curl .*?)</code>", page)]
            assert len(offered) == len(list(rows())) - 1
            for number, status in (
                (0, 0),
                (names.index("expired"), 60),
                (names.index("client certificate"), 0),
            ):
                words = shlex.split(offered[number])
                done = tool(*words, "--silent", "--noproxy", "*")
                assert done.returncode == status, done
            # What lab 05 offers to see a revocation list.
            crl = tool("curl", "-sS", "--noproxy", "*", f"{first.split()[-1]}revoked/issuer.crl").stdout
            assert "Key Compromise" in tool("openssl", "crl", "-noout", "-text", feed=crl).stdout
        finally:
            served.send_signal(signal.SIGINT)
            _, err = served.communicate(timeout=30)
        assert (served.returncode, err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "1"], "--port belongs to `certs serve`"),
        (["serve", "--port", "65500"], "the cases take the next ones"),
    ],
)
def test_a_port_that_cannot_be_is_one_clear_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from netlab.__main__ import main

    assert main(["certs", *arguments, "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_without_the_roots_key_the_cases_have_a_root_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from netlab.cli.gallery import _authorities
    from netlab.tls import authority

    made = authority.mint(tmp_path)
    assert _authorities(made)[1] == made.root.resolve()
    made.root_key.unlink()
    own, root = _authorities(made)
    assert root is None and issue.pem(own.root.certificate) != made.root.read_bytes()
    assert "root.key is not in the folder" in capsys.readouterr().out
