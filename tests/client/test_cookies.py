"""The cookie jar against RFC 6265bis: what is kept, what is sent, what is ignored."""

from __future__ import annotations

import pytest

import netlab
from netlab.client import CookieJar
from netlab.client.cookies import cookie_date
from netlab.client.url import parse_url
from netlab.http1 import Fields
from tests.kit.clock import Clock

LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"


def jar_with(url: str, *lines: str, clock: Clock | None = None) -> CookieJar:
    jar = CookieJar(clock or Clock())
    jar.store(parse_url(url), Fields([("Set-Cookie", line) for line in lines]))
    return jar


@pytest.mark.parametrize(
    "line, sent",
    [
        ("a=b", "a=b"), (" a = b ; x", "a=b"), ("a=b=c", "a=b=c"), ('a="b c"', 'a="b c"'), ("a=", "a="),
        ("=b", "b"), ("b", "b"), ("", None), ("=", None), (";a=b", None), ("a=b\x01", None), ("a=ü", "a=ü"),
        ("a" * 4097, None), ("a=b; Path=" + "/" * 2000, "a=b"),
    ],
)  # fmt: skip
def test_a_set_cookie_line_is_read(line: str, sent: str | None) -> None:
    assert jar_with("http://a.example/", line).header(parse_url("http://a.example/")) == sent


@pytest.mark.parametrize(
    "url, line, where, sent",
    [
        ("http://a.example/", "x=1", "http://a.example/", True),
        ("http://a.example/", "x=1", "http://b.a.example/", False),
        ("http://a.example/", "x=1; Domain=a.example", "http://b.a.example/", True),
        ("http://a.example/", "x=1; Domain=.A.Example", "http://b.a.example/", True),
        ("http://a.example/", "x=1; Domain=a.example", "http://evila.example/", False),
        ("http://a.example/", "x=1; Domain=b.example", "http://b.example/", False),
        ("http://b.a.example/", "x=1; Domain=a.example", "http://a.example/", True),
        ("http://a.example/", "x=1; Domain=b.a.example", "http://b.a.example/", False),
        ("http://a.example/", "x=1; Domain=example", "http://b.example/", False),
        ("http://127.0.0.1/", "x=1; Domain=127.0.0.1", "http://127.0.0.1/", True),
        ("http://127.0.0.1/", "x=1; Domain=0.0.1", "http://127.0.0.1/", False),
        ("http://localhost/", "x=1; Domain=localhost", "http://localhost:8080/", True),
        ("http://a.example/p/q", "x=1", "http://a.example/p/r", True),
        ("http://a.example/p/q", "x=1", "http://a.example/p", True),
        ("http://a.example/p/q", "x=1", "http://a.example/pq", False),
        ("http://a.example/p/q", "x=1; Path=/", "http://a.example/", True),
        ("http://a.example/", "x=1; Path=/p", "http://a.example/p?q", True),
        ("http://a.example/", "x=1; Path=/p", "http://a.example/px", False),
        ("http://a.example/", "x=1; Path=p", "http://a.example/", True),
        ("https://a.example/", "x=1; Secure", "https://a.example/", True),
        ("https://a.example/", "x=1; Secure", "http://a.example/", False),
        ("http://a.example/", "x=1; Secure", "https://a.example/", False),
        ("https://a.example/", "__Host-x=1; Secure; Path=/", "https://a.example/", True),
        ("https://a.example/", "__Host-x=1; Secure; Path=/; Domain=a.example", "https://a.example/", False),
        ("https://a.example/", "__host-x=1; Secure", "https://a.example/", False),
        ("https://a.example/", "__Secure-x=1", "https://a.example/", False),
    ],
)
def test_where_a_cookie_is_sent(url: str, line: str, where: str, sent: bool) -> None:
    assert (jar_with(url, line).header(parse_url(where)) is not None) == sent


def test_the_default_path_is_the_folder_of_the_request() -> None:
    jar = jar_with("http://a.example/p/q", "x=1")
    assert [cookie.path for cookie in jar] == ["/p"]


def test_longer_paths_come_first_and_then_older_cookies() -> None:
    jar = jar_with("http://a.example/p/", "a=1; Path=/", "b=2; Path=/p", "c=3; Path=/p", "b=4; Path=/p")
    assert jar.header(parse_url("http://a.example/p/x")) == "b=4; c=3; a=1"


