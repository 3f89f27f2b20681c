"""Odd fields, pieces, URLs and moments to close: what contradicts itself is refused, nothing leaks."""

from __future__ import annotations

import array
import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import netlab
from netlab.client import (
    InvalidRequest,
    InvalidURL,
    Reason,
    SessionClosed,
    Timeouts,
)
from netlab.client.url import parse_url
from tests.client.clock import failure_of
from tests.client.scripted import Peer, Scripted, answers
from tests.kit.waiting import until

pytestmark = pytest.mark.usefixtures("no_task_left")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


# -- what a request says about itself -------------------------------------------------------------------


async def heads_of(fields: Any, own: Any = None) -> tuple[list[str], netlab.Session]:
    """The field lines of a POST of 11 bytes from a session with these fields, in lower case."""
    heads: list[str] = []

    async def script(peer: Peer) -> None:
        heads.append(await peer.head())
        await peer.read(11)
        await peer.respond()
        await peer.until_closed()

    session = netlab.Session(fields=fields)
    async with Scripted(script) as server, session, asyncio.timeout(20):
        await (await session.post(server.url, data=b"hello world", fields=own)).read()
    return heads[0].lower().split("\r\n")[1:-2], session


def count(lines: list[str], name: str) -> int:
    return sum(line.startswith(f"{name}:") for line in lines)


async def test_host_of_a_session_goes_first_and_alone() -> None:
    lines, _ = await heads_of({"X-One": "1", "Host": "other.test"})
    assert lines[0] == "host: other.test"
    assert count(lines, "host") == 1, "RFC 9112 §3.2: a request with two is invalid"
    assert "x-one: 1" in lines


async def test_host_of_a_request_goes_before_that_of_its_session() -> None:
    lines, _ = await heads_of({"host": "other.test"}, {"HOST": "third.test"})
    assert [line for line in lines if line.startswith("host:")] == ["host: third.test"]


async def test_content_length_of_a_session_is_sent_once() -> None:
    lines, _ = await heads_of({"Content-Length": "11"})
    assert [line for line in lines if line.startswith("content-length:")] == ["content-length: 11"]


async def test_connection_close_of_a_session_is_kept_to() -> None:
    lines, session = await heads_of({"Connection": "close"})
    assert [line for line in lines if line.startswith("connection:")] == ["connection: close"]
    assert session.pool.closed == {Reason.WE_SAID_CLOSE: 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"Content-Length": "5"},
        {"Content-Length": "+11"},
        [("Content-Length", "11"), ("content-length", "11")],
        {"Expect": "100-continue"},
        {"Connection": "upgrade"},
        [("Host", "a"), ("Host", "b")],
    ],
)
@pytest.mark.parametrize("where", ["session", "request"])
async def test_what_must_not_be_sent_is_refused_wherever_it_is_said(fields: Any, where: str) -> None:
    of_session, of_request = (fields, None) if where == "session" else (None, fields)
    async with netlab.Session(fields=of_session) as session:
        with pytest.raises(InvalidRequest):
            session.post("http://localhost/", data=b"hello world", fields=of_request).close()


@pytest.mark.parametrize(
    "fields", [{"Content-Length": 5}, {"Connection": None}, {3: "x"}, {"Host": b"a"}, {"X": 1}]
)
async def test_field_lines_that_are_no_text_are_refused(fields: Any) -> None:
    async with netlab.Session() as session:
        with pytest.raises(InvalidRequest, match="give str"):
            session.post("http://localhost/", data=b"hello", fields=fields).close()


async def test_a_tunnel_is_refused() -> None:
    async with netlab.Session() as session:
        with pytest.raises(InvalidRequest, match="CONNECT"):
            session.request("CONNECT", "http://localhost/").close()


# -- pieces of an upload --------------------------------------------------------------------------------


async def numbers() -> AsyncIterator[Any]:
    yield memoryview(array.array("I", [0x30303030, 0x31313131]))
    yield memoryview(b"")
    yield bytearray(b"end")


@pytest.mark.parametrize("fields", [None, {"Content-Length": "11"}])
async def test_a_view_of_larger_items_is_framed_in_octets(fields: Any) -> None:
    contents: list[bytes] = []

    async def script(peer: Peer) -> None:
        contents.append((await peer.request())[1])
        await peer.respond()
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session, asyncio.timeout(20):
        await (await session.post(server.url, data=numbers(), fields=fields)).read()
    assert contents == [b"00001111end"]


@pytest.mark.parametrize("fields", [None, {"Content-Length": "11"}])
@pytest.mark.parametrize("piece", ["hello world", 11, [1] * 11])
async def test_a_piece_that_is_no_bytes_is_refused(piece: Any, fields: Any) -> None:
    async def pieces() -> AsyncIterator[Any]:
        yield piece

    async def script(peer: Peer) -> None:
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        with pytest.raises(InvalidRequest, match="give bytes"):
            await session.post(server.url, data=pieces(), fields=fields)


