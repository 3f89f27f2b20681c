"""`netlab fetch`: uploads, downloads that break off and go on, retries, HAR, chains, exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netlab.cli.fetching.terminal import Progress, Terminal
from netlab.client.explain import timing_lines
from netlab.client.timings import Timings
from netlab.tls import authority
from tests.client.canned import Canned, Fetch, answer
from tests.kit.clock import Clock

ETAG = 'ETag: "v1"'


def test_a_download_that_broke_off_is_gone_on_with(fetch: Fetch, tmp_path: Path) -> None:
    file = tmp_path / "film"
    rest = answer(b"56789", "Content-Range: bytes 5-9/10", ETAG, status="206 Partial Content")
    with Canned(answer(b"01234", ETAG, length=10), rest) as server:
        status, _, told = fetch("-o", str(file), server.url)
        assert (status, file.read_bytes()) == (18, b"01234") and "-C fetches the rest" in told
        assert fetch("-C", "-o", str(file), server.url)[0] == 0
    assert file.read_bytes() == b"0123456789"
    assert b"Range: bytes=5-\r\n" in server.requests[1] and b'If-Range: "v1"\r\n' in server.requests[1]
    assert [path.name for path in tmp_path.iterdir()] == ["film"]


def test_a_file_that_has_changed_meanwhile_comes_whole(fetch: Fetch, tmp_path: Path) -> None:
    file = tmp_path / "film"
    with Canned(answer(b"01234", ETAG, length=10), answer(b"new", 'ETag: "v2"')) as server:
        assert fetch("-o", str(file), server.url)[0] == 18
        assert fetch("-C", "-o", str(file), server.url)[0] == 0
    assert file.read_bytes() == b"new"


def test_a_part_that_does_not_fit_is_refused(fetch: Fetch, tmp_path: Path) -> None:
    file = tmp_path / "film"
    wrong = answer(b"6789", "Content-Range: bytes 6-9/10", ETAG, status="206 Partial Content")
    with Canned(answer(b"01234", ETAG, length=10), wrong) as server:
        fetch("-o", str(file), server.url)
        status, _, told = fetch("-C", "-o", str(file), server.url)
    assert status == 2 and "another part" in told and file.read_bytes() == b"01234"


def test_without_a_strong_validator_nothing_is_patched_together(fetch: Fetch, tmp_path: Path) -> None:
    file = tmp_path / "film"
    with Canned(answer(b"01234", 'ETag: W/"v1"', length=10), answer(b"0123456789")) as server:
        status, _, told = fetch("-o", str(file), server.url)
        assert status == 18 and "-C" not in told
        assert fetch("-C", "-o", str(file), server.url)[0] == 0
    assert b"Range:" not in server.requests[1] and file.read_bytes() == b"0123456789"


def test_retry_goes_on_where_the_content_broke_off(fetch: Fetch, tmp_path: Path) -> None:
    file = tmp_path / "film"
    rest = answer(b"56789", "Content-Range: bytes 5-9/10", ETAG, status="206 Partial Content")
    busy = answer(b"busy", status="503 Service Unavailable")
    with Canned(busy, answer(b"01234", ETAG, length=10), rest) as server:
        status, _, told = fetch("--retry", "2", "-o", str(file), server.url)
    assert (status, file.read_bytes()) == (0, b"0123456789")
    assert "status 503: trying again" in told and told.count("trying again") == 2


def test_a_post_is_not_repeated_once_it_may_have_been_carried_out(fetch: Fetch) -> None:
    with Canned(b"", answer(b"ran twice")) as server:
        status, out, _ = fetch("--retry", "2", "-d", "x", server.url)
    assert (status, out, len(server.requests)) == (2, b"", 1)


def test_the_last_answer_is_printed_when_retries_are_used_up(fetch: Fetch) -> None:
    with Canned(answer(b"one", status="503 No"), answer(b"two", status="503 No")) as server:
        assert fetch("--retry", "1", server.url)[:2] == (0, b"two")


def test_what_is_sent(fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    monkeypatch.chdir(tmp_path)
    with Canned(*[answer(b"ok", "Location: /x")] * 8) as server:
        fetch("-F", "n=v", "-F", f"f=@{file}", server.url)
        fetch("--json", '{"a":1}', server.url)
        fetch("-d", "a=1", "-d", "b=2", server.url)
        fetch("-u", "me:secret", server.url)
        fetch("--http1.0", server.url)
        fetch("--compressed", server.url)
        fetch("--resolve", f"a.example:{server.port}:127.0.0.1", f"http://a.example:{server.port}/")
        assert fetch("-O", f"{server.url}/dir/na%6De?q") == (0, b"", "")
    form, json_, pairs, auth, old, packed, resolved, _ = server.requests
    assert b'name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\ntext\r\n' in form
    assert (
        json_.startswith(b"POST / ") and b"application/json\r\n" in json_ and json_.endswith(b'\r\n{"a":1}')
    )
    assert pairs.endswith(b"\r\na=1&b=2")
    assert b"Authorization: Basic bWU6c2VjcmV0\r\n" in auth
    assert old.startswith(b"GET / HTTP/1.0\r\n")
    assert b"Accept-Encoding: gzip" in packed and b"Accept-Encoding" not in auth
    assert f"Host: a.example:{server.port}\r\n".encode() in resolved
    assert (tmp_path / "name").read_bytes() == b"ok"


def test_head_location_and_fail(fetch: Fetch) -> None:
    moved, missing = answer(b"", "Location: /x", status="302 Found"), answer(b"no", status="404 Not Found")
    with Canned(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", moved, answer(b"there"), moved, missing
    ) as server:
        out = fetch("-I", server.url)[1]
        assert out == b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
        assert fetch("-L", server.url)[1] == b"there"
        assert fetch(server.url)[0] == 0
        assert fetch("-f", server.url) == (22, b"", f"netlab: {server.url}/ answered 404 Not Found\n")


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["-d", "a", "--json", "1"], "give one of them"), (["-I", "-d", "a"], "the head alone"),
        (["-C"], "name it by -o or -O"), (["-o", "a", "-O"], "one of the two"),
        (["-O"], "without a file name"), (["--limit-rate", "fast"], "such as 200k"),
        (["-u", "me"], "NAME:PASSWORD"), (["-F", "x"], "NAME=VALUE"), (["--resolve", "x"], "HOST:PORT:ADDR"),
        (["--retry", "-1"], "0 or more"), (["-F", "f=@missing"], "No such"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line(fetch: Fetch, arguments: list[str], told: str) -> None:
    status, out, line = fetch(*arguments, "http://127.0.0.1:1/")
    assert (status, out) == (2, b"") and told in line and line.count("\n") == 1


def test_a_refused_certificate_shows_the_chain_and_the_broken_link(
    fetch: Fetch, certificates: authority.Certificates
) -> None:
    with Canned(certificates=certificates) as server:
        url = f"https://a.example:{server.port}/"
        told = fetch(
            "--cacert", str(certificates.root), "--resolve", f"a.example:{server.port}:127.0.0.1", url
        )[2]
        assert "the certificate is refused" in told
    with Canned(certificates=certificates) as server:
        other = certificates.leaf  # trusts something else
        status, _, told = fetch("--cacert", str(other), server.url)
    lines = told.splitlines()
    assert status == 2 and lines[0].startswith("the chain that the server sent")
    assert sum("<-- broken here" in line for line in lines) == 1
    assert "was not sent and is not trusted here" in told and "Traceback" not in told


def test_a_har_file_holds_the_conversation(fetch: Fetch, tmp_path: Path) -> None:
    moved = answer(b"", "Location: /x?a=b", "Set-Cookie: s=1; Path=/", status="302 Found")
    file = tmp_path / "out.har"
    with Canned(moved, answer("grün".encode(), "Content-Type: text/plain; charset=utf-8")) as server:
        assert fetch("-L", "--har", str(file), server.url)[0] == 0
    log = json.loads(file.read_text())["log"]
    first, second = log["entries"]
    assert (log["version"], first["response"]["status"], first["response"]["redirectURL"]) == (
        "1.2",
        302,
        "/x?a=b",
    )
    assert first["response"]["cookies"] == [{"name": "s", "value": "1"}]
    assert second["request"]["queryString"] == [{"name": "a", "value": "b"}]
    assert second["response"]["content"] == {
        "size": 5,
        "mimeType": "text/plain; charset=utf-8",
        "text": "grün",
    }
    total = sum(ms for name, ms in second["timings"].items() if ms > 0 and name != "ssl")
    assert second["time"] == pytest.approx(total)


def test_the_rate_is_limited(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("netlab.cli.fetching.pace.asyncio.sleep", sleep)
    with Canned(answer(bytes(300_000))) as server:
        assert fetch("--limit-rate", "100k", server.url)[0] == 0
    assert max(slept) == pytest.approx(300_000 / 102_400, abs=0.5)


def test_the_progress_bar_says_how_much_how_fast_and_how_long() -> None:
    clock = Clock()
    bar = Progress(Terminal(), size=4 << 20, done=1 << 20, shown=False, clock=clock)
    clock.now += 2
    bar.add(1 << 20)
    assert (
        bar.line(clock.now)
        == "[###############---------------]  50%  2.0 MiB of 4.0 MiB, 512.0 KiB/s, 0:04 left"
    )
    assert Progress(Terminal(), size=None, clock=clock).line(clock.now + 1) == "0 B, 0 B/s"


def test_the_timing_bar_is_drawn_to_scale() -> None:
    lines = list(timing_lines(Timings(dns=0.1, connect=0.1, tls=0.2, first_byte=0.5, content=0.1)))
    assert [line[29:49] for line in lines[1:-1]] == [
        "==                  ", "  ==                ", "    ====            ", "        ==========  ",
        "                  ==",
    ]  # fmt: skip
