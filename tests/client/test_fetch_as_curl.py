"""`netlab fetch` where a user's hand knows curl: its letters in combination, and what each must not do."""

from __future__ import annotations

import json
from email.utils import formatdate
from pathlib import Path

import pytest

from netlab.cli.fetching.download import _strong_validator
from netlab.http1.fields import Fields
from netlab.tls import authority
from tests.client.canned import Canned, Fetch, answer

OK = answer(b"ok")
ETAG = 'ETag: "v1"'
EARLY, LATER = "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:09 GMT"
BROKEN = answer(b"01234", ETAG, length=10)


def head_of(request: bytes) -> list[str]:
    return request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")


# -- what is sent -------------------------------------------------------------------------------------------


def test_json_is_asked_for_where_json_is_sent(fetch: Fetch) -> None:
    with Canned(OK, OK) as server:
        fetch("--json", '{"a":1,', "--json", '"b":2}', server.url)
        fetch("--json", "1", "-H", "Accept: x/y", server.url)
    first, second = server.requests
    assert {"Accept: application/json", "Content-Type: application/json"} < set(head_of(first))
    assert json.loads(first.partition(b"\r\n\r\n")[2]) == {"a": 1, "b": 2}
    assert [line for line in head_of(second) if line.startswith("Accept")] == ["Accept: x/y"]


