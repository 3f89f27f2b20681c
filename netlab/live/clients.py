"""Clients for a server under watch: each keeps a connection, sends requests with pauses, leaves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from netlab.http1 import EndOfMessage, Limits, ProtocolError, ResponseParser
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import ResponseHead

READ_SIZE = 64 << 10

LIMITS = Limits(content=1 << 40)


@dataclass(frozen=True, slots=True)
class Errand:
    """What one client does. targets: of its requests, in order. pause: seconds after each response."""

    targets: Sequence[str]
    pause: float
    host: str


@dataclass
class Counted:
    """What all clients together have seen."""

    connected: int = 0
    answered: int = 0
    failed: int = 0


async def visit(port: int, plan: Errand, counted: Counted, tls: ssl.SSLContext | None = None) -> None:
    """One connection to 127.0.0.1. Failures are counted: the lanes show why."""
    try:
        name = "localhost" if tls is not None else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    except OSError:
        counted.failed += 1
        return
    counted.connected += 1
    try:
        for target in plan.targets:
            writer.write(f"GET {target} HTTP/1.1\r\nHost: {plan.host}\r\n\r\n".encode("latin-1"))
            persistent = await _response(reader)
            counted.answered += 1
            if not persistent:
                break
            await asyncio.sleep(plan.pause)
    except (OSError, ProtocolError):
        counted.failed += 1
    finally:
        writer.transport.abort() if tls is not None else writer.close()


async def _response(reader: asyncio.StreamReader) -> bool:
    """Read one response; may the connection carry another? Raises ProtocolError."""
    parser = ResponseParser(LIMITS)
    parser.expect("GET")
    persistent = True
    while True:
        while (event := parser.next_event()) is not None:
            if isinstance(event, ResponseHead) and not event.interim:
                persistent = event.persistent
                if event.framing is NO_CONTENT:
                    return persistent
            if isinstance(event, EndOfMessage):
                return persistent
        data = await reader.read(READ_SIZE)
        if data:
            parser.feed(data)
        else:
            parser.feed_eof()
