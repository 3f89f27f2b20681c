"""`netlab check` as a command: exit status, what it prints and writes, what it refuses."""

from __future__ import annotations

import asyncio
import json
import ssl
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import netlab
from netlab.__main__ import main
from netlab.check.asking import Rule
from netlab.check.report import as_junit
from netlab.check.run import NoSuchCase, jobs
from netlab.check.security import check_tls
from netlab.check.target import is_this_machine, target_of
from netlab.check.verdict import CaseVerdict, Result
from netlab.cli.demonstration import Demonstration
from netlab.tls.authority import Certificates
from netlab.tls.context import server_context


async def check(server: netlab.Server, *arguments: str) -> int:
    """Run the command in a thread, beside the server."""
    return await asyncio.to_thread(main, ["check", f"http://127.0.0.1:{server.port}/", *arguments])


async def test_a_server_without_a_broken_must_gives_0_and_its_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / name for name in ("json", "junit", "html")}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    async with netlab.Server(Demonstration()) as server:
        assert await check(server, "--only", "host", *options) == 0
    assert "0 MUST broken" in capsys.readouterr().out
    said = json.loads(files["json"].read_text())
    assert said["summary"]["must"] == {"passed": 47, "failed": 0, "skipped": 0}
    assert len(said["cases"]) == 50
    assert set(said["summary"]["should"]) == {"passed", "failed", "skipped"}
    suite = ElementTree.fromstring(files["junit"].read_text())
    assert (suite.get("tests"), suite.get("failures")) == ("50", "0")
    assert "47 of 47" in files["html"].read_text()


async def refusing_none(request: netlab.Request) -> netlab.Response:
    """An app that lets any origin read with credentials."""
    origin = request.fields.get("origin", "")
    lines = {"access-control-allow-origin": origin, "access-control-allow-credentials": "true"}
    return netlab.Response(200, "x", lines if origin else None)


async def test_a_broken_must_gives_1_and_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    async with netlab.Server(refusing_none) as server:
        assert await check(server, "--only", "cors") == 1
        out = capsys.readouterr().out
        assert await check(server, "--only", "cors", "--json", "-") == 1
    for words in ("cors/any-origin-with-credentials", "MUST NOT, Fetch", "attack", "1 MUST broken"):
        assert words in out
    assert json.loads(capsys.readouterr().out)["summary"]["must"]["failed"] == 1


async def test_ctrl_c_gives_the_verdict_so_far_its_reports_and_130(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stopped(target: object, chosen: object, tell: Callable[[CaseVerdict], None]) -> None:
        tell(Rule("host/a", "A", "a rule", "RFC 9112 §3.2", "MUST", "400").failed("200", "taken"))
        raise KeyboardInterrupt

    monkeypatch.setattr("netlab.cli.check.play", stopped)
    report = tmp_path / "report.json"
    status = await asyncio.to_thread(main, ["check", "http://127.0.0.1:9/", "--json", str(report)])
    out, err = capsys.readouterr()
    assert status == 130 and "1 MUST broken" in out and "the verdict so far" in err
    assert json.loads(report.read_text())["summary"]["must"]["failed"] == 1


async def test_a_server_that_dies_in_the_middle_breaks_no_must_by_that(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netlab.check.run._WAITS", (0.01,))
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            server.close()
        elif await reader.read(1000):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    status = await asyncio.to_thread(main, ["check", url, "--only", "cors", "--timeout", "2"])
    await server.wait_closed()
    out, err = capsys.readouterr()
    assert status == 2 and "0 MUST broken" in out
    assert "the server was gone" in err and "6 of 6 cases were not played" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["http://192.0.2.1/"], "--i-may-test-this-host"),
        (["ftp://127.0.0.1/"], "http"),
        (["http://127.0.0.1:9/", "--timeout", "0"], "above 0"),
        (["http://127.0.0.1:9/", "--timeout", "soon"], "'soon' is no number of seconds above 0"),
        (["http://127.0.0.1:9/", "--json", "-", "--html", "-"], "give one of them a file"),
        (["http://127.0.0.1:9/", "--only", "no-such-case"], "the groups are framing"),
        (["http://127.0.0.1:9/"], "connection refused: is the server running there"),
        (["127.0.0.1:9"], "http://127.0.0.1:9/: connection refused: is the server running there"),
        (["http://127.0.0.1:9/", "--only", ""], "the groups are framing"),
        (["http://127.0.0.1:9/", "--json", "/no/such/folder/x"], "there is no folder /no/such/folder"),
        (["http://127.0.0.1:9/", "--html", "/"], "is a folder: give a file to --html"),
        (["http://127.0.0.1:9/", "--origin", "app.example"], "give scheme://host"),
        (["http://127.0.0.1:9/", "--cacert", "/nowhere.pem"], "no such file"),
    ],
)
def test_a_mistake_is_one_line_and_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


