"""`netlab trace` from the outside: its sources, what it prints, what it refuses."""

from __future__ import annotations

import io
import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netlab.__main__ import main
from netlab.capture import Chunk, Direction, Endpoint, compose, pcapng
from netlab.cli.errors import UserError
from netlab.cli.tracing import pasted_bytes
from netlab.tls.tracing.values import Side
from tests.tls.conversing import REQUEST, RESPONSE, Wire, contexts, converse, identity, load
from tests.tls.tls_loopback import connect, serving

FIELDS = {
    "stream", "direction", "time", "offset", "length", "content_type", "version", "handshake", "decrypted",
    "plaintext",
}  # fmt: skip
ALERT = "15 03 03 00 02 01 00"


def packets(wire: Wire, port: int = 40_000) -> list[pcapng.Captured]:
    """A conversation as packets of a capture."""
    ways = {Side.CLIENT: Direction.TO_SERVER, Side.SERVER: Direction.TO_CLIENT}
    chunks = [Chunk(ways[side], n / 1000, data) for n, (side, data) in enumerate(wire.sent)]
    ends = Endpoint("127.0.0.1", port), Endpoint("127.0.0.1", 443)
    return compose(*ends, chunks, 1_700_000_000_000_000_000)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A capture of one connection of TLS 1.3, with its secrets inside."""
    wire, path = converse(*contexts()), tmp_path / "one.pcapng"
    pcapng.write(path, packets(wire), wire.log)
    return path


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of TLS 1.2 and 1.3 with a certificate of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL")
    load(context)
    with serving(context) as server:
        yield f"https://127.0.0.1:{server.port}/"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """The JSON objects that were printed."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def content(records: list[dict[str, object]], direction: str) -> bytes:
    """The application data of a direction."""
    return b"".join(
        bytes.fromhex(str(record["plaintext"]))
        for record in records
        if record["direction"] == direction and record["content_type"] == "application_data"
    )


# -- a capture


def test_a_capture_with_its_secrets_is_told_as_http(
    capture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", str(capture)]) == 0
    told = capsys.readouterr().out
    for expected in (
        "stream 0: client 127.0.0.1:40000, server 127.0.0.1:443", "handshake: client_hello",
        "| GET / HTTP/1.1", "| HTTP/1.1 200 OK", "server Finished fits, client Finished fits",
        "[SERVER_HANDSHAKE_TRAFFIC_SECRET]",
    ):  # fmt: skip
        assert expected in told


def test_json_has_exactly_the_documented_fields(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(capture), "--json"]) == 0
    records = lines(capsys)
    assert all(set(record) == FIELDS for record in records)
    assert content(records, "client") == REQUEST and content(records, "server") == RESPONSE
    assert records[0]["handshake"] == ["client_hello"] and records[0]["version"] == "TLS 1.0"
    assert records[1]["version"] == "TLS 1.3" and records[1]["time"] == pytest.approx(1_700_000_000.001)


