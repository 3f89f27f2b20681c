"""Requests and responses: what goes out, what comes back, what is refused before anything is sent."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator

import pytest

import netlab
from netlab.client import (
    ContentTooLarge,
    InvalidRequest,
    InvalidURL,
    Reason,
    SessionClosed,
    Timeouts,
)
from netlab.client.decoding import accept_encoding
from netlab.client.url import parse_url
from tests.client.scripted import Peer, Scripted, answers


async def app(request: netlab.Request) -> netlab.Response:
    if request.path == "/echo":
        told = {
            "x-length": request.fields.get("content-length") or "",
            "x-type": request.fields["content-type"],
        }
        return netlab.Response(200, stream=request.stream(), fields=told)
    if request.path == "/fields":
        return netlab.Response(200, json.dumps([request.method, request.target, request.fields.lines]))
    if request.path == "/nothing":
        return netlab.Response(204)
    if request.path == "/trailers":
        return netlab.Response(200, stream=pieces(b"a", b"b"), trailers={"x-digest": "ab"})
    return netlab.Response(200, b'{"hello":"world"}', {"content-type": "application/json"})


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        await asyncio.sleep(0)
        yield piece


async def test_one_connection_carries_many_requests() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        for index in range(50):
            async with session.get(server.url) as response:
                assert (response.status, response.reason) == (200, "OK")
                assert await response.json() == {"hello": "world"}
                assert response.reused == (index > 0)
        assert server.stats()["open"] == 1
        assert session.pool.opened == 1
        assert repr(session.pool) == "<Pool 1 open of 100: 1 idle, 0 in use, 0 connecting; 0 waiting>"
        assert repr(response.connection) == f"<Connection #1 {server.url}, 50 requests, idle>"
    assert "closed: the session was closed" in repr(response.connection)
    assert repr(session).startswith("<Session closed, <Pool 0 open")


async def test_a_request_can_be_awaited_or_entered() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        response = await session.get(server.url)
        assert await response.text() == '{"hello":"world"}'
        assert response.headers is response.fields
        assert repr(response) == f"<ClientResponse GET {server.url}/ 200 OK>"
        async with session.get(server.url) as other:
            assert other.fields["Content-Type"] == "application/json"
            assert await other.read() is await other.read()


@pytest.mark.parametrize("size", [0, 1, 1000, 64 * 1024, 300_000, 2_000_000])
async def test_content_goes_out_and_comes_back(size: int) -> None:
    content = (bytes(range(256)) * (size // 256 + 1))[:size]
    async with netlab.Server(app) as server, netlab.Session() as session:
        async with session.post(server.url + "/echo", data=content) as response:
            assert await response.read() == content
            assert response.fields["x-length"] == str(size)
        async with session.put(server.url + "/echo", data=pieces(content, b"", b"end")) as response:
            assert await response.read() == content + b"end"
            assert response.fields["x-length"] == ""
        length = {"content-length": str(size + 3)}
        async with session.put(server.url + "/echo", data=pieces(content, b"end"), fields=length) as response:
            assert await response.read() == content + b"end"
            assert response.fields["x-length"] == str(size + 3)
        assert session.pool.opened == 1


async def test_an_echo_of_any_size_cannot_come_to_a_standstill() -> None:
    """Both directions at once: neither side may wait until the other has read everything."""

    async def many() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield bytes(100_000)

    async with netlab.Server(app) as server, netlab.Session() as session:
        async with session.post(server.url + "/echo", data=many()) as response:
            size = 0
            async for piece in response.stream():
                size += len(piece)
        assert size == 20_000_000
        async with session.post(server.url + "/echo", data=bytes(20_000_000)) as response:
            assert len(await response.read()) == 20_000_000
        assert session.pool.opened == 1


async def test_trailers_come_with_the_end_of_the_content() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        response = await session.get(server.url + "/trailers")
        assert await response.read() == b"ab"
        assert response.trailers["x-digest"] == "ab"


async def test_responses_without_content_have_none() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        async with session.head(server.url) as response:
            assert response.fields["content-length"] == "17"
            assert await response.read() == b""
        async with session.delete(server.url + "/nothing") as response:
            assert (response.status, await response.read()) == (204, b"")
        assert session.pool.opened == 1


async def test_what_is_sent_by_default_and_what_the_caller_says_instead() -> None:
    async with (
        netlab.Server(app) as server,
        netlab.Session(fields={"X-Mine": "1", "accept": "a/b"}) as session,
    ):
        url = f"http://localhost:{server.port}/fields?q=ü x%20y%zz#part"
        method, target, lines = json.loads(await (await session.get(url)).read())
        assert (method, target) == ("GET", "/fields?q=%C3%BC%20x%20y%25zz")
        assert lines == [
            ["Host", f"localhost:{server.port}"], ["User-Agent", "netlab/0.1"],
            ["Accept-Encoding", accept_encoding()], ["X-Mine", "1"], ["accept", "a/b"],
        ]  # fmt: skip
        given = [("x-mine", "2"), ("X-Mine", "3"), ("user-agent", "me"), ("host", "other")]
        response = await session.patch(f"{server.url}/fields", headers=given)
        method, _, lines = await response.json()
        assert method == "PATCH"
        assert lines == [
            ["host", "other"], ["Accept-Encoding", accept_encoding()], ["accept", "a/b"], ["x-mine", "2"],
            ["X-Mine", "3"], ["user-agent", "me"], ["Content-Length", "0"],
        ]  # fmt: skip


async def test_content_says_what_it_is() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        for given, kind in (
            ({"data": "grün"}, "text/plain; charset=utf-8"),
            ({"data": b"x"}, "application/octet-stream"),
            ({"json": {"a": [1]}}, "application/json"),
            ({"data": "x", "fields": {"content-type": "text/html"}}, "text/html"),
        ):
            async with session.post(server.url + "/echo", **given) as response:
                assert response.fields["x-type"] == kind
        async with session.options(server.url + "/echo", data="grün") as response:
            assert await response.text() == "grün"


REFUSED = [
    ({"data": b"x", "json": 1}, "not both"),
    ({"data": 5}, "give bytes, text, form fields"),
    ({"data": b"abc", "fields": {"content-length": "4"}}, "Content-Length is 4, the content has 3 bytes"),
    ({"fields": {"content-length": "+4"}}, "not one number"),
    ({"fields": {"transfer-encoding": "chunked"}}, "Transfer|transfer"),
    ({"fields": {"x": "a\r\nb: c"}}, "CR, LF"),
    ({"fields": {"x y": "a"}}, "not a token"),
    ({"fields": {"x": 5}}, "are text"),
    ({"fields": {"expect": "100-continue"}}, "expect100=True"),
    ({"fields": {"connection": "upgrade"}}, "close or keep-alive"),
]


@pytest.mark.parametrize("options, words", REFUSED, ids=[words for _, words in REFUSED])
async def test_what_must_not_be_sent_is_refused_at_once(options: dict[str, object], words: str) -> None:
    async with netlab.Session() as session:
        with pytest.raises(InvalidRequest, match=words):
            session.post("http://localhost:1/", **options)
        with pytest.raises(InvalidRequest, match="not a token"):
            session.request("GE T", "http://localhost:1/")


@pytest.mark.parametrize(
    "url, words",
    [
        ("localhost:80", "no scheme"),
        ("ftp://a/", "the scheme is 'ftp'"),
        ("http://", "no host"),
        ("http://a:b@c/", "no user name"),
        ("http://a:99999/", "out of range"),
        ("http://a:0/", "port 0"),
        ("http://a b/", "no host name"),
        ("http://[::1/", "Invalid IPv6"),
        ("http://[::g]/", "IPv6"),
        ("http://a/\nb", "control character"),
        ("http://" + "ä" * 80 + "/", "no host name"),
    ],
)
def test_what_is_no_url_is_refused_with_the_reason(url: str, words: str) -> None:
    with pytest.raises(InvalidURL, match=words):
        parse_url(url)


@pytest.mark.parametrize(
    "url, origin, authority, target",
    [
        ("http://A.Example", ("http", "a.example", 80), "a.example", "/"),
        ("https://a:443/x?y", ("https", "a", 443), "a", "/x?y"),
        ("http://a:8080?y", ("http", "a", 8080), "a:8080", "/?y"),
        ("http://[0:0::1]:81/", ("http", "::1", 81), "[::1]:81", "/"),
        (
            "http://bücher.example/é",
            ("http", "xn--bcher-kva.example", 80),
            "xn--bcher-kva.example",
            "/%C3%A9",
        ),
        ('http://a/"<>#f', ("http", "a", 80), "a", "/%22%3C%3E"),
    ],
)
def test_a_url_is_taken_apart(url: str, origin: tuple[str, str, int], authority: str, target: str) -> None:
    parsed = parse_url(url)
    assert (parsed.origin[:3], parsed.origin.authority, parsed.target) == (origin, authority, target)


async def test_interim_responses_are_skipped_and_kept() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 102 P\r\n\r\n")
        await peer.respond(b"done")

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.get(server.url)
        assert (response.status, await response.read()) == (200, b"done")
        assert [head.status for head in response.interim] == [103, 102]


async def test_content_waits_for_100_continue() -> None:
    async def script(peer: Peer) -> None:
        assert "Expect: 100-continue" in await peer.head()
        seen.append("head")
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await peer.read(5) == b"hello"
        await peer.respond()

    seen: list[str] = []
    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.put(server.url, data=b"hello", expect100=True)
        assert response.status == 200
        assert session.pool.counts()["idle"] == 1


async def test_without_100_continue_the_content_goes_after_a_while() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        assert await peer.read(5) == b"hello"
        await peer.respond()

    async with Scripted(script) as server, netlab.Session(timeouts=Timeouts(expect=0.01)) as session:
        response = await session.put(server.url, data=b"hello", expect100=True)
        assert response.status == 200


async def test_a_final_answer_instead_of_100_keeps_the_content_back() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.respond(b"no", status="403 Forbidden")
        left.append(await peer.until_closed())

    left: list[bytes] = []
    async with Scripted(script) as server, netlab.Session() as session:
        async with session.put(server.url, data=b"hello", expect100=True) as response:
            assert (response.status, await response.read()) == (403, b"no")
        assert session.pool.closed == {Reason.UNSENT: 1}
    assert left == [b""]


async def test_an_early_error_ends_the_upload_and_closes_its_producer() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.respond(status="413 Content Too Large")
        await peer.until_closed()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1000)
                await asyncio.sleep(0)
        finally:
            ended.set()

    ended = asyncio.Event()
    async with Scripted(script) as server, netlab.Session() as session:
        async with session.post(server.url, data=endless()) as response:
            assert response.status == 413
        async with asyncio.timeout(20):
            await ended.wait()
        assert response.connection.reason is Reason.UNSENT


async def test_what_the_producer_raises_reaches_the_caller() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.until_closed()

    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise ZeroDivisionError("mine")

    async with Scripted(script) as server, netlab.Session() as session:
        with pytest.raises(ZeroDivisionError, match="mine"):
            await session.post(server.url, data=broken())
        for data, words in ((pieces(b"12345"), "longer than"), (pieces(b"1"), "3 bytes before")):
            with pytest.raises(InvalidRequest, match=words):
                await session.post(server.url, data=data, fields={"content-length": "4"})
        assert session.pool.counts()["open"] == 0


async def test_read_has_a_limit_and_stream_has_none() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        response = await session.post(server.url + "/echo", data=bytes(1000))
        with pytest.raises(ContentTooLarge, match="larger than the 999 bytes"):
            await response.read(limit=999)
        response = await session.post(server.url + "/echo", data=bytes(1000))
        assert sum([len(piece) async for piece in response.stream()]) == 1000
    limits = netlab.Limits(content=999)
    async with netlab.Server(app) as server, netlab.Session(limits=limits) as session:
        with pytest.raises(ContentTooLarge, match="larger than 999 bytes"):
            await (await session.post(server.url + "/echo", data=bytes(1000))).read()


async def test_text_is_read_by_its_charset() -> None:
    async def script(peer: Peer) -> None:
        for kind in (
            "text/plain; charset=latin-1",
            'a/b; x=y; charset="UTF-8"',
            "text/plain; charset=nonsense",
        ):
            await peer.request()
            await peer.respond("é".encode("latin-1" if "latin" in kind else "utf-8"), f"Content-Type: {kind}")

    async with Scripted(script) as server, netlab.Session() as session:
        for _ in range(3):
            assert await (await session.get(server.url)).text() == "é"


async def test_a_session_stays_in_its_event_loop() -> None:
    session = netlab.Session()
    async with Scripted(answers) as server, session:
        await session.get(server.url)

        def elsewhere() -> None:
            with pytest.raises(RuntimeError, match="another event loop"):
                asyncio.run(session.get(server.url))  # type: ignore[arg-type]

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        with pytest.raises(InvalidRequest, match="two names for the same"):
            session.get(server.url, fields={}, headers={})


async def test_a_closed_session_says_so() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        started.set()
        await peer.until_closed()

    started = asyncio.Event()
    async with Scripted(script) as server:
        session = netlab.Session(limit=1)
        under_way = asyncio.create_task(session.get(server.url))
        await started.wait()
        in_line = asyncio.create_task(session.get(server.url))
        await asyncio.sleep(0)
        await session.close()
        await session.close()
        for task in (under_way, in_line):
            with pytest.raises(SessionClosed):
                await task
        with pytest.raises(SessionClosed):
            await session.get(server.url)
        assert session.pool.counts() == {"open": 0, "idle": 0, "in_use": 0, "connecting": 0, "waiting": 0}


async def test_a_forgotten_response_gives_its_place_back() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx")
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session(limit=1) as session:
        for _ in range(3):
            with pytest.warns(ResourceWarning, match="neither read nor released"):
                await session.get(server.url)
        assert session.pool.closed == {Reason.UNREAD: 3}


async def test_timings_tell_where_the_time_went() -> None:
    async with Scripted(answers) as server, netlab.Session() as session:
        first = (await session.get(server.url)).timings
        second = (await session.get(server.url)).timings
    assert first.connect > 0 and first.first_byte > 0 and not first.reused
    assert (second.dns, second.connect, second.tls, second.reused) == (0, 0, 0, True)
    assert first.total == first.dns + first.connect + first.first_byte + first.content


def test_every_wrong_setting_is_named_with_its_repair() -> None:
    with pytest.raises(ValueError, match=r"limit is -1: .*keepalive_timeout is 'x': .*drain is 1.5"):
        netlab.Session(limit=-1, keepalive_timeout="x", drain=1.5)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"head is 0: give a number of seconds above 0, such as 60\.0; stall"
    ):
        Timeouts(head=0, stall=-1)
