"""The site is killed (SIGKILL) while an experiment runs: nothing of it is left, on every board."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

import netlab
from netlab.live.children import child
from netlab.live.registry import MODULES
from netlab.tls.context import client_context
from tests.kit.waiting import until

RUNNING: dict[str, dict[str, Any]] = {
    "wire": {"clients": 2, "requests": 5, "pause": 2},
    "handshake": {"distance": 500},
    "speed": {"distance": 100},
    "idle": {"clients": 2000, "scheme": "http"},
    "river": {"size": 5, "speed": 50},
}
"""Values with which an experiment of the board takes some seconds; of the others the default."""


def started_below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def listening(pids: list[int]) -> set[int]:
    """Ports at which these processes listen; a process that has just ended listens at none."""
    found = set()
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            ask = getattr(process, "net_connections", None) or process.connections
            found |= {each.laddr.port for each in ask("tcp") if each.status == psutil.CONN_LISTEN}
    return found


def is_open(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.soak
@pytest.mark.parametrize("board", MODULES)
async def test_nothing_of_an_experiment_outlives_a_killed_site(board: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "netlab", "live", "--no-browser"]
    async with child(command, env={"XDG_DATA_HOME": str(tmp_path)}) as site:
        address = (await asyncio.wait_for(site.line(), 30)).removeprefix("netlab live ")
        await site.line()
        root = (await site.line()).split()[4]
        origin = "https://" + urlsplit(address).netloc
        headers = {"origin": origin, "content-type": "application/json"}
        async with netlab.Session(tls=client_context(root)) as session:
            data = json.dumps(RUNNING.get(board, {})).encode()
            if board == "cors":  # its servers start with its page
                async with session.get(address + board) as page:
                    assert page.status == 200
            async with session.post(f"{address}{board}/start", data=data, headers=headers) as answer:
                assert answer.status == 204, await answer.text()
            least = {"wire": 2, "idle": 6, "river": 2}.get(board, 0)
            await until(lambda: len(started_below(site.pid)) >= least)
            await asyncio.sleep(1)
            below = started_below(site.pid)
            ports = listening([site.pid, *(each.pid for each in below if alive(each))])
        os.kill(site.pid, signal.SIGKILL)
        await until(lambda: not any(alive(each) for each in below))
        assert ports
        await until(lambda: not any(is_open(port) for port in ports))


async def test_a_grandchild_that_ignores_sigterm_ends_when_the_site_is_killed() -> None:
    """The child ends by PR_SET_PDEATHSIG or the pipe; its own child is the keeper's matter."""
    script = """
import asyncio, sys
from netlab.live.children import child
below = "import signal, time; signal.signal(15, signal.SIG_IGN); print('here', flush=True); time.sleep(99)"
shell = f'{sys.executable} -c "{below}" & wait'
async def main():
    async with child(["sh", "-c", shell]) as held:
        print(await held.line(), flush=True)
        await asyncio.sleep(99)
asyncio.run(main())
"""
    async with child([sys.executable, "-c", script]) as site:
        assert await asyncio.wait_for(site.line(), 20) == "here"
        below = started_below(site.pid)
        assert len(below) >= 3, "the shell, its child, and the keeper"
        os.kill(site.pid, signal.SIGKILL)
        await until(lambda: not any(alive(each) for each in below))
