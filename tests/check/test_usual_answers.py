"""The judge tells the app's usual answers from refusals: the app decides no verdict about the server."""

from __future__ import annotations

import asyncio

import pytest

import netlab
from netlab.check.asking import look_at_app
from netlab.check.run import jobs, run
from netlab.check.target import target_of
from netlab.check.usual import UsualAnswers
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
