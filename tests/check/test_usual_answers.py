"""The judge tells the app's usual answers from refusals: the app decides no verdict about the server."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

import netlab
from netlab.check.asking import look_at_app
from netlab.check.run import jobs, run
from netlab.check.target import target_of
from netlab.check.usual import UsualAnswers
from netlab.check.verdict import Result
from tests.check.test_judge import OK, broken, by_name, scripted

FEW = [
    "chunked-a_size",
    "chunked-data_that",
    "smuggling-a_size",
    "host-a_space",
    "pipelining-a_bad",
    "chunk-ext",
]


async def _does_not_read(request: netlab.Request) -> netlab.Response:
    return netlab.Response(200, "ok")


async def _has_no_such_path(request: netlab.Request) -> netlab.Response:
    return netlab.Response(200 if request.path == "/" else 404)


async def _is_down(request: netlab.Request) -> netlab.Response:
    return netlab.Response(500)


async def _wants_a_form(request: netlab.Request) -> netlab.Response:
    await request.read()
    return netlab.Response(400 if request.method == "POST" else 200)


APPS = (_does_not_read, _has_no_such_path, _is_down, _wants_a_form)


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.__name__.strip("_"))
async def test_netlab_breaks_no_rule_whatever_its_app_answers(app: netlab.Handler) -> None:
    async with netlab.Server(app) as server:
        verdicts = await run(target_of(f"http://127.0.0.1:{server.port}/", timeout=10.0), jobs(FEW))
    assert not broken(verdicts)
    assert len([verdict for verdict in verdicts if verdict.requirement == "must"]) > 10


async def test_what_correct_requests_get_is_found_out_first() -> None:
    async with netlab.Server(_has_no_such_path) as server:
        usual = await look_at_app(target_of(f"http://127.0.0.1:{server.port}/", timeout=10.0))
    assert usual == UsualAnswers({"GET": 200, "POST": 404}, early=True)


async def test_a_5xx_that_every_request_gets_is_no_refusal() -> None:
    async def fails(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK.replace(b"200 OK", b"500 No"))

    async with scripted(fails) as target:
        (verdict, *_) = await run(target, jobs(["host-a_space_inside"]))
    assert verdict.breaks_a_must and "the request was taken (500)" in verdict.why


@pytest.mark.parametrize(
    ("reads_on", "why"),
    [
        (False, "the connection goes on behind broken content"),
        (True, "bytes behind broken content were read as a request"),
    ],
    ids=["goes on", "reads on"],
)
async def test_an_early_answer_excuses_no_reading_behind_broken_content(reads_on: bool, why: str) -> None:
    async def answers_heads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if reads_on or (head.startswith((b"GET /", b"POST /")) and not broken_before):
                writer.write(OK)
            broken_before.extend([head] * (b"chunked" in head))

    broken_before: list[bytes] = []
    name = "framing/chunked-data_that_looks_like_a_last_chunk"
    async with scripted(answers_heads, timeout=2) as target:
        verdicts = by_name(await run(target, jobs([name])))
    assert verdicts[name].breaks_a_must
    assert why in verdicts[name].why


async def test_a_final_answer_in_place_of_100_is_no_missing_100() -> None:
    async def answers_heads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        while head:
            writer.write(OK)
            head = await reader.readuntil(b"\r\n\r\n")

    async with scripted(answers_heads) as target:
        (verdict,) = await run(target, jobs(["expect/expect-100_comes_while_content_is_awaited"]))
    assert verdict.outcome is Result.PASSED


async def test_behind_a_proxy_a_refused_http_1_0_request_says_nothing_of_the_server() -> None:
    async def wants_host(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            by = b"400 No" if b"HTTP/1." in head else b"400 No\r\nServer: front"
            writer.write(OK if b"Host:" in head else OK.replace(b"200 OK", by))

    async with scripted(wants_host) as target:
        alone = await run(target, jobs(["host-missing_in_http_1_0"]))
        behind = await run(replace(target, behind_proxy=True), jobs(["host-missing_in_http_1_0"]))
    assert [verdict.outcome for verdict in (*alone, *behind)] == [Result.FAILED, Result.SKIPPED]
    assert "another version" in behind[0].why


async def test_behind_a_proxy_its_refusal_of_head_is_known_though_it_has_no_content() -> None:
    page = b"HTTP/1.1 400 No\r\nServer: front\r\nContent-Length: 5\r\n\r\n"

    async def proxied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            refused = b"HTTP/1.1\r\n" not in head or b"X-A :" in head
            writer.write(page + b"<h1>4" * (not head.startswith(b"HEAD")) if refused else OK)

    async with scripted(proxied) as target:
        target = replace(target, behind_proxy=True)
        (verdict,) = await run(target, jobs(["methods_targets-a_head_with_a_field_line_that_is_refused"]))
    assert verdict.outcome is Result.SKIPPED and "(Server: front)" in verdict.why
