"""Odd moments and odd arguments: nothing hangs, nothing is shortened in silence, nothing leaks."""

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
    ContentTooLarge,
    Disconnected,
    InvalidRequest,
    InvalidURL,
    Reason,
    SessionClosed,
    TimedOut,
    Timeouts,
)
from netlab.client.exchange import HIGH
from netlab.client.timings import Step
from netlab.client.url import parse_url
from tests.client.clock import Clock, pass_time, until
from tests.client.scripted import Peer, Scripted, answers

HUGE = 16 << 20  # more than the kernel's buffers of both sides take


@pytest.fixture(autouse=True)
async def no_task_left() -> AsyncIterator[None]:
    """After the test: no task but its own."""
    before = asyncio.all_tasks()
    yield
    for _ in range(20):
        await asyncio.sleep(0)
    own = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() - before if task is not own]
    assert not left, f"tasks are left: {left}"


def head_of(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def failure_of(work: Any) -> BaseException | None:
    """What it fails with, within seconds; None when it does not."""
    async with asyncio.timeout(3):
        return (await asyncio.gather(work, return_exceptions=True))[0]


# -- an upload behind an early response -----------------------------------------------------------------


async def test_an_upload_that_stalls_behind_an_early_response_meets_its_deadline() -> None:
    """The head came at once; then the server reads nothing and sends nothing."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(head_of(9))
        await asyncio.Event().wait()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(content=5, stall=5, head=5), clock=clock)
    async with Scripted(script) as server, session:
        response = await session.put(server.url, data=bytes(HUGE))
        reading = asyncio.create_task(response.read())
        for _ in range(20):
            await asyncio.sleep(0.005)
            pass_time(session, clock, 6)
            if reading.done():
                break
        if not reading.done():
            reading.cancel()
        late = await failure_of(reading)
        assert isinstance(late, TimedOut), f"a read without any deadline: {late!r}"
        assert late.phase == "stall"
        assert session.pool.closed == {Reason.TIMED_OUT: 1}


async def test_content_that_came_early_does_not_excuse_a_stalled_upload() -> None:
    """More than is held for a reader: reading pauses, the upload's deadline goes on."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(head_of(1 << 20), bytes(HIGH + 1))
        await asyncio.Event().wait()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(content=5, stall=5, head=5), clock=clock)
    async with Scripted(script) as server, session:
        response = await session.put(server.url, data=bytes(HUGE))
        exchange = response._exchange
        await until(lambda: exchange.held >= HIGH)
        reading = asyncio.create_task(response.read())
        for _ in range(20):
            await asyncio.sleep(0.005)
            pass_time(session, clock, 6)
            if reading.done():
                break
        if not reading.done():
            reading.cancel()
        late = await failure_of(reading)
        assert isinstance(late, TimedOut), f"a read without any deadline: {late!r}"
        assert late.phase == "stall"


async def test_content_is_awaited_from_the_moment_the_upload_is_taken() -> None:
    taking = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(head_of(9))
        await taking.wait()
        await peer.read(HUGE)
        await asyncio.Event().wait()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(content=5, stall=50, head=5), clock=clock)
    async with Scripted(script) as server, session:
        response = await session.put(server.url, data=bytes(HUGE))
        reading = asyncio.create_task(response.read())
        await asyncio.sleep(0)
        taking.set()
        transport = response.connection.transport
        await until(lambda: not transport.waiting)
        pass_time(session, clock, 4)
        assert not reading.done()
        pass_time(session, clock, 2)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not reading.done():
            reading.cancel()
        late = await failure_of(reading)
        assert isinstance(late, TimedOut), f"a read without any deadline: {late!r}"
        assert late.phase == "content"


# -- a slow reader --------------------------------------------------------------------------------------


async def test_a_slow_reader_is_not_blamed_on_the_server() -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(4))
        await more.wait()
        await peer.send(b"ab")
        more.clear()
        await more.wait()
        await peer.send(b"cd")
        await peer.until_closed()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(content=5), clock=clock)
    async with Scripted(script) as server, session, session.get(server.url) as response:
        pieces = response.stream()
        first = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        more.set()
        assert await first == b"ab"
        pass_time(session, clock, 50)  # the reader is busy with its piece
        more.set()
        async with asyncio.timeout(3):
            assert await anext(pieces) == b"cd"
            assert [piece async for piece in pieces] == []


async def test_a_reader_that_waits_again_waits_no_longer_than_the_deadline() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(4), b"ab")
        await peer.until_closed()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(content=5), clock=clock)
    async with Scripted(script) as server, session, session.get(server.url) as response:
        pieces = response.stream()
        assert await anext(pieces) == b"ab"
        pass_time(session, clock, 50)
        second = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        pass_time(session, clock, 6)
        late = await failure_of(second)
        assert isinstance(late, TimedOut) and late.phase == "content"


# -- read() is all of it, or an error -------------------------------------------------------------------


