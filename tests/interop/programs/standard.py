"""The steps by a client library of Python: standard.py LIBRARY URL ROOT.

Each function takes the steps with one session or connection and prints a line for each.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

PIECE, COUNT = bytes(100_000), 3
RANGE = {"Range": "bytes=65-69"}


def pieces() -> Iterator[bytes]:
    """An upload of unknown length."""
    for _ in range(COUNT):
        yield PIECE


def _http_client(url: str, root: str) -> None:
    scheme, _, authority = url.partition("://")
    host, port = authority.split(":")
    client = (
        http.client.HTTPSConnection(host, int(port), context=ssl.create_default_context(cafile=root))
        if scheme == "https"
        else http.client.HTTPConnection(host, int(port))
    )

    def ask(*arguments: Any, **named: Any) -> tuple[http.client.HTTPResponse, bytes]:
        client.request(*arguments, **named)
        response = client.getresponse()
        return response, response.read()

    for _ in range(2):
        print("hello", len(ask("GET", "/")[1]))
    print("head", ask("HEAD", "/")[0].getheader("content-length"))
    print("stream", len(ask("GET", "/stream")[1]))
    print("upload", ask("POST", "/upload", pieces(), encode_chunked=True)[1].decode())
    print("range", ask("GET", "/file", headers=RANGE)[1].decode())
    client.close()


def _requests(url: str, root: str) -> None:
    import requests

    with requests.Session() as session:
        session.trust_env, session.verify = False, root
        for _ in range(2):
            print("hello", len(session.get(url + "/").content))
        print("head", session.head(url + "/").headers["content-length"])
        print("stream", len(session.get(url + "/stream").content))
        print("upload", session.post(url + "/upload", data=pieces()).text)
        print("range", session.get(url + "/file", headers=RANGE).text)


def _httpx(url: str, root: str) -> None:
    import httpx

    with httpx.Client(verify=ssl.create_default_context(cafile=root), trust_env=False) as client:
        for _ in range(2):
            print("hello", len(client.get(url + "/").content))
        print("head", client.head(url + "/").headers["content-length"])
        print("stream", len(client.get(url + "/stream").content))
        print("upload", client.post(url + "/upload", content=pieces()).text)
        print("range", client.get(url + "/file", headers=RANGE).text)


def _urllib3(url: str, root: str) -> None:
    import urllib3

    pool = urllib3.PoolManager(ca_certs=root)
    for _ in range(2):
        print("hello", len(pool.request("GET", url + "/").data))
    print("head", pool.request("HEAD", url + "/").headers["content-length"])
    print("stream", len(pool.request("GET", url + "/stream").data))
    print("upload", pool.request("POST", url + "/upload", body=pieces(), chunked=True).data.decode())
    print("range", pool.request("GET", url + "/file", headers=RANGE).data.decode())


def _aiohttp(url: str, root: str) -> None:
    asyncio.run(_with_aiohttp(url, root))


async def _with_aiohttp(url: str, root: str) -> None:
    import aiohttp

    async def parts() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    trust = ssl.create_default_context(cafile=root)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
        for _ in range(2):
            async with session.get(url + "/") as response:
                print("hello", len(await response.read()))
        async with session.head(url + "/") as response:
            print("head", response.headers["content-length"])
        async with session.get(url + "/stream") as response:
            print("stream", len(await response.read()))
        async with session.post(url + "/upload", data=parts()) as response:
            print("upload", await response.text())
        async with session.post(url + "/continue", data=PIECE * COUNT, expect100=True) as response:
            print("continue", await response.text())
        async with session.get(url + "/file", headers=RANGE) as response:
            print("range", await response.text())


LIBRARIES = {
    "http.client": _http_client,
    "requests": _requests,
    "httpx": _httpx,
    "urllib3": _urllib3,
    "aiohttp": _aiohttp,
}

if __name__ == "__main__":
    LIBRARIES[sys.argv[1]](*sys.argv[2:])
