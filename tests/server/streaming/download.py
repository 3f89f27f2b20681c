"""Our own client in a process of its own: `python -m tests.server.streaming.download URL [ROOT.pem]`.

Downloads the URL and prints, as JSON, how many bytes came and by how much this process's memory rose: from
the first look to the last, and to the highest (MiB).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

import netlab
from netlab.tls.context import client_context
from tests.server.streaming.flow import MIB, Course


async def download(url: str, root: str | None) -> tuple[int, Course]:
    """Read it piece by piece, with a look at our memory after every 4 MiB."""
    tls = client_context(root) if root else None
    received, course = 0, Course(os.getpid())
    async with netlab.Session(tls=tls) as session:
        course.look()
        async with session.get(url) as response:
            async for piece in response.stream():
                if (received + len(piece)) // (4 * MIB) > received // (4 * MIB):
                    course.look()
                received += len(piece)
        course.look()
    return received, course


def main() -> None:
    """Measure, print."""
    url, *rest = sys.argv[1:]
    received, course = asyncio.run(download(url, rest[0] if rest else None))
    print(json.dumps({"received": received, "rise": course.rise, "peak": course.peak}))


if __name__ == "__main__":
    main()