async def test_what_was_released_cannot_be_read_even_when_its_rest_has_come() -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(4), b"ab")
        await more.wait()
        await peer.send(b"cd")
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        async with session.get(server.url) as response:
            pass
        with pytest.raises(Disconnected, match="released"):
            await response.read()
        more.set()
        await until(lambda: session.pool.counts()["idle"] == 1)  # read past
        for _ in range(2):
            with pytest.raises(Disconnected, match="released"):
                await response.read()
        with pytest.raises(Disconnected, match="released"):
            assert [piece async for piece in response.stream()] == []


async def test_a_rest_too_long_to_read_past_closes_though_its_end_comes_with_it() -> None:
    """A connection that was closed in the middle of what came must not be kept for its end."""
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await more.wait()
        await peer.send(b"14\r\n" + b"x" * 20 + b"\r\n0\r\n\r\n")
        await peer.until_closed()

    steps: list[Step] = []
    session = netlab.Session(drain=10, trace=lambda event: steps.append(event.step))
    async with Scripted(script) as server, session:
        response = await session.get(server.url)
        response.release()
        more.set()
        await until(lambda: session.pool.closed)
        assert session.pool.closed == {Reason.UNREAD: 1}
        assert session.pool.counts() == dict.fromkeys(session.pool.counts(), 0)
        assert steps[-1] is Step.CLOSED, "nothing happens to a connection that is closed"
        with pytest.raises(Disconnected, match="released"):
            await response.read()


async def test_content_too_large_is_too_large_again_and_whole_for_a_larger_limit() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.respond(b"x" * 100)
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.get(server.url)
        await until(lambda: session.pool.counts()["idle"] == 1)  # all of it is here
        for _ in range(2):
            with pytest.raises(ContentTooLarge):
                await response.read(10)
        assert await response.read(100) == b"x" * 100
        assert await response.read() == b"x" * 100


async def test_content_too_large_that_has_not_all_come_is_never_a_short_read() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(1 << 20), b"x" * 100)
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.get(server.url)
        with pytest.raises(ContentTooLarge):
            await response.read(10)
        with pytest.raises(Disconnected):
            await response.read()


@pytest.mark.parametrize("way", ["read", "stream"])
async def test_a_cancelled_read_loses_nothing(way: str) -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(4), b"ab")
        await more.wait()
        await peer.send(b"cd")
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.get(server.url)
        reading = asyncio.create_task(response.read())
        exchange = response._exchange
        await until(lambda: exchange.received == 2 and not exchange.held)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        more.set()
        if way == "stream":
            assert b"".join([piece async for piece in response.stream()]) == b"abcd"
        else:
            assert await response.read() == b"abcd"
            assert await response.read() == b"abcd"


async def test_two_readers_of_one_response_are_one_too_many() -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head_of(4))
        await more.wait()
        await peer.send(b"abcd")
        await peer.until_closed()

    async with Scripted(script) as server, netlab.Session() as session:
        response = await session.get(server.url)
        first = asyncio.create_task(response.read())
        second = asyncio.create_task(response.read())
        done, _ = await asyncio.wait({second}, timeout=0.2)
        more.set()
        if not done:
            second.cancel()
        assert isinstance(await failure_of(second), RuntimeError)
        assert await first == b"abcd"


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
    async with Scripted(script) as server, session, asyncio.timeout(3):
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

    async with Scripted(script) as server, netlab.Session() as session, asyncio.timeout(3):
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

    monkeypatch.setattr("netlab.client.connection.resolve", resolve)
    session = netlab.Session()
    asking = asyncio.create_task(session.get("http://name.test/"))
    await looking.wait()
    await session.close()
    assert isinstance(await failure_of(asking), SessionClosed)


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


# -- time that does not count ---------------------------------------------------------------------------


async def test_a_loop_that_stood_still_does_not_lengthen_later_deadlines() -> None:
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.respond()
        await peer.request()
        asked.set()
        await peer.until_closed()

    clock = Clock()
    session = netlab.Session(timeouts=Timeouts(head=5), keepalive_timeout=3600, clock=clock)
    async with Scripted(script) as server, session:
        await (await session.get(server.url)).read()
        swept = session.sweep.now
        clock.now += 1000  # somebody's long work
        await until(lambda: session.sweep.now != swept)
        assert session.sweep.now < swept + 2, "the sweep took it for time that passed"
        asking = asyncio.create_task(session.get(server.url))
        await asked.wait()
        pass_time(session, clock, 4)
        await asyncio.sleep(0)
        assert not asking.done(), "a deadline is never early"
        pass_time(session, clock, 2)
        for _ in range(3):
            await asyncio.sleep(0)
        if not asking.done():
            asking.cancel()
        late = await failure_of(asking)
        assert isinstance(late, TimedOut), f"the stall was added to the deadline: {late!r}"
        assert late.phase == "head"


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
        ("http://[fe80::1%25lo]/", "zone"),
        ("http://[::1%lo]/", "zone"),
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
