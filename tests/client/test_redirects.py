"""Redirects: which request follows, what it carries on, and what is refused. Fetch §4.4, RFC 9110 §15.4."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from urllib.parse import unquote

import pytest

import netlab
from netlab.client import RedirectRefused, StatusError, TooManyRedirects
from netlab.client.outgoing import build
from netlab.client.redirects import following
from netlab.client.url import parse_url
from netlab.http1 import Fields, ResponseHead
from netlab.http1.framing import NO_CONTENT


async def app(request: netlab.Request) -> netlab.Response:
    content = await request.read()
    if request.path == "/to":
        status, _, location = request.target.partition("?")[2].partition("&")
        return netlab.Response(int(status), b"moved", {"location": unquote(location)})
    if request.path == "/loop":
        return netlab.Response(302, fields={"location": request.target + "x"})
    if request.path == "/missing":
        return netlab.Response(404, b"no")
    names = ("authorization", "cookie", "content-type", "content-length")
    told = {f"x-{name}": request.fields[name] for name in names if name in request.fields}
    return netlab.Response(200, content, {"x-method": request.method, "x-target": request.target, **told})


@pytest.mark.parametrize(
    "status, method, after, content",
    [
        (301, "POST", "GET", b""), (302, "POST", "GET", b""), (303, "POST", "GET", b""),
        (303, "PUT", "GET", b""),
        (301, "PUT", "PUT", b"data"), (307, "POST", "POST", b"data"), (308, "POST", "POST", b"data"),
        (302, "DELETE", "DELETE", b"data"),
    ],
)  # fmt: skip
async def test_the_method_after_a_redirect(status: int, method: str, after: str, content: bytes) -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        url = f"{server.url}/to?{status}&/end"
        async with session.request(method, url, data=b"data") as response:
            assert (response.fields["x-method"], await response.read()) == (after, content)
            assert ("x-content-type" in response.fields) == bool(content)
            assert response.url == f"{server.url}/end"
            assert [(each.status, each.url) for each in response.history] == [(status, url)]
        assert session.pool.opened == 1  # the content of the redirect was read past


async def test_a_redirect_is_handed_over_when_it_is_not_to_be_followed() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        async with session.get(f"{server.url}/to?302&/end", allow_redirects=False) as response:
            assert (response.status, response.history, await response.read()) == (302, (), b"moved")
        async with session.head(f"{server.url}/to?302&/end") as response:
            assert response.status == 302


async def test_eleven_redirects_are_too_many() -> None:
    async with netlab.Server(app) as server, netlab.Session() as session:
        with pytest.raises(TooManyRedirects, match="more than 10"):
            await session.get(f"{server.url}/loop?x")
        assert session.statistics().requests == 11
        assert session.pool.counts()["in_use"] == 0


async def test_what_was_meant_for_one_origin_stays_there() -> None:
    async with netlab.Server(app) as server, netlab.Server(app) as other, netlab.Session() as session:
        secret = {"Authorization": "Basic x", "Cookie": "a=b"}
        async with session.get(f"{server.url}/to?302&/end", headers=secret) as response:
            assert response.fields["x-authorization"] == "Basic x" and response.fields["x-cookie"] == "a=b"
        async with session.get(f"{server.url}/to?302&{other.url}/end", headers=secret) as response:
            assert response.url == f"{other.url}/end"
            assert not {"x-authorization", "x-cookie"} & set(response.fields)
        # Back at the first origin they do not come back: the other one chose where.
        back = f"{server.url}/to?302&{other.url}/to?302%26{server.url}/end"
        async with session.get(back, auth=("a", "b")) as response:
            assert "x-authorization" not in response.fields
    async with (
        netlab.Server(app) as server,
        netlab.Server(app) as other,
        netlab.Session(auth=("a", "b")) as session,
    ):
        async with session.get(f"{server.url}/to?302&{other.url}/end") as response:
            assert "x-authorization" not in response.fields
        async with session.get(f"{server.url}/to?302&/end") as response:
            assert "x-authorization" in response.fields


async def test_content_that_can_be_read_again_is_sent_again() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"once"

    async with netlab.Server(app) as server, netlab.Session() as session:
        url = f"{server.url}/to?307&/end"
        async with session.post(url, data=io.BytesIO(b"from a file")) as response:
            assert await response.read() == b"from a file"
        with pytest.raises(RedirectRefused, match="cannot be sent once more"):
            await session.post(url, data=pieces())
        async with session.post(f"{server.url}/to?303&/end", data=pieces()) as response:
            assert response.fields["x-method"] == "GET"


def head(status: int, *locations: str) -> ResponseHead:
    return ResponseHead(status, "", 1, Fields([("Location", each) for each in locations]), NO_CONTENT, True)


@pytest.mark.parametrize(
    "location, url",
    [
        ("/x", "http://a/x"), ("x", "http://a/b/x"), ("?q", "http://a/b/c?q"), ("//c/d", "http://c/d"),
        ("../x#f", "http://a/x"), ("/Ã¼", "http://a/%C3%BC"), ("/a b", "http://a/a%20b"), ("", "http://a/b/c"),
        ("HTTP://C/", "http://c/"),
    ],
)  # fmt: skip
def test_a_location_is_relative_to_the_url_that_sent_it(location: str, url: str) -> None:
    request = build("GET", parse_url("http://a/b/c"), ())
    found = following(request, head(302, location), False)
    assert found is not None and str(found.url) == url


@pytest.mark.parametrize(
    "location", ["ftp://a/", "javascript:1", "http://", "http://u:p@a/", "http://a:99999/", "//[::1"]
)
def test_a_location_that_cannot_be_fetched_is_refused(location: str) -> None:
    with pytest.raises(RedirectRefused):
        following(build("GET", parse_url("http://a/"), ()), head(302, location), False)


def test_from_https_to_http_is_refused_unless_it_is_allowed() -> None:
    request = build("GET", parse_url("https://a/"), ())
    with pytest.raises(RedirectRefused, match="allow_downgrade"):
        following(request, head(302, "http://a/"), False)
    found = following(request, head(302, "http://a/"), True)
    assert found is not None and str(found.url) == "http://a/"


def test_different_locations_are_refused_and_none_is_no_redirect() -> None:
    request = build("GET", parse_url("http://a/"), ())
    with pytest.raises(RedirectRefused, match="2 different"):
        following(request, head(302, "/x", "/y"), False)
    assert following(request, head(302), False) is None
    assert following(request, head(304, "/x"), False) is None
    assert following(request, head(300, "/x"), False) is None


async def test_raise_for_status() -> None:
    async with netlab.Server(app) as server, netlab.Session(raise_for_status=True) as session:
        with pytest.raises(StatusError, match="answered 404 Not Found") as caught:
            await session.get(f"{server.url}/missing")
        assert caught.value.status == 404
        async with session.get(f"{server.url}/missing", raise_for_status=False) as response:
            assert not response.ok
            with pytest.raises(StatusError):
                response.raise_for_status()
        async with session.get(f"{server.url}/end") as response:
            response.raise_for_status()
        assert session.pool.counts()["in_use"] == 0
