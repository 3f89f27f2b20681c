"""What `netlab check` says of the answers themselves: each defect fails its own rule, and no other."""

from __future__ import annotations

import asyncio

import pytest

import netlab
from netlab.check.responses import RULES, check_responses
from netlab.check.target import target_of
from netlab.check.verdict import Result
from netlab.cli.demonstration import Demonstration
from tests.check.test_judge import by_name, scripted

DATE = "Date: Sun, 06 Nov 1994 08:49:37 GMT"


def answer(request: bytes, defect: str) -> bytes:
    """An answer that keeps the rules, but for one."""
    head = request.decode("latin-1")
    method, refused, old = head.split(" ")[0], "Content-Length: x" in head, " HTTP/1.0\r\n" in head
    status, content = "200 OK", "" if method == "HEAD" else "ok"
    lines = [DATE, "Content-Length: 2", "Connection: close"]
    if refused:
        status = "400 Bad Request"
    elif method == "TRACE":
        status, lines = "405 Method Not Allowed", [*lines, "Allow: GET"]
    elif method == "OPTIONS":
        status, content, lines = "204 No Content", "", [DATE, "Connection: close"]
    match defect:
        case "date":
            lines = lines if refused else lines[1:]
        case "date-of-a-refusal":
            lines = lines[1:] if refused else lines
        case "date-form":
            lines[0] = "Date: Sunday, 06-Nov-94 08:49:37 GMT"
        case "status-line":
            status = status[:3]
        case "one-content-length":
            lines += [line for line in lines if line.startswith("Content-Length")]
        case "head-length" if method == "HEAD":
            lines[1] = "Content-Length: 0"
        case "no-length-in-204" if method == "OPTIONS":
            lines.append("Content-Length: 0")
        case "no-chunks-to-http-1-0" if old:
            lines[1], content = "Transfer-Encoding: chunked", "2\r\nok\r\n0\r\n\r\n"
        case "allow-of-405" if method == "TRACE":
            lines.pop()
        case "challenge-of-401" if method == "GET" and not old:
            status = "401 Unauthorized"
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", content]).encode()


@pytest.mark.parametrize("defect", ["", *(rule.name.partition("/")[2] for rule in RULES)])
async def test_each_defect_of_an_answer_is_caught_by_its_rule_alone(defect: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(await reader.readuntil(b"\r\n\r\n"), defect))
        await writer.drain()

    async with scripted(serve) as target:
        verdicts = by_name(await check_responses(target))
    assert set(verdicts) == {rule.name for rule in RULES}
    failed = [name for name, verdict in verdicts.items() if verdict.outcome is Result.FAILED]
    assert failed == ([f"responses/{defect}"] if defect else [])


async def test_netlabs_answers_keep_every_rule_that_they_show() -> None:
    async with netlab.Server(Demonstration()) as server:
        target = target_of(f"http://127.0.0.1:{server.port}/", timeout=10.0)
        verdicts = by_name(await check_responses(target))
    outcomes = {name: verdict.outcome for name, verdict in verdicts.items()}
    assert outcomes.pop("responses/challenge-of-401") is Result.SKIPPED
    assert set(outcomes.values()) == {Result.PASSED}
