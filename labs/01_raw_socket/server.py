"""The server that lab 01 measures: netlab in a process of its own, so that it never waits for its client.

Prints its port on the first line and stops when its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys

import netlab

CONTENT = b'{"hello":"world"}'


async def app(request: netlab.Request) -> netlab.Response:
    """The same 17 octets for every request."""
    return netlab.Response(200, CONTENT, {"content-type": "application/json"})


async def main() -> None:
    """Serve until the measurement closes our standard input, or dies."""
    async with netlab.Server(app, port=0) as server:
        print(server.port, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
