"""A folder is served, and nothing outside it; ranges and conditions as a video player asks for them."""

from __future__ import annotations

import errno
import hashlib
import os
import ssl
import subprocess
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http import HTTPMethod
from pathlib import Path

import pytest

from netlab.cli.demonstration import KNOWN
from netlab.http1 import Fields, RequestHead
from netlab.http1.framing import NO_CONTENT
from netlab.server import files
from netlab.server.files import Folder
from netlab.server.request import Request
from netlab.server.response import Response

from .conftest import Process, Raw, need

BIG = 5 * (1 << 20) + 17


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files, and secrets beside it."""
    above = tmp_path_factory.mktemp("above")
    folder = above / "public"
    (folder / "sub").mkdir(parents=True)
    (folder / "hello.txt").write_bytes(b"hello, file")
    (folder / "empty").write_bytes(b"")
    (folder / "big.bin").write_bytes(bytes(range(256)) * (BIG // 256) + bytes(BIG % 256))
    (folder / "sub" / "index.html").write_text("<p>index")
    (folder / "name with ü & <b>.txt").write_text("odd")
    (folder / "data.json.gz").write_bytes(b"\x1f\x8b")
    (folder / "tomorrow").write_text("not yet")
    for name in ("über", "a\r\nb", "a?b", "c%0d"):
        (folder / "sub" / name).mkdir()
    (above / "secret").write_text("SECRET")
    (folder / ".env").write_text("SECRET")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("SECRET")
    (folder / ".well-known").mkdir()
    (folder / ".well-known" / "security.txt").write_text("Contact: us")
    for name, target in (("linked", folder / "hello.txt"), ("leaving", above / "secret")):
        (folder / name).mkdir()
        (folder / name / "index.html").symlink_to(target)
    (folder / "inside").symlink_to(folder / "hello.txt")
    (folder / "leaves").symlink_to(above / "secret")
    (folder / "up").symlink_to(above)
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "fifo")
    os.utime(folder / "hello.txt", (1_700_000_000, 1_700_000_000))
    os.utime(folder / "tomorrow", (4_000_000_000, 4_000_000_000))
    return folder


@pytest.fixture(scope="module", autouse=True)
def servers(root: Path, certificates: Path) -> Iterator[dict[str, Process]]:
    """Both run before the first test."""
    keys = ("--cert", str(certificates / "chain.pem"), "--key", str(certificates / "leaf.key"))
    made = {
        "plain": Process("--dir", str(root), "--listing"),
        "secure": Process("--dir", str(root), "--listing", *keys),
    }
    yield made
    for server in made.values():
        assert server.stop()[0] == 0


@pytest.fixture(params=["plain", "secure"])
def client(request: pytest.FixtureRequest, servers: dict[str, Process], certificates: Path) -> Iterator[Raw]:
    secure = request.param == "secure"
    trust = ssl.create_default_context(cafile=str(certificates / "root.pem")) if secure else None
    made = Raw(servers[request.param].port, trust)
    yield made
    made.close()


def get(client: Raw, target: str, *lines: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    client.send("\r\n".join([f"{method} {target} HTTP/1.1", "Host: a", *lines, "", ""]).encode())
    if method == "HEAD":
        head = client.until(b"\r\n\r\n").decode().lower()
        fields = dict(line.split(": ", 1) for line in head[:-4].split("\r\n")[1:])
        return int(head.split()[1]), fields, b""
    return client.response()


def test_a_file_whole_and_its_head(client: Raw) -> None:
    status, fields, content = get(client, "/hello.txt")
    assert (status, content) == (200, b"hello, file")
    assert fields["content-type"] == "text/plain" and fields["accept-ranges"] == "bytes"
    assert fields["last-modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert get(client, "/hello.txt", method="HEAD")[1]["content-length"] == "11"
    assert get(client, "/empty")[0::2] == (200, b"")
    assert get(client, "/sub/")[2] == b"<p>index"
    assert get(client, "/sub")[1]["location"] == "/sub/"
    assert get(client, "/name%20with%20%C3%BC%20&%20%3Cb%3E.txt")[2] == b"odd"
    assert get(client, "/inside")[2] == b"hello, file"
    assert get(client, "/linked/")[2] == get(client, "/linked/index.html")[2] == b"hello, file"
    assert get(client, "/.well-known/security.txt")[2] == b"Contact: us"


def test_a_large_file_arrives_whole(client: Raw, root: Path) -> None:
    content = get(client, "/big.bin")[2]
    assert hashlib.sha256(content).digest() == hashlib.sha256((root / "big.bin").read_bytes()).digest()


@pytest.mark.parametrize("target", [
    "/../secret", "/sub/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/sub/%2e%2e/%2e%2e/secret",
    "/leaves", "/up/secret", "/loop", "/fifo", "/hello.txt/", "/hello.txt%00", "/..\\secret", "//secret/..",
    "/nothing", "/./hello.txt", "/%ff%fe", "/sub%5cindex.html", "/leaving/index.html",
    "/.env", "/.git/config", "/%2egit/config", "/.git/",
])  # fmt: skip
def test_nothing_outside_and_nothing_odd(client: Raw, target: str) -> None:
    status, _, content = get(client, target)
    assert status == 404 and b"SECRET" not in content


RANGES = [
    ("bytes=0-4", 206, b"hello", "bytes 0-4/11"),
    ("bytes=7-", 206, b"file", "bytes 7-10/11"),
    ("bytes=-4", 206, b"file", "bytes 7-10/11"),
    ("bytes=-400", 206, b"hello, file", "bytes 0-10/11"),
    ("bytes=5-400", 206, b", file", "bytes 5-10/11"),
    ("BYTES=0-0", 206, b"h", "bytes 0-0/11"),
    ("bytes=11-", 416, b"", "bytes */11"),
    ("bytes=-0", 416, b"", "bytes */11"),
    ("bytes=4-2", 200, b"hello, file", None),
    ("bytes=0-1,3-4", 200, b"hello, file", None),
    ("bytes=a-b", 200, b"hello, file", None),
    ("bytes=+1-2", 200, b"hello, file", None),
    ("lines=0-1", 200, b"hello, file", None),
    ("bytes", 200, b"hello, file", None),
]


@pytest.mark.parametrize(("asked", "status", "content", "named"), RANGES)
def test_ranges(client: Raw, asked: str, status: int, content: bytes, named: str | None) -> None:
    got = get(client, "/hello.txt", f"Range: {asked}")
    assert (got[0], got[2], got[1].get("content-range")) == (status, content, named)


def test_conditions_in_their_order(client: Raw) -> None:
    fields = get(client, "/hello.txt")[1]
    tag, date = fields["etag"], fields["last-modified"]
    old, new = "Mon, 13 Nov 2023 22:13:20 GMT", "Wed, 15 Nov 2023 22:13:20 GMT"
    expected = [
        ((f"If-None-Match: {tag}",), 304),
        ((f'If-None-Match: "x", W/{tag}',), 304),
        (("If-None-Match: *",), 304),
        (('If-None-Match: "x"', f"If-Modified-Since: {date}"), 200),  # the tag outranks the date
        ((f"If-Modified-Since: {date}",), 304),
        ((f"If-Modified-Since: {old}",), 200),
        (("If-Modified-Since: yesterday",), 200),
        ((f"If-Match: {tag}",), 200),
        ((f"If-Match: W/{tag}",), 412),  # a strong comparison
        (('If-Match: "x"',), 412),
        ((f"If-Unmodified-Since: {old}",), 412),
        ((f"If-Unmodified-Since: {new}",), 200),
        ((f"If-Range: {tag}", "Range: bytes=0-1"), 206),
        ((f"If-Range: {date}", "Range: bytes=0-1"), 206),
        (('If-Range: "x"', "Range: bytes=0-1"), 200),
        ((f"If-Range: W/{tag}", "Range: bytes=0-1"), 200),
        ((f"If-None-Match: {tag}", "Range: bytes=0-1"), 304),
    ]
    got = [(lines, get(client, "/hello.txt", *lines)[0]) for lines, _ in expected]
    assert got == expected


@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since"])
def test_a_date_that_is_none_or_two_is_ignored(client: Raw, name: str) -> None:
    # Each would be a 304 or a 412 if the server read a date into it.
    day = "Wed, 15 Nov 2023" if name == "If-Modified-Since" else "Mon, 13 Nov 2023"
    date = f"{day} 22:13:20 GMT"
    assert get(client, "/hello.txt", f"{name}: {date}")[0] in (304, 412)
    others = [
        f"{day} 22:13:20 {zone}".strip() for zone in ("EST", "UTC", "+0000", "gmt", "", "GMT; length=11")
    ]
    for value in (*others, date[5:], f"{day} 22:13 GMT", f"{date}, {date}"):
        assert get(client, "/hello.txt", f"{name}: {value}")[0] == 200, value
    assert get(client, "/hello.txt", f"{name}: {date}", f"{name}: {date}")[0] == 200
    assert get(client, "/hello.txt", f"{name}: {date[:3]}", f"{name}: {date[5:]}")[0] == 200


def test_a_leap_second_is_a_date(client: Raw) -> None:
    for form in (
        "Sat, 31 Dec 2016 23:59:60 GMT",
        "Saturday, 31-Dec-16 23:59:60 GMT",
        "Sat Dec 31 23:59:60 2016",
    ):
        assert get(client, "/hello.txt", f"If-Unmodified-Since: {form}")[0] == 412


def test_a_file_from_the_future_was_modified_now(client: Raw) -> None:
    fields = get(client, "/tomorrow")[1]
    assert parsedate_to_datetime(fields["last-modified"]) == parsedate_to_datetime(fields["date"])
    resumed = get(client, "/tomorrow", f"If-Range: {fields['last-modified']}", "Range: bytes=0-1")
    assert resumed[0] == 200  # what is modified now may be modified again


def test_what_the_client_knows_is_not_said_again(client: Raw) -> None:
    fields = get(client, "/hello.txt")[1]
    part = {"date", "etag", "content-range", "content-length"}
    for condition in (fields["etag"], fields["last-modified"]):
        status, told, content = get(client, "/hello.txt", f"If-Range: {condition}", "Range: bytes=0-4")
        assert (status, content, told.keys()) == (206, b"hello", part)
    for condition in (f"If-None-Match: {fields['etag']}", f"If-Modified-Since: {fields['last-modified']}"):
        status, told, _ = get(client, "/hello.txt", condition)
        assert (status, told.keys(), told["etag"]) == (304, {"date", "etag"}, fields["etag"])
    # Who names no copy, or another one, is told everything.
    every = {"last-modified", "accept-ranges", "content-type"}
    assert get(client, "/hello.txt", "Range: bytes=0-4")[1].keys() == part | every
    assert get(client, "/hello.txt", "Range: bytes=0-4", 'If-Range: "x"')[1].keys() >= every


@pytest.mark.parametrize(("name", "kind"), [
    ("/data.json.gz", "application/gzip"), ("/a.tar.gz", "application/gzip"), ("/a.tgz", "application/gzip"),
    ("/logo.svgz", "application/gzip"), ("/page.html.br", "application/octet-stream"),
    ("/a.TAR.GZ", "application/gzip"), ("/a.csv.zst", "application/zstd"),
    ("/a.sql.bz2", "application/x-bzip2"),
    ("/a.txt.xz", "application/x-xz"), ("/a.txt.Z", "application/x-compress"),
    ("/gz", "application/octet-stream"),
    ("/v1.gz/page.html", "text/html"), ("/data.json", "application/json"), ("/a.svg", "image/svg+xml"),
])  # fmt: skip
def test_a_compressed_file_has_the_media_type_of_its_compression(name: str, kind: str) -> None:
    assert files.media_type(name) == kind


def test_a_compressed_file_is_sent_with_that_type_and_without_a_coding(client: Raw) -> None:
    _, fields, content = get(client, "/data.json.gz")
    assert (fields["content-type"], content) == ("application/gzip", b"\x1f\x8b")
    assert "content-encoding" not in fields


@pytest.mark.parametrize("path", [
    "/a" * 4000, "/" * 8000, "/" * 4000 + "nothing", "/hello.txt" * 700, "/inside" + "/a" * 2000,
    "/sub/" + "x/" * 3000,
])  # fmt: skip
async def test_a_long_path_costs_as_many_system_calls_as_it_has_folders(
    root: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("open", "lstat"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *given, call=real, what=name, **more: calls.append(what) or call(*given, **more)
        )
    head = RequestHead().begin("GET", path, 1, Fields(), NO_CONTENT, True)
    response = await Folder(root)(Request().begin(head))
    assert response.status == 404
    assert len(calls) < 40, f"{len(calls)} system calls"


async def ask(folder: Folder, **fields: str) -> Response:
    """A request without a server, so that the clock can be set."""
    lines = Fields({name.replace("_", "-"): value for name, value in fields.items()})
    head = RequestHead().begin("GET", "/file", 1, lines, NO_CONTENT, True)
    response = await folder(Request().begin(head))
    if response.stream is not None:
        await response.stream.aclose()  # type: ignore[union-attr]
    return response


async def test_the_clock_decides_which_dates_are_of_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    # 10 ns before the next second: in a float, it would be the next.
    os.utime(tmp_path / "file", ns=(0, 1_700_000_000_999_999_990))
    now = 1_700_000_000.5
    folder = Folder(tmp_path, clock=lambda: now)
    date = "Tue, 14 Nov 2023 22:13:20 GMT"
    for now, said in [
        (1_699_999_999.5, "Tue, 14 Nov 2023 22:13:19 GMT"),
        (1_700_000_000.5, date),
        (1_700_000_001.5, date),
    ]:
        assert dict((await ask(folder)).fields)["last-modified"] == said  # type: ignore[arg-type]
        resumed = await ask(folder, if_range=date, range="bytes=0-1")
        assert resumed.status == (206 if now > 1_700_000_001 else 200)


@pytest.mark.parametrize(("target", "location"), [
    ("/sub", "/sub/"), ("/sub?x", "/sub/?x"), ("/sub?x=//a&y=%0d%0a?", "/sub/?x=//a&y=%0d%0a?"),
    ("//sub", "/sub/"), ("/%2fsub", "/sub/"), ("/%2F//%2fsub?x", "/sub/?x"), ("///sub", "/sub/"),
    ("//sub//%c3%bcber", "/sub//%C3%BCber/"), ("/sub/a%0d%0ab", "/sub/a%0D%0Ab/"),
    ("/sub/a%3fb?c", "/sub/a%3Fb/?c"), ("/sub/c%250d", "/sub/c%250d/"), ("http://a//sub", "/sub/"),
])  # fmt: skip
def test_a_folder_without_its_slash_never_names_a_host(client: Raw, target: str, location: str) -> None:
    status, fields, _ = get(client, target)
    assert (status, fields["location"]) == (308, location)


def test_methods_that_are_not_allowed_and_that_are_not_known(client: Raw) -> None:
    for method in ("POST", "PUT", "DELETE", "TRACE", "PATCH"):
        status, fields, _ = get(client, "/hello.txt", "Content-Length: 0", method=method)
        assert (status, fields["allow"]) == (405, "GET, HEAD, OPTIONS"), method
    for method in ("FOO", "get", "Get", "PROPFIND", "__members__"):
        status, fields, _ = get(client, "/hello.txt", "Content-Length: 0", method=method)
        assert status == 501 and "allow" not in fields, method
    assert frozenset(HTTPMethod.__members__) == KNOWN  # the other app says the same


def test_options_and_the_listing(client: Raw) -> None:
    assert get(client, "/hello.txt", method="OPTIONS")[1]["allow"] == "GET, HEAD, OPTIONS"
    page = get(client, "/")[2].decode()
    assert "name%20with%20%C3%BC%20%26%20%3Cb%3E.txt" in page and "&lt;b&gt;" in page
    assert "<b>" not in page


@pytest.mark.linux("/proc/PID/fd")
async def test_a_file_that_cannot_be_described_is_closed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OverflowError("a year that no date has")

    monkeypatch.setattr(files, "evaluate", fails)
    head = RequestHead().begin("GET", "/hello.txt", 1, Fields(), NO_CONTENT, True)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OverflowError):
        await Folder(root)(Request().begin(head))
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("path", ["/hello.txt", "/sub/"])
async def test_without_descriptors_it_is_busy_and_the_file_not_gone(
    root: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    served = Folder(root, listing=True)
    head = RequestHead().begin("GET", path, 1, Fields(), NO_CONTENT, True)
    if path == "/sub/":
        once = os.open(root / "sub", os.O_RDONLY)
        opened = iter([once])
        monkeypatch.setattr(served, "_open", lambda path: next(opened, None) or full())
    else:
        monkeypatch.setattr(served, "_open", full)
    assert (await served(Request().begin(head))).status == 503


def test_curl_resumes_a_download(servers: dict[str, Process], root: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes((root / "big.bin").read_bytes()[:1_000_000])
    command = [need("curl", "curl"), "-sSf", "-C", "-", "-o", str(part), servers["plain"].url + "/big.bin"]
    subprocess.run(command, check=True, timeout=30)
    assert part.read_bytes() == (root / "big.bin").read_bytes()


@pytest.mark.linux("/proc/PID/fd")
def test_no_descriptor_stays_open(servers: dict[str, Process], client: Raw) -> None:
    server = next(s for s in servers.values() if s.port == client.socket.getpeername()[1])
    get(client, "/nothing")  # by now our own connection has been accepted
    count = len(os.listdir(f"/proc/{server.child.pid}/fd"))
    for _ in range(20):
        get(client, "/hello.txt")
        get(client, "/hello.txt", "Range: bytes=99-")
        get(client, "/hello.txt", method="HEAD")
        get(client, "/sub/")
        get(client, "/")
    for _ in range(5):  # clients that leave in the middle
        leaver = Raw(
            server.port, None if server.url.startswith("http:") else ssl._create_unverified_context()
        )
        leaver.send(b"GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        leaver.until(b"\r\n\r\n")
        leaver.close()
    deadline = time.monotonic() + 20
    while len(os.listdir(f"/proc/{server.child.pid}/fd")) > count and time.monotonic() < deadline:
        get(client, "/nothing")
    assert len(os.listdir(f"/proc/{server.child.pid}/fd")) == count
