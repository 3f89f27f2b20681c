"""The judge: netlab breaks nothing; servers with known defects are caught at each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

import netlab
from netlab.check.cors import check_cors, neighbours
from netlab.check.limits import check_sizes
from netlab.check.run import jobs, run
from netlab.check.target import JudgedServer, target_of
from netlab.check.verdict import CaseVerdict, Result, summary
from netlab.cli.demonstration import Demonstration
from netlab.cors import Policy

Stream = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted(answer: Stream, timeout: float = 20.0) -> AsyncIterator[JudgedServer]:
    """A server made of one function for each connection. timeout: seconds that its judge waits."""
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            running.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield target_of(f"http://127.0.0.1:{port}/", timeout=timeout)
    finally:
        server.close()
        for task in tuple(running):
            task.cancel()
        await asyncio.sleep(0.01)
        await server.wait_closed()


def by_name(verdicts: list[CaseVerdict]) -> dict[str, CaseVerdict]:
    return {verdict.name: verdict for verdict in verdicts}


def broken(verdicts: list[CaseVerdict]) -> list[str]:
    return [f"{verdict.name}: {verdict.why}" for verdict in verdicts if verdict.outcome is Result.FAILED]


OK = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nok"


async def test_netlab_breaks_no_rule() -> None:
    policy = Policy(origins=["https://app.example"], credentials=True, max_age=600)
    async with netlab.Server(Demonstration(), cors=policy) as server:
        target = target_of(f"http://127.0.0.1:{server.port}/", origin="https://app.example", timeout=10.0)
        verdicts = await run(target, jobs(skip=["slow-head"]))
    assert not broken(verdicts)
    counted = summary(verdicts)
    assert counted["must"]["passed"] >= 290 and counted["should"]["passed"] >= 150
    assert {verdict.group for verdict in verdicts if verdict.outcome is Result.PASSED} == {
        "framing", "request-line", "fields", "host", "persistence", "expect", "methods", "half-close",
        "responses", "limits", "cors",
    }  # fmt: skip


async def test_a_server_that_takes_everything_is_caught_in_every_group() -> None:
    async def takes_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK)

    only = ["smuggling-", "host-missing", "host-doubled", "field_lines-a_space", "methods_targets-head"]
    async with scripted(takes_all) as target:
        verdicts = await run(target, jobs(only))
    failed = {verdict.name for verdict in verdicts if verdict.breaks_a_must}
    for name in (
        "host/host-missing",
        "host/host-doubled_different",
        "framing/smuggling-cl_cl_the_second_length_wins",
        "framing/smuggling-cl_0_the_length_is_ignored",
        "fields/field_lines-a_space_before_the_colon",
        "methods/methods_targets-head",
    ):
        assert name in failed
    found = by_name(verdicts)
    assert "content was read as a request" in found["framing/smuggling-cl_0_the_length_is_ignored"].why
    assert "proxy" in found["framing/smuggling-cl_cl_the_second_length_wins"].attack


async def test_a_server_that_refuses_everything_behind_the_first_requests_is_not_praised() -> None:
    asked = 0

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK if asked <= 2 else OK.replace(b"200 OK", b"400 Bad Request"))
        await writer.drain()

    async with scripted(refuses) as target:
        verdicts = await run(target, jobs(["chunked-several_chunks", "host-missing"]))
    found = by_name(verdicts)
    assert found["host/host-missing"].outcome is Result.PASSED
    assert all("correct request" in v.why for v in verdicts if v.name.startswith("framing/"))


async def test_a_server_that_waits_is_told_from_one_that_refuses() -> None:
    async def first_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"Host: 127" in await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK)
        await reader.read()

    async with scripted(first_only, timeout=1) as target:
        verdicts = await run(target, jobs(["host-missing"]))
    assert by_name(verdicts)["host/host-missing"].why.endswith("the server waits for more")


async def test_a_malformed_answer_is_a_failure_with_its_reason() -> None:
    async def malformed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"Host: 127" in await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK)
        else:
            writer.write(b"Invalid request\r\n\r\n")
        await writer.drain()

    async with scripted(malformed) as target:
        (verdict, *_) = await run(target, jobs(["host/host-missing"]))
    assert verdict.outcome is Result.FAILED and "malformed" in verdict.why


async def test_a_server_without_limits_is_caught() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = b""
        while piece := await reader.read(1 << 16):
            data = data[-3:] + piece
            if data.endswith(b"\r\n\r\n"):
                writer.write(OK)

    async with scripted(endless, timeout=1) as target:
        verdicts = await check_sizes(target)
    assert [verdict.outcome for verdict in verdicts] == [Result.FAILED] * 5
    assert "waits for more" in by_name(verdicts)["limits/endless-line"].why


REFLECTING = {
    "any-origin-with-credentials": {
        "access-control-allow-origin": "{origin}", "access-control-allow-credentials": "true",
    },
    "star-with-credentials": {
        "access-control-allow-origin": "*", "access-control-allow-credentials": "true",
    },
    "null-origin": {"access-control-allow-origin": "{origin}", "vary": "Origin"},
    "vary": {"access-control-allow-origin": "{origin}"},
    "max-age": {"access-control-allow-origin": "*", "access-control-max-age": "-5"},
    "neighbours": {"access-control-allow-origin": "{origin}", "vary": "Origin"},
}  # fmt: skip


@pytest.mark.parametrize("defect", REFLECTING)
async def test_a_cors_policy_is_judged_by_its_answers(defect: str) -> None:
    async def app(request: netlab.Request) -> netlab.Response:
        origin = request.fields.get("origin", "")
        lines = {name: value.format(origin=origin) for name, value in REFLECTING[defect].items()}
        return netlab.Response(200, "x", lines if origin else None)

    async with netlab.Server(app) as server:
        target = target_of(f"http://127.0.0.1:{server.port}/", origin="https://app.example")
        verdicts = by_name(await check_cors(target))
    assert verdicts[f"cors/{defect}"].outcome is Result.FAILED


async def test_without_cors_fields_nothing_is_judged() -> None:
    async with netlab.Server(Demonstration()) as server:
        verdicts = await check_cors(target_of(f"http://127.0.0.1:{server.port}/"))
    assert {verdict.outcome for verdict in verdicts} == {Result.SKIPPED}


def test_neighbours_are_what_a_careless_comparison_takes() -> None:
    assert neighbours("https://app.example") == [
        "https://app.example.stranger.example",
        "https://evilapp.example",
        "https://evil.app.example",
        "https://appxexample",
        "http://app.example",
        "https://app.example:444",
    ]


async def test_behind_a_proxy_the_connection_is_not_judged() -> None:
    async with netlab.Server(Demonstration()) as server:
        target = target_of(f"http://127.0.0.1:{server.port}/", behind_proxy=True)
        verdicts = await run(target, jobs(["pipelining", "host-missing"]))
    assert {v.outcome for v in verdicts if v.group == "persistence"} == {Result.SKIPPED}
    assert {v.outcome for v in verdicts if v.group == "host"} == {Result.PASSED}


TE_AND_LENGTH = ["framing/transfer_encoding-with_content_length"]


@pytest.mark.parametrize(
    ("closes", "result"), [(True, Result.PASSED), (False, Result.FAILED)], ids=["closes", "goes on"]
)
async def test_both_lengths_may_be_taken_but_the_connection_must_close(closes: bool, result: Result) -> None:
    async def takes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while b"chunked" in await reader.readuntil(b"\r\n\r\n") and await reader.readuntil(b"0\r\n\r\n"):
            writer.write(OK)
            await writer.drain()
            if closes:
                return
        writer.write(OK)
        await writer.drain()

    async with scripted(takes) as target:
        verdicts = await run(target, jobs(TE_AND_LENGTH))
    assert {verdict.outcome for verdict in verdicts} == {result}


async def test_a_fold_may_be_replaced_by_a_space_but_what_it_hides_is_no_request() -> None:
    async def takes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK)

    async with scripted(takes) as target:
        verdicts = await run(target, jobs(["field_lines-a_folded_value"]))
    assert [verdict.outcome for verdict in verdicts] == [Result.PASSED]
    assert verdicts[0].expected.endswith("or taken as one request")


async def test_a_100_to_an_http_1_0_client_is_caught() -> None:
    async def continues(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write((b"HTTP/1.1 100 Continue\r\n\r\n" if b"Expect" in head else b"") + OK)
        await writer.drain()

    async with scripted(continues) as target:
        (verdict,) = await run(target, jobs(["expect/expect-in_http_1_0"]))
    assert verdict.breaks_a_must and "1xx" in verdict.why


async def test_behind_a_proxy_its_own_refusals_say_nothing_of_the_server() -> None:
    page = (
        b"HTTP/1.1 400 Bad Request\r\nServer: front\r\n"
        b"Content-Type: text/html\r\nContent-Length: 5\r\n\r\n<h1>4"
    )

    async def proxied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            refused_in_front = b"HTTP/1.1\r\n" not in head or b"Host:" not in head
            writer.write(page if refused_in_front else OK)

    async with scripted(proxied) as target:
        target = replace(target, behind_proxy=True)
        verdicts = by_name(await run(target, jobs(["host/host-missing", "host/host-userinfo"])))
    missing, userinfo = verdicts["host/host-missing"], verdicts["host/host-userinfo"]
    assert missing.outcome is Result.SKIPPED and "(Server: front)" in missing.why
    assert userinfo.breaks_a_must


async def test_a_plain_answer_that_does_not_come_whole_ends_the_run() -> None:
    async def partial(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        await reader.read()

    async with scripted(partial, timeout=1) as target:
        with pytest.raises(ConnectionError, match="did not come whole"):
            await run(target, jobs(["host"]))