def test_a_form_part_takes_a_type_a_file_name_and_the_text_of_a_file(fetch: Fetch, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    with Canned(OK) as server:
        parts = [
            f"f=@{file};type=text/x; charset=utf-8;filename=b.bin",
            f"t=<{file}",
            "v=1;type=x/y",
            "p=a;b",
        ]
        fetch(*[word for part in parts for word in ("-F", part)], server.url)
    sent = server.requests[0]
    assert b'name="f"; filename="b.bin"\r\nContent-Type: text/x; charset=utf-8\r\n\r\ntext\r\n' in sent
    assert b'name="t"\r\n\r\ntext\r\n' in sent
    assert b'name="v"\r\nContent-Type: x/y\r\n\r\n1\r\n' in sent
    assert b'name="p"\r\n\r\na;b\r\n' in sent


def test_data_of_a_file_loses_its_line_ends_but_as_binary(fetch: Fetch, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"a=1\r\nb=2\n\0")
    with Canned(OK, OK, OK) as server:
        for option, value in (("-d", f"@{file}"), ("--data-binary", f"@{file}"), ("--data-raw", "@x\n")):
            fetch(option, value, server.url)
    contents = [request.partition(b"\r\n\r\n")[2] for request in server.requests]
    assert contents == [b"a=1b=2", b"a=1\r\nb=2\n\0", b"@x\n"]


def test_a_header_with_a_colon_alone_is_not_sent(fetch: Fetch) -> None:
    with Canned(OK, OK) as server:
        fetch("-H", "Accept:", "-H", "user-agent:", server.url)
        fetch("--json", "1", "-H", "Accept:", server.url)
    for request in server.requests:
        assert not any(line.startswith("Accept:") for line in head_of(request))
    assert not any(line.lower().startswith("user-agent") for line in head_of(server.requests[0]))


def test_letters_stand_together_and_a_url_needs_no_scheme(fetch: Fetch) -> None:
    with Canned(OK, OK) as server:
        bare = server.url.removeprefix("http://")
        assert fetch("-fsSL", "-m", "20", bare)[:2] == (0, b"ok")
        assert fetch(bare.rstrip("/") + "?q=http://x/", "--max-time", "20")[:2] == (0, b"ok")
    assert b"q=http://x/" in server.requests[1]


def test_what_curl_has_beyond_ours_is_named_with_its_way(fetch: Fetch) -> None:
    status, _, err = fetch("-b", "a=b", "http://127.0.0.1:1/")
    assert status == 2 and "there is no option -b here: give -H 'Cookie: NAME=VALUE'" in err


def test_a_header_with_a_semicolon_is_sent_empty(fetch: Fetch) -> None:
    with Canned(OK) as server:
        fetch("-H", "X-Empty;", server.url)
    assert "X-Empty: " in head_of(server.requests[0])


@pytest.mark.parametrize("arguments", [["-C"], ["-C", "-"]])
def test_c_may_stand_before_the_url_with_and_without_curls_dash(
    fetch: Fetch, tmp_path: Path, arguments: list[str]
) -> None:
    with Canned(OK) as server:
        assert fetch("-o", str(tmp_path / "new"), *arguments, server.url)[0] == 0
    assert (tmp_path / "new").read_bytes() == b"ok"


@pytest.mark.parametrize(
    "arguments, told",
    [
        ([], "no URL given"), (["-C", "5", "-o", "x", "http://127.0.0.1:1/"], "give no offset"),
        (["--resolve", "a.example:80:nonsense", "http://a.example/"], "'nonsense' is no address"),
        (["-F", "f=@missing;type=x/y", "http://127.0.0.1:1/"], "-F f=@missing;type=x/y: cannot read missing"),
        (["http://me:secret@127.0.0.1:1/"], "-u in `netlab fetch`"),
    ],
)  # fmt: skip
def test_wrong_usage_says_what_to_give(fetch: Fetch, arguments: list[str], told: str) -> None:
    status, out, line = fetch(*arguments)
    assert (status, out) == (2, b"") and told in line and line.count("\n") == 1 and "secret" not in line


# -- what is kept, and what is tried again ------------------------------------------------------------------


@pytest.mark.parametrize(
    "second, told",
    [
        (answer(b"page", status="500 Oops"), "answered 500"),
        (answer(b"page", "Location: /x", status="302 Found"), "answered 302"),
        (
            answer(b"56789", "Content-Range: bytes 5-9/10", 'ETag: "v2"', status="206 Partial Content"),
            "a part of another version",
        ),
    ],
)
def test_a_broken_download_is_never_replaced_by_what_is_not_its_rest(
    fetch: Fetch, tmp_path: Path, second: bytes, told: str
) -> None:
    file = tmp_path / "film"
    with Canned(BROKEN, second) as server:
        assert fetch("-o", str(file), server.url)[0] == 18
        status, _, line = fetch("-C", "-o", str(file), server.url)
    assert status == 2 and told in line and file.read_bytes() == b"01234"


def test_an_error_page_replaces_no_file_where_fail_is_given(fetch: Fetch, tmp_path: Path) -> None:
    file = tmp_path / "good"
    file.write_bytes(b"good")
    with Canned(answer(b"page", status="404 Not Found")) as server:
        assert fetch("-f", "-o", str(file), server.url)[0] == 22
    assert file.read_bytes() == b"good"


def test_what_was_printed_is_not_printed_twice_by_a_retry(fetch: Fetch) -> None:
    with Canned(BROKEN) as server:
        status, out, _ = fetch("--retry", "3", server.url)
    assert (status, out, len(server.requests)) == (18, b"01234", 1)


def test_retry_after_is_seconds_or_a_date_and_a_long_one_ends_the_attempts(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netlab.cli.fetch.time.time", lambda: 1_000_000_000.0)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("netlab.cli.fetch.asyncio.sleep", sleep)
    date = formatdate(1_000_000_007, usegmt=True)
    busy = [answer(b"", f"Retry-After: {after}", status="503 Busy") for after in ("3", date, "wrong")]
    with Canned(*busy, OK, answer(b"later", "Retry-After: 3600", status="429 Slow")) as server:
        assert fetch("--retry", "3", server.url)[:2] == (0, b"ok")
        assert fetch("--retry", "3", server.url)[:2] == (0, b"later")
    assert waits == [3.0, 7.0, pytest.approx(0.04)]


@pytest.mark.parametrize(
    "lines, validator",
    [
        ([("etag", '"a"')], '"a"'), ([("etag", 'W/"a"')], None), ([], None),
        ([("last-modified", EARLY), ("date", LATER)],
         EARLY),
        ([("last-modified", EARLY), ("date", EARLY)], None),
        ([("last-modified", EARLY)], None),
        ([("etag", 'W/"a"'), ("last-modified", EARLY),
          ("date", LATER)], None),
    ],
)  # fmt: skip
def test_only_a_strong_validator_stands_in_if_range(
    lines: list[tuple[str, str]], validator: str | None
) -> None:
    assert _strong_validator(Fields(lines)) == validator


def test_the_rate_holds_for_what_is_sent_too(
    fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("netlab.cli.fetching.pace.asyncio.sleep", sleep)
    file = tmp_path / "up"
    file.write_bytes(bytes(50_000))
    with Canned(answer(b"", "Location: /x", status="307 Temporary Redirect"), OK, OK) as server:
        assert fetch("-L", "--limit-rate", "10k", "--data-binary", f"@{file}", server.url)[:2] == (0, b"ok")
        assert fetch("--limit-rate", "10k", "-F", f"f=@{file}", server.url)[:2] == (0, b"ok")
    assert max(waits) == pytest.approx(50_000 / 10_240, abs=0.5)
    assert all(b"Content-Length: 50" in request for request in server.requests)
    assert server.requests[1].endswith(bytes(50_000))


# -- TLS: the wrong port, and redirects ---------------------------------------------------------------------


def test_http_on_a_tls_port_is_said(fetch: Fetch, certificates: authority.Certificates) -> None:
    with Canned(certificates=certificates) as server:
        status, _, line = fetch(f"http://127.0.0.1:{server.port}/a?b")
    assert status == 2
    assert f"port {server.port} speaks TLS, write https://127.0.0.1:{server.port}/a?b" in line


def test_a_plain_answer_of_400_is_not_said_to_be_of_a_tls_port(fetch: Fetch) -> None:
    with Canned(answer(b"no", status="400 Bad Request")) as server:
        assert fetch(server.url) == (0, b"no", "")


def test_insecure_and_cacert_hold_behind_a_redirect_to_https(
    fetch: Fetch, certificates: authority.Certificates
) -> None:
    with Canned(OK, OK, certificates=certificates) as secure:
        moved = answer(b"", f"Location: https://localhost:{secure.port}/", status="302 Found")
        with Canned(moved, moved) as plain:
            assert fetch("-k", "-L", plain.url)[:2] == (0, b"ok")
            assert fetch("--cacert", str(certificates.root), "-L", plain.url)[:2] == (0, b"ok")


def test_a_redirect_to_http_is_refused_unless_it_is_allowed(
    fetch: Fetch, certificates: authority.Certificates
) -> None:
    with Canned(OK) as plain:
        moved = answer(b"", f"Location: {plain.url}/", status="302 Found")
        with Canned(moved, moved, certificates=certificates) as secure:
            status, _, line = fetch("-k", "-L", secure.url)
            assert status == 2 and "--allow-downgrade" in line
            assert fetch("-k", "-L", "--allow-downgrade", secure.url)[:2] == (0, b"ok")


def test_the_chain_of_a_refused_certificate_is_that_of_the_server_that_was_refused(
    fetch: Fetch, certificates: authority.Certificates
) -> None:
    with Canned(certificates=certificates) as secure:
        moved = answer(b"", f"Location: https://a.example:{secure.port}/", status="302 Found")
        with Canned(moved) as plain:
            resolve = f"a.example:{secure.port}:127.0.0.1"
            arguments = ["-L", "--resolve", resolve, "--cacert", str(certificates.root), plain.url]
            status, _, lines = fetch(*arguments)
    assert status == 2 and "<-- broken here: it is for" in lines and "not for a.example" in lines


def test_a_har_file_counts_what_was_sent(fetch: Fetch, tmp_path: Path) -> None:
    file, moved = tmp_path / "out.har", answer(b"", "Location: /x", status="302 Found")
    with Canned(moved, OK, OK) as server:
        fetch("-L", "--har", str(file), "-d", "a=1", server.url)
        first, second = json.loads(file.read_text())["log"]["entries"]
        fetch("--har", str(file), "-F", "a=1", server.url)
        (form,) = json.loads(file.read_text())["log"]["entries"]
    assert first["request"]["postData"]["text"] == "a=1" and first["request"]["bodySize"] == 3
    assert "postData" not in second["request"] and second["request"]["bodySize"] == 0
    assert first["startedDateTime"] <= second["startedDateTime"]
    assert form["request"]["bodySize"] == -1