# -- the session's end ----------------------------------------------------------------------------------


@contextmanager
def deaf() -> Iterator[str]:
    """The URL of a listener whose queue is full: a SYN to it is dropped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        full = [socket.socket() for _ in range(4)]
        for sock in full:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            for sock in full:
                sock.close()


@pytest.mark.linux("/proc/PID/fd")
async def test_close_ends_a_dial_under_way_at_once() -> None:
    with deaf() as url:
        before = descriptors()
        session = netlab.Session(timeouts=Timeouts(connect=3600))
        asking = asyncio.create_task(session.get(url))
        await until(lambda: descriptors() >= before + 2)  # the poller's, and the one that dials
        await session.close()
        error = await failure_of(asking)
        assert isinstance(error, SessionClosed), repr(error)
        assert descriptors() <= before
        assert session.pool.counts()["open"] == 0


async def test_close_ends_a_look_up_under_way_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = asyncio.Event()

    async def resolve(*anything: Any) -> Any:
        looking.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("netlab.client.opening.resolve", resolve)
    session = netlab.Session()
    asking = asyncio.create_task(session.get("http://name.test/"))
    await looking.wait()
    await session.close()
    assert isinstance(await failure_of(asking), SessionClosed)


@pytest.mark.linux("/proc/PID/fd")
async def test_a_dial_whose_request_is_cancelled_leaves_no_descriptor_and_no_place() -> None:
    with deaf() as url:
        async with netlab.Session() as session:
            before = descriptors()
            asking = asyncio.create_task(session.get(url))
            await until(lambda: descriptors() > before)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await until(lambda: descriptors() <= before)
            assert session.pool.counts() == dict.fromkeys(session.pool.counts(), 0)


@pytest.mark.linux("/proc/PID/fd")
async def test_a_session_used_after_its_close_opens_nothing() -> None:
    before = descriptors()
    sessions = [netlab.Session() for _ in range(3)]
    for session in sessions:
        await session.close()
        with pytest.raises(SessionClosed):
            await session.get("http://localhost:1/")
        with pytest.raises(SessionClosed):
            async with session:
                pass
    assert descriptors() == before


# -- text and URLs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("charset", ["idna", "hex", "undefined", "no-such"])
async def test_a_charset_that_cannot_decode_falls_back_to_utf8(charset: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.respond(b"\xff\xc3\xa9", f"Content-Type: text/plain; charset={charset}")
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session, session.get(server.url) as response:
        assert await response.text() == "\N{REPLACEMENT CHARACTER}é"


@pytest.mark.parametrize(
    "url, reason",
    [
        ("http://[fe80::1%25]/", "zone"),
        ("http://[::1%a!b]/", "zone"),
        ("http://h/\ud800", "surrogate"),
        ("http://h/?q=\udfff", "surrogate"),
    ],
)
def test_a_url_that_must_not_reach_the_wire_is_refused(url: str, reason: str) -> None:
    with pytest.raises(InvalidURL, match=reason):
        parse_url(url)


async def test_an_ordinary_session_is_not_disturbed_by_any_of_this() -> None:
    async with Scripted(answers) as server, netlab.Session(fields={"X-One": "1"}) as session:
        assert [await (await session.get(server.url)).read() for _ in range(3)] == [b"1.1", b"1.2", b"1.3"]


@pytest.mark.parametrize("kind", ["bytes", "stream"])
async def test_a_refused_expectation_is_repeated_once_without_it(kind: str) -> None:
    """RFC 9110 §10.1.1: 417 says that no server on the way knows the expectation."""
    expected = []

    async def script(peer: Peer) -> None:
        while head := await peer.head():
            expected.append("Expect:" in head)
            if expected[-1]:
                await peer.respond(b"", status="417 Expectation Failed")
            else:
                content = await peer.read(5) if kind == "bytes" else (await peer.read(15))[3:8]
                await peer.respond(content)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"hello"

    async with Scripted(script) as server, netlab.Session() as session:
        data = b"hello" if kind == "bytes" else pieces()
        response = await session.post(server.url, data=data, expect100=True)
        assert (response.status, await response.read()) == (200, b"hello")
    assert expected == [True, False]


async def test_a_server_that_refuses_every_expectation_is_believed_the_second_time() -> None:
    async def script(peer: Peer) -> None:
        while await peer.head():
            await peer.respond(b"no", status="417 Expectation Failed")
            await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.post(server.url, data=b"hello", expect100=True)
        assert (response.status, await response.read()) == (417, b"no")
        assert server.connections == 2
