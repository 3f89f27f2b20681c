"""The ways to ask twenty times: the article's two, their controls, and two asyncio clients.

Each way is a function of a URL, a count and the root certificate to trust; it returns seconds. Imports, event
loops and TLS contexts are made beforehand, except where the library makes them itself for every call: that
is what its users pay for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import requests

import netlab
from netlab.tls import client_context

Ask = Callable[[str, int, Path], float]

CLOSE = {"Connection": "close"}


class Way(NamedTuple):
    """One way to ask. kept: does it keep its connection?"""

    name: str
    kept: bool
    ask: Ask


def requests_get(url: str, count: int, root: Path) -> float:
    """The article's first half: `requests.get`, which makes a Session, uses it once and throws it away."""
    start = time.perf_counter()
    for _ in range(count):
        requests.get(url, verify=str(root), timeout=30).raise_for_status()
    return time.perf_counter() - start


def requests_session_per_call(url: str, count: int, root: Path) -> float:
    """A control: the same, spelled out."""
    start = time.perf_counter()
    for _ in range(count):
        with requests.Session() as session:
            session.get(url, verify=str(root), timeout=30).raise_for_status()
    return time.perf_counter() - start


def requests_session_closing(url: str, count: int, root: Path) -> float:
    """A control: one Session, and a new connection for every request."""
    with requests.Session() as session:
        start = time.perf_counter()
        for _ in range(count):
            session.get(url, verify=str(root), timeout=30, headers=CLOSE).raise_for_status()
        return time.perf_counter() - start


def requests_session(url: str, count: int, root: Path) -> float:
    """The article's second half."""
    with requests.Session() as session:
        start = time.perf_counter()
        for _ in range(count):
            session.get(url, verify=str(root), timeout=30).raise_for_status()
        return time.perf_counter() - start


def bare_handshakes(url: str, count: int, root: Path) -> float:
    """The control that the article lacks: the handshakes themselves, without any HTTP or any library."""
    parts = urlsplit(url)
    context = client_context(root) if parts.scheme == "https" else None
    made = []
    start = time.perf_counter()
    for _ in range(count):
        sock = socket.create_connection((parts.hostname, parts.port), timeout=30)
        made.append(context.wrap_socket(sock, server_hostname=parts.hostname) if context else sock)
    taken = time.perf_counter() - start
    for sock in made:
        with sock, contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
            sock.recv(1)  # the server's end: it has seen, and counted, this connection
    return taken


async def aiohttp_session_per_call(url: str, count: int, context: ssl.SSLContext) -> None:
    """A ClientSession for each request."""
    for _ in range(count):
        async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as response:
            await response.read()


async def aiohttp_session(url: str, count: int, context: ssl.SSLContext) -> None:
    """One ClientSession."""
    async with aiohttp.ClientSession() as session:
        for _ in range(count):
            async with session.get(url, ssl=context) as response:
                await response.read()


async def netlab_session_per_call(url: str, count: int, context: ssl.SSLContext) -> None:
    """A netlab.Session for each request."""
    for _ in range(count):
        async with netlab.Session(tls=context) as session, session.get(url) as response:
            await response.read()


async def netlab_session_closing(url: str, count: int, context: ssl.SSLContext) -> None:
    """One netlab.Session and new connections: over TLS each resumes the session of the one before."""
    async with netlab.Session(tls=context) as session:
        for _ in range(count):
            async with session.get(url, fields=CLOSE) as response:
                await response.read()


async def netlab_session(url: str, count: int, context: ssl.SSLContext) -> None:
    """One netlab.Session."""
    async with netlab.Session(tls=context) as session:
        for _ in range(count):
            async with session.get(url) as response:
                await response.read()


def timed(work: Callable[[str, int, ssl.SSLContext], Awaitable[None]]) -> Ask:
    """A way of asyncio as a function: the clock runs while the loop does."""

    def ask(url: str, count: int, root: Path) -> float:
        async def run() -> float:
            start = time.perf_counter()
            await work(url, count, context)
            return time.perf_counter() - start

        context = client_context(root)
        return asyncio.run(run())

    return ask


WAYS = {
    "handshakes": Way("the handshakes alone, on bare sockets", False, bare_handshakes),
    "requests_get": Way("requests.get", False, requests_get),
    "requests_per_call": Way("requests, a Session per call", False, requests_session_per_call),
    "requests_closing": Way("requests, one Session, Connection: close", False, requests_session_closing),
    "requests_session": Way("requests, one Session", True, requests_session),
    "aiohttp_per_call": Way("aiohttp, a session per call", False, timed(aiohttp_session_per_call)),
    "aiohttp_session": Way("aiohttp, one session", True, timed(aiohttp_session)),
    "netlab_per_call": Way("netlab, a Session per call", False, timed(netlab_session_per_call)),
    "netlab_closing": Way("netlab, one Session, Connection: close", False, timed(netlab_session_closing)),
    "netlab_session": Way("netlab, one Session", True, timed(netlab_session)),
}