def test_a_cookie_for_the_host_alone_is_another_than_one_for_its_domain() -> None:
    jar = jar_with("http://a.example/", "x=1", "x=2; Domain=a.example", "x=3")
    assert jar.header(parse_url("http://a.example/")) == "x=3; x=2"
    assert jar.header(parse_url("http://b.a.example/")) == "x=2"


def test_cookies_expire() -> None:
    clock = Clock()
    url = parse_url("http://a.example/")
    past, soon = "Thu, 01 Jan 1970 00:00:01 GMT", "Thu, 01 Jan 1970 00:16:50 GMT"
    lines = (
        "a=1; Max-Age=10", "b=2", f"c=3; Max-Age=10; Expires={past}", f"d=4; Expires={soon}",
        "e=5; Max-Age=x", "f=6; Max-Age=99999999999",
    )  # fmt: skip
    jar = jar_with("http://a.example/", *lines, clock=clock)
    assert jar.header(url) == "a=1; b=2; c=3; d=4; e=5; f=6"
    clock.now += 11
    assert jar.header(url) == "b=2; e=5; f=6"
    jar.store(
        url,
        Fields(
            [("Set-Cookie", "b=; Max-Age=0"), ("Set-Cookie", "e=; Expires=Thu, 01 Jan 1970 00:00:01 GMT")]
        ),
    )
    assert jar.header(url) == "f=6"
    clock.now += 401 * 24 * 3600
    assert jar.header(url) is None and len(jar) == 0


def test_http_does_not_overwrite_what_https_has_set() -> None:
    jar = jar_with("https://a.example/", "x=1; Secure; Domain=a.example")
    for line in ("x=2", "x=2; Domain=a.example", "x=2; Path=/p"):
        jar.store(parse_url("http://b.a.example/"), Fields([("Set-Cookie", line)]))
    assert [cookie.value for cookie in jar] == ["1"]


def test_a_jar_is_bounded() -> None:
    jar = jar_with("http://a.example/", *(f"n{number}=1" for number in range(200)))
    assert len(jar) == 50 and "n199" in [cookie.name for cookie in jar]


@pytest.mark.parametrize(
    "text, moment",
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777), ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Sun Nov  6 08:49:37 1994", 784111777), ("6 november 1994 8:49:37", 784111777),
        ("06 Nov 69 00:00:00", 3150921600),
        ("", None), ("Sun, 32 Nov 1994 08:49:37", None), ("06 Nov 1600 08:49:37", None),
        ("06 Nov 1994", None),
        ("06 Nov 1994 24:49:37", None),
    ],
)  # fmt: skip
def test_the_date_of_a_cookie_is_read_leniently(text: str, moment: float | None) -> None:
    assert cookie_date(text) == moment


async def app(request: netlab.Request) -> netlab.Response:
    sent = request.fields.get("cookie", "none")
    if request.path == "/login":
        return netlab.Response(
            302, fields=[("location", "/"), ("set-cookie", "id=7; Path=/"), ("set-cookie", "b=c")]
        )
    return netlab.Response(200, sent)


async def test_a_session_keeps_cookies_only_if_it_has_a_jar() -> None:
    async with netlab.Server(app) as server:
        async with netlab.Session(cookies=CookieJar()) as session:
            async with session.get(f"{server.url}/login") as response:
                assert await response.text() == "id=7; b=c"  # the redirect carried them
            async with session.get(f"{server.url}/", headers={"Cookie": "mine=1"}) as response:
                assert await response.text() == "mine=1"
        async with netlab.Session() as session, session.get(f"{server.url}/login") as response:
            assert await response.text() == "none"


@pytest.mark.parametrize(
    "attributes, kept",
    [
        ("Max-Age=0; Max-Age=9", True), ("Max-Age=9; Max-Age=0", False), ("Max-Age=0; Max-Age=soon", False),
        (f"Expires={LONG_AGO}; Expires=soon", False), (f"Max-Age=soon; Expires={LONG_AGO}", False),
    ],
)  # fmt: skip
def test_the_last_attribute_that_can_be_read_counts(attributes: str, kept: bool) -> None:
    jar = jar_with("http://a.example/", f"x=1; {attributes}")
    assert (jar.header(parse_url("http://a.example/")) is not None) == kept