async def test_a_port_that_speaks_tls_is_recognised(
    minted: Certificates, capsys: pytest.CaptureFixture[str]
) -> None:
    tls = server_context(minted.chain, minted.leaf_key)
    async with netlab.Server(Demonstration(), tls=tls) as server:
        assert await check(server) == 2
    where = f"127.0.0.1:{server.port}/"
    assert f"port {server.port} speaks TLS: write https://{where}" in capsys.readouterr().err


async def test_an_expired_certificate_is_told_though_its_chain_does_not_verify(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now - timedelta(9), now - timedelta(2)
    )
    (tmp_path / "leaf.pem").write_bytes(certificate.sign(key, SHA256()).public_bytes(Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "leaf.pem", tmp_path / "key.pem")
    async with netlab.Server(Demonstration(), tls=tls) as server:
        verdicts = await check_tls(target_of(f"https://127.0.0.1:{server.port}/", timeout=20.0))
    found = {verdict.name: verdict for verdict in verdicts}
    assert found["tls/chain"].outcome is found["tls/expiry"].outcome is Result.FAILED
    assert found["tls/expiry"].got == "expired 2 days ago"


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost", True), ("a.localhost", True), ("127.9.9.9", True), ("::1", True), ("localhost.", True),
        ("example.com", False), ("10.0.0.1", False), ("localhost.example", False), ("::2", False),
    ],
)  # fmt: skip
def test_only_this_machine_is_tested_without_a_word(host: str, is_local: bool) -> None:
    assert is_this_machine(host) is is_local


def test_cases_are_chosen_by_group_or_part_of_a_name() -> None:
    every = [name for job in jobs() for name in job.names]
    assert len(every) == len(set(every))
    assert {name.partition("/")[0] for job in jobs(["host"]) for name in job.names} == {"host"}
    assert [name for job in jobs(["host-missing"], ["with", "minor"]) for name in job.names] == [
        "host/host-missing",
        "host/host-missing_in_http_1_0",
    ]
    assert [job.names for job in jobs(["cors/vary", "tls/alpn"])] == [("cors/vary",), ("tls/alpn",)]
    assert "limits/many-lines" not in [name for job in jobs([], ["many-lines"]) for name in job.names]
    assert "limits/long-value" in [name for job in jobs([], ["many-lines"]) for name in job.names]
    with pytest.raises(NoSuchCase, match="no case is left"):
        jobs(["host"], ["host"])
    with pytest.raises(NoSuchCase):
        jobs([], ["no-such-case"])


def test_a_broken_recommendation_is_no_broken_must() -> None:
    verdict = CaseVerdict("a/b", "a", "t", "r", "s", "SHOULD NOT", Result.FAILED, "e", "g")
    assert verdict.requirement == "should" and not verdict.breaks_a_must


def test_junit_shows_the_bytes_of_a_failure_and_stays_xml() -> None:
    verdict = CaseVerdict(
        "host/x",
        "host",
        "t",
        "r",
        "RFC 9112 §3.2",
        "MUST",
        Result.FAILED,
        "e",
        "200",
        b"GET /\0<&> \x0b",
        "taken & kept",
    )
    suite = ElementTree.fromstring(as_junit(target_of("http://127.0.0.1:9/"), [verdict]))
    failure = suite.find("testcase/failure")
    assert failure is not None and (failure.get("type"), suite.get("errors")) == ("MUST", "0")
    assert failure.text is not None and r"GET /\x00<&> \x0b" in failure.text
