"""URLs: which host a client connects to, and what it refuses because two readers would disagree."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

import netlab
from netlab.client import ConnectFailed, InvalidRequest, InvalidURL
from netlab.client.dialing import resolve
from netlab.client.outgoing import build
from netlab.client.url import Origin, parse_url
from tests.client.clock import needs
from tests.client.scripted import Peer, Scripted


@pytest.mark.parametrize(
    "url",
    [
        "http://prefix[::1]/", "http://[::1]suffix/", "http://allowed.example[::1]:80/", "http://[::1].example/",
        "http://[v1.example]/", "http://[V1.example]:80/", "http://[::1]]/", "http://[[::1]]/", "http://[::1",
        "http://[]/", "http://[127.0.0.1]/", "http://[::1]80/", "http://::1/",
    ],
)  # fmt: skip
def test_brackets_enclose_one_ipv6_address_and_nothing_else(url: str) -> None:
    with pytest.raises(InvalidURL):
        parse_url(url)


@pytest.mark.parametrize("url", ["http://127.1/", "http://0x7f.0.0.1/", "http://2130706433/", "http://1.2.3.256/",
                                 "http://0177.0.0.1/", "http://1.2.3/", "http://a.1/"])  # fmt: skip
def test_a_host_that_only_the_c_library_takes_for_an_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidURL, match="IPv4"):
        parse_url(url)


@pytest.mark.parametrize("url", ["http://a..b/", "http://.a/", "http://./", f"http://{'a' * 64}/", "http://a:b/",
                                 "http://a:99999/", "http://a:0/", "http://a:+80/"])  # fmt: skip
def test_a_host_or_port_that_cannot_exist_is_refused(url: str) -> None:
    with pytest.raises(InvalidURL):
        parse_url(url)


DEVIATIONS = {
    "faß.de": "xn--fa-hia.de",
    "βόλος.com": "xn--nxasmm1c.com",
    "نامه\u200cای.com": "xn--mgba3gch31f060k.com",
    "ශ්\u200dරී.com": "xn--10cl1a0b660p.com",
}


@pytest.mark.parametrize("name", [*DEVIATIONS, "FAẞ.de"])
def test_without_the_idna_package_a_name_that_idna_2003_maps_elsewhere_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "idna", None)
    with pytest.raises(InvalidURL, match=r"netlab\[idna\]"):
        parse_url.__wrapped__(f"http://{name}/")
    assert parse_url.__wrapped__("http://bücher.example/").origin.host == "xn--bcher-kva.example"


@pytest.mark.parametrize("name", DEVIATIONS)
def test_with_the_idna_package_names_are_those_of_idna_2008(name: str) -> None:
    needs("idna")
    assert parse_url(f"http://{name}/").origin.host == DEVIATIONS[name]


@pytest.mark.parametrize(
    "url, expected",
    [
        ("http://localhost./", {"127.0.0.1", "::1"}),
        ("http://LOCALHOST/", {"127.0.0.1", "::1"}),
        ("http://a.b.localhost/", {"127.0.0.1", "::1"}),
        ("http://a.localhost./", {"127.0.0.1", "::1"}),
        ("http://127.0.0.1./", {"127.0.0.1"}),
        ("http://[::1]/", {"::1"}),
    ],
)
async def test_loopback_names_and_addresses_need_no_dns(
    url: str, expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_dns(*_: object, **__: object) -> object:
        raise AssertionError("a DNS server would have been asked")

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", no_dns)
    assert {address[0] for _, address in await resolve(loop, parse_url(url).origin, 1)} == expected


async def test_a_zone_reaches_the_kernel_and_not_the_server() -> None:
    origin = parse_url("http://[fe80::1%25lo]:8080/").origin
    assert (origin.host, origin.authority) == ("fe80::1%lo", "[fe80::1]:8080")
    loop = asyncio.get_running_loop()
    index = socket.if_nametoindex("lo")
    assert await resolve(loop, origin, 1) == [(socket.AF_INET6, ("fe80::1", 8080, 0, index))]
    with pytest.raises(ConnectFailed, match="no interface 'nosuch0'"):
        await resolve(loop, Origin("http", "fe80::1%nosuch0", 80), 1)


@pytest.mark.parametrize("url, line", [("http://localhost:{}", "OPTIONS * HTTP/1.1"),
                                       ("http://localhost:{}/", "OPTIONS / HTTP/1.1"),
                                       ("http://localhost:{}?a", "OPTIONS /?a HTTP/1.1")])  # fmt: skip
async def test_options_of_a_url_without_path_asks_about_the_whole_server(url: str, line: str) -> None:
    lines = []

    async def script(peer: Peer) -> None:
        lines.append((await peer.request())[0])
        await peer.respond(b"")

    async with Scripted(script) as server, netlab.Session() as session:
        await (await session.options(url.format(server.port))).read()
    assert lines == [line]


@pytest.mark.parametrize("content", [{"data": b"x"}, {"json": 1}, {"data": b"x" * 100_000}])
def test_trace_with_content_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match=r"RFC 9110 §9\.3\.8"):
        build("TRACE", parse_url("http://a/"), (), **content)  # type: ignore[arg-type]