def test_json_gives_a_reason_where_there_is_no_plaintext(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sealed.pcapng"
    pcapng.write(path, packets(converse(*contexts())))
    assert main(["trace", str(path), "--json"]) == 0
    sealed = [record for record in lines(capsys) if record["plaintext"] is None]
    assert sealed and all(set(record) == FIELDS | {"reason"} and not record["decrypted"] for record in sealed)


def test_a_key_log_of_a_file_opens_a_capture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wire = converse(*contexts())
    path, log = tmp_path / "c.pcapng", tmp_path / "keys.log"
    pcapng.write(path, packets(wire))
    log.write_bytes(wire.log)
    assert main(["trace", str(path), "--keylog", str(log), "--json"]) == 0
    assert content(lines(capsys), "client") == REQUEST


def test_a_servers_key_opens_static_rsa_and_the_copy_needs_it_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wire = converse(*contexts(ssl.TLSVersion.TLSv1_2, "AES128-SHA256"))
    path, key, copy = tmp_path / "c.pcapng", tmp_path / "server.key", tmp_path / "copy.pcapng"
    pcapng.write(path, packets(wire))
    key.write_bytes(identity("rsa"))
    assert main(["trace", str(path), "--key", str(key), "--pcapng", str(copy), "--json"]) == 0
    assert content(lines(capsys), "server") == RESPONSE
    assert main(["trace", str(copy), "--json"]) == 0
    assert content(lines(capsys), "server") == RESPONSE


def test_streams_have_the_numbers_of_their_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = converse(*contexts()), converse(*contexts())
    mixed = [p for pair in zip(packets(first, 1024), packets(second, 1025), strict=False) for p in pair]
    path = tmp_path / "two.pcapng"
    pcapng.write(path, mixed, first.log + second.log)
    assert main(["trace", str(path), "--json"]) == 0
    assert {record["stream"] for record in lines(capsys)} == {0, 1}


def test_what_is_missing_in_a_capture_is_one_line_with_its_offset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wire = converse(*contexts())
    kept = [p for n, p in enumerate(packets(wire)) if n != 9]
    path = tmp_path / "gap.pcapng"
    pcapng.write(path, kept, wire.log)
    assert main(["trace", str(path)]) == 0
    assert "bytes are missing" in capsys.readouterr().out


def test_a_capture_that_is_cut_is_read_up_to_the_cut(
    capture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture.write_bytes(capture.read_bytes()[:-500])
    assert main(["trace", str(capture)]) == 0
    told = capsys.readouterr()
    assert "client_hello" in told.out and "the file ends inside a block" in told.err


def test_a_stream_without_tls_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "http.pcapng"
    pcapng.write(path, packets(Wire([(Side.CLIENT, REQUEST), (Side.SERVER, RESPONSE)])))
    assert main(["trace", str(path)]) == 0
    assert f"client byte 0: no TLS in {len(REQUEST)} bytes" in capsys.readouterr().out


# -- a URL


@pytest.mark.parametrize("extra", [[], ["--tls", "1.2"], ["--tls", "1.3"], ["--cipher", "AES256-GCM-SHA384"]])
def test_a_url_is_fetched_and_explained(
    url: str, extra: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", url, "--insecure", *extra]) == 0
    told = capsys.readouterr().out
    version = "TLS 1.3" if extra in ([], ["--tls", "1.3"]) else "TLS 1.2"
    assert f"  {version}, TLS_" in told and "| HTTP/1.1 200 OK" in told
    assert "The client says which versions, ciphers and keys it offers. (RFC 8446 §4.1.2)" in told
    assert " = HKDF-Expand-Label (RFC 8446 §7.3)" in told or " = PRF (RFC 5246 §6.3)" in told


def test_a_hello_retry_request_is_asked_for(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Our own client offers no key share; so the key schedule is known from the key agreement on."""
    assert main(["trace", url, "--insecure", "--hello-retry"]) == 0
    told = capsys.readouterr().out
    assert "after a HelloRetryRequest" in told and "handshake: hello_retry_request" in told
    assert "| HTTP/1.1 200 OK" in told and "Handshake Secret = HKDF-Extract (RFC 8446 §7.1)" in told


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"])
def test_a_suite_of_tls13_is_chosen(url: str, suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", url, "--insecure", "--cipher", suite, "--no-fields"]) == 0
    assert f"TLS 1.3, {suite}, x25519" in capsys.readouterr().out


def test_our_own_client_checks_the_certificate_too(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", url, "--hello-retry"]) == 2
    told = capsys.readouterr()
    assert "the certificate was refused" in told.err and told.out == ""


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_resumed_session_is_a_second_stream(
    url: str, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", url, "--insecure", "--tls", version, "--resume", "--no-fields"]) == 0
    told = capsys.readouterr().out
    assert "stream 1:" in told and ", resumed," in told


def test_a_url_leaves_a_capture_that_opens_without_a_key_log(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, log = tmp_path / "mine.pcapng", tmp_path / "keys.log"
    assert main(["trace", url, "--insecure", "--pcapng", str(out), "--keylog", str(log), "--json"]) == 0
    first = lines(capsys)
    assert log.stat().st_mode & 0o777 == 0o600
    assert main(["trace", str(out), "--json"]) == 0
    again = lines(capsys)
    without_time = [{**record, "time": None} for record in first]
    for side in ("client", "server"):
        assert [r for r in ({**x, "time": None} for x in again) if r["direction"] == side] == [
            record for record in without_time if record["direction"] == side
        ]


def test_a_refused_certificate_is_told_with_its_alert(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", url, "--no-fields"]) == 2
    told = capsys.readouterr()
    assert "alert: fatal unknown_ca" in told.out
    assert "netlab: " in told.err and "--cacert PEM names the root to trust" in told.err


# -- a tap


def test_a_tapped_connection_is_read_with_the_clients_key_log(url: str, tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    port = url.rstrip("/").rpartition(":")[2]
    command = [
        sys.executable, "-m", "netlab", "trace", "--listen", "0", "--to", f"127.0.0.1:{port}", "--keylog",
        str(log), "--connections", "1",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tapping:
        assert tapping.stdout is not None
        tapped = tapping.stdout.readline().split()[2].rpartition(":")[2]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.keylog_filename = str(log)
        assert connect(int(tapped), context).version == "TLSv1.3"
        told, _ = tapping.communicate(timeout=20)
    assert tapping.returncode == 0
    assert "| GET / HTTP/1.1" in told and "| HTTP/1.1 200 OK" in told


# -- pasted bytes


@pytest.mark.parametrize(
    "text",
    [
        ALERT, ALERT.replace(" ", ""), "0x15, 0x03, 0x03, 0x00, 0x02, 0x01, 0x00",
        r"\x15\x03\x03\x00\x02\x01\x00",
        "00000000  15 03 03 00 02 01 00                              |.......|", "15:03:03:00:02:01:00",
        "0000   15 03 03 00 02 01 00                               .......",
        "0000: 1503 0300 0201 00  .......",
    ],
)  # fmt: skip
def test_pasted_bytes_come_in_many_forms(text: str) -> None:
    assert pasted_bytes.parse(text) == bytes.fromhex("15030300020100")


def test_pasted_bytes_are_explained(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(ALERT))
    assert main(["trace", "--hex", "-"]) == 0
    told = capsys.readouterr().out
    assert "alert: warning close_notify" in told and "description: 0x00 close_notify" in told


def test_a_pasted_handshake_message_needs_no_record(capsys: pytest.CaptureFixture[str]) -> None:
    hello = converse(*contexts()).sent[0][1][5:]
    assert main(["trace", "--hex", hello.hex(), "--bytes"]) == 0
    told = capsys.readouterr().out
    assert "^" in told and "random" in told


@pytest.mark.parametrize("text", ["", "xyz", "123", "zz 00"])
def test_what_is_no_hexadecimal_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="--hex: "):
        pasted_bytes.parse(text)


# -- what is refused


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "give one source"),
        (["a.pcap", "--hex", "00"], "give one source"),
        (["--listen", "1"], "belong together"),
        (["--listen", "0", "--to", "nowhere"], "write HOST:PORT"),
        (["a.pcap", "--resume"], "goes with a URL"),
        (["a.pcap", "--hello-retry"], "--hello-retry is about a connection of our own"),
        (["https://localhost/", "--hello-retry", "--tls", "1.2"], "are of TLS 1.3"),
        (["https://localhost/", "--hello-retry", "--resume"], "trace one by one"),
        (["http://localhost/"], "has no TLS to trace"),
        (["https://127.0.0.1:1/"], "cannot reach 127.0.0.1 port 1"),
        (["https://localhost/", "--cipher", "ROT13"], "OpenSSL has no such suite"),
        (["no-such-file.pcap"], "No such file"),
        (["a.pcap", "--keylog", "no-such-file"], "No such file"),
        (["a.pcap", "--key", "no-such-file"], "No such file"),
        (["--hex", "474554202f"], "no TLS in these 5 bytes"),
        (["x", "--connections", "0"], "goes with --listen"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", *arguments]) == 2
    told = capsys.readouterr().err
    assert problem in told and told.startswith("netlab: ") and told.count("\n") <= 2


def test_a_file_that_is_no_capture_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, this is no capture.")
    assert main(["trace", str(path)]) == 2
    assert "it starts with 44 65 61 72" in capsys.readouterr().err


def test_a_page_is_written_beside_what_is_printed(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    assert main(["trace", str(capture), "--html", str(out)]) == 0
    assert "| GET / HTTP/1.1" in capsys.readouterr().out
    page = out.read_text()
    assert page.startswith("<!doctype html>") and "src=" not in page and "client: SYN" in page


def test_a_page_that_cannot_be_written_is_a_line(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(capture), "--html", "/no/such/folder/page.html"]) == 2
    assert "--html /no/such/folder/page.html: No such file" in capsys.readouterr().err


def test_ctrl_c_ends_a_tap_and_writes_what_was_asked_for(url: str, tmp_path: Path) -> None:
    out = tmp_path / "tap.pcapng"
    port = url.rstrip("/").rpartition(":")[2]
    command = [
        sys.executable, "-m", "netlab", "trace", "--listen", "0", "--to", f"127.0.0.1:{port}",
        "--pcapng", str(out),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tapping:
        assert tapping.stdout is not None
        tapped = tapping.stdout.readline().split()[2].rpartition(":")[2]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connect(int(tapped), context)
        told = tapping.stdout.readline()
        tapping.send_signal(signal.SIGINT)
        assert tapping.stderr is not None
        rest, complaints = tapping.stdout.read(), tapping.stderr.read()
    assert tapping.returncode == 0 and complaints == ""
    assert told.startswith("stream 0:") and "no secret: the key log has no" in rest
    assert len(pcapng.read(out)[0]) > 6
