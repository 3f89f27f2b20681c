"""The board of the handshake: what the page says is what the server counted and what TLS defines."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netlab.live.boards import handshake

from .running import experiment_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_full_handshake_unfolds_into_annotated_bytes(opened: Callable[..., Any]) -> None:
    async with opened("handshake") as board:
        await board.start(way="full", distance=40)
        await board.ended()
        figures = await board.figures()
        assert board.lane.feed.values["server"] == {"accepted": 1, "requests": 1}
        assert figures["Version"] == "TLS 1.3" and figures["Resumed"] == "no"
        records = list(board.lane.feed.lists["records"])
        assert figures["Records opened with"] == "the client's key log: no thief has it"
        assert figures["Records"] == str(len(records))
        assert figures["Bytes"] == f"{sum(record['size'] for record in records):,}"
        assert await board.tab.locator(".rung").count() == len(records)
        await board.tab.locator(".rung summary").first.click()
        await board.tab.locator(".f[aria-label^='random']").first.click()
        assert "random" in await board.tab.locator(".rung[open] .meaning").last.inner_text()


@pytest.mark.soak
async def test_a_second_connection_resumes_the_first(opened: Callable[..., Any]) -> None:
    async with opened("handshake") as board:
        await board.start(way="resume", distance=0)
        await board.ended()
        feed = board.lane.feed
        assert feed.values["server"] == {"accepted": 2, "requests": 2}
        first, second = feed.values["connection/1"], feed.values["connection/2"]
        assert (first["Resumed"], second["Resumed"]) == ("no", "yes")
        assert second["Bytes"] < first["Bytes"]
        sent = [record["what"] for record in feed.lists["records"] if record["connection"] == 2]
        assert "handshake: certificate" not in sent


@pytest.mark.soak
async def test_a_client_without_a_key_share_is_asked_for_one(opened: Callable[..., Any]) -> None:
    async with opened("handshake") as board:
        await board.start(way="retry", distance=0)
        await board.ended()
        figures = await board.figures()
        assert figures["HelloRetryRequest"] == "yes"
        told = [record["what"] for record in board.lane.feed.lists["records"]]
        assert [what for what in told if "hello" in what] == [
            "handshake: client_hello", "handshake: hello_retry_request", "handshake: client_hello",
            "handshake: server_hello",
        ]  # fmt: skip


@pytest.mark.soak
async def test_the_stolen_key_opens_static_rsa(opened: Callable[..., Any]) -> None:
    """There is no key log: what is read was read with the server's RSA key."""
    async with opened("handshake") as board:
        await board.start(way="stolen", distance=0)
        await board.ended()
        figures = await board.figures()
        assert figures["Version"] == "TLS 1.2"
        assert figures["Records opened with"] == "the server's stolen key alone"
        sealed = [record for record in board.lane.feed.lists["records"] if record["sealed"]]
        assert sealed and all(not record["reason"] for record in sealed)
        assert any("GET / HTTP/1.1" in record["http"] for record in sealed)
        assert any("HTTP/1.1 200 OK" in record["http"] for record in sealed)


@pytest.mark.soak
async def test_the_distance_is_that_of_the_slider(opened: Callable[..., Any]) -> None:
    """A full handshake and its request: two round trips, for the relay gives the connect away."""
    async with opened("handshake") as board:
        await board.start(way="full", distance=150)
        await board.ended()
        shown = (await board.figures())["Time"]
        assert int(shown.removesuffix(" ms")) >= 300


@pytest.mark.linux("descriptors in /proc")
@pytest.mark.parametrize("begun", ["at once", "when a record has come"])
async def test_a_stopped_handshake_leaves_no_descriptor(begun: str) -> None:
    """The key log, too, is closed by the experiment, and not by the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        before = key_logs()
        for _ in range(3):
            async with experiment_of(handshake.BOARD, way="full", distance=500) as running:
                if begun != "at once":
                    await running.until(lambda feed: feed.lists.get("records"))
        assert key_logs() == before
    finally:
        gc.enable()


def key_logs() -> int:
    """How many descriptors of this process are a key log."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += "netlab-keylog" in os.readlink(each)
    return found
