"""Limits and deadlines: sizes that no server should take, and clients that never come to an end.

RFC 9110 §2.3 and §15.5 and RFC 9112 §3 leave the limits to the server, so no rule here is a MUST.
A server without limits can be filled up or held by one client.
"""

from __future__ import annotations

import asyncio

from netlab.check.asking import Rule, request_bytes
from netlab.check.conversation import ConnectionEnd, JudgeConnection
from netlab.check.target import JudgedServer
from netlab.check.verdict import CaseVerdict

KIB = 1024
# Seconds that a head may take to come whole: netlab gives 10, nginx 60.
PATIENCE = 65.0
_MEMORY = "Memory: each connection makes the server keep as much as the client likes to send."
_SLOWLORIS = "Slowloris: a few hundred clients that send a byte now and then hold every connection."

TARGET = Rule(
    "limits/long-target", "A request target of 256 KiB", "a target longer than the server parses is 414",
    "RFC 9112 §3", "SHOULD", "414 or another refusal", _MEMORY,
)  # fmt: skip
VALUE = Rule(
    "limits/long-value", "A field value of 1 MiB",
    "a larger field section than the server processes is refused", "RFC 6585 §5", "SHOULD",
    "431 or another refusal", _MEMORY,
)  # fmt: skip
LINES = Rule(
    "limits/many-lines", "20,000 field lines", "more fields than the server processes are refused",
    "RFC 6585 §5", "SHOULD", "431 or another refusal", _MEMORY,
)  # fmt: skip
ENDLESS = Rule(
    "limits/endless-line", "A field line of 2 MiB without an end",
    "an endless line is refused while it comes, not kept", "RFC 9110 §2.3", "SHOULD",
    "a refusal, or the close of the connection", _MEMORY,
)  # fmt: skip
EXTENSIONS = Rule(
    "limits/chunk-extensions", "Chunk extensions of 1 MiB", "the total of chunk extensions is limited",
    "RFC 9112 §7.1.1", "SHOULD", "a refusal, or the close of the connection",
    "A request of a few bytes of content keeps the server busy with gigabytes of extensions.",
)  # fmt: skip
SLOW = Rule(
    "limits/slow-head", "A head that never comes whole", "a request head has a deadline",
    "RFC 9110 §15.5.9", "SHOULD", f"408 or a close within {PATIENCE:.0f} s", _SLOWLORIS,
)  # fmt: skip
RULES = (TARGET, VALUE, LINES, ENDLESS, EXTENSIONS)


async def check_sizes(target: JudgedServer) -> list[CaseVerdict]:
    """Heads that are too large, each whole."""
    host = f"Host: {target.authority}\r\n".encode()
    heads = {
        TARGET: b"GET /" + b"a" * 256 * KIB + b" HTTP/1.1\r\n" + host + b"\r\n",
        VALUE: request_bytes(target)[:-2] + b"X-A: " + b"a" * KIB * KIB + b"\r\n\r\n",
        LINES: request_bytes(target)[:-2] + b"X-A: b\r\n" * 20_000 + b"\r\n",
        ENDLESS: request_bytes(target)[:-2] + b"X-A: " + b"a" * 2 * KIB * KIB,
        EXTENSIONS: request_bytes(target, "POST", "Transfer-Encoding: chunked") + b"1;a=" + b"b" * (1 << 20),
    }
    return [await _too_large(target, rule, head) for rule, head in heads.items()]


async def _too_large(target: JudgedServer, rule: Rule, head: bytes) -> CaseVerdict:
    async with JudgeConnection(target) as conversation:
        await conversation.send(head)
        await conversation.receive(1)
    observed = conversation.observed
    refused = any(target.app.refuses(answer.status) for answer in observed.finals)
    ended = observed.ending is not ConnectionEnd.OPEN or any(answer.says_close for answer in observed.finals)
    early = rule is EXTENSIONS and (ended or any(400 <= answer.status < 500 for answer in observed.finals))
    holds = refused or early or (ended and not observed.finals)
    taken = f"taken with {observed.finals[0].status}" if observed.finals else "the server waits for more"
    return rule.held(holds, str(observed), taken, head[:200])


async def check_deadline(target: JudgedServer) -> list[CaseVerdict]:
    """A head that comes byte by byte and never ends. Takes as long as the server gives it."""
    loop = asyncio.get_running_loop()
    start, sent = loop.time(), request_bytes(target)[:-2]
    async with JudgeConnection(target) as conversation:
        await conversation.send(sent)
        while conversation.observed.ending is ConnectionEnd.OPEN and not conversation.observed.finals:
            if loop.time() - start > PATIENCE:
                return [SLOW.failed("no answer; the connection is open", f"held for {PATIENCE:.0f} s", sent)]
            await conversation.until_closed(1.0)
            await conversation.send(b"X")
    return [SLOW.passed(f"{conversation.observed} after {loop.time() - start:.0f} s", sent)]
