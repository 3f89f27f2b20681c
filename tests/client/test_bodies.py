"""What data= and json= become on the wire; params= in the query; Basic authentication."""

from __future__ import annotations

import email
import io
import os
from collections.abc import AsyncIterator, Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

import netlab
from netlab.client import FormData, InvalidRequest


async def app(request: netlab.Request) -> netlab.Response:
    """Tells the request back: target, some fields, and the content behind them."""
    content = await request.read()
    names = ("content-type", "content-length", "transfer-encoding", "authorization")
    told = {f"x-{name}": request.fields[name] for name in names if name in request.fields}
    return netlab.Response(200, content, {"x-target": request.target, **told})


@pytest.fixture
async def echo() -> AsyncIterator[tuple[netlab.Session, str]]:
    async with netlab.Server(app) as server, netlab.Session() as session:
        yield session, f"{server.url}/"


async def test_form_fields_are_urlencoded(echo: tuple[netlab.Session, str]) -> None:
    session, url = echo
    for data in (
        {"a": "1 2", "b": ["x", "y"], "c": None, "ü": 3},
        [("a", "1 2"), ("b", "x"), ("b", "y"), ("ü", 3)],
    ):
        async with session.post(url, data=data) as response:
            assert response.fields["x-content-type"] == "application/x-www-form-urlencoded"
            assert await response.read() == b"a=1+2&b=x&b=y&%C3%BC=3"


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), [float("inf")], object()])
async def test_what_json_cannot_say_is_refused(value: Any) -> None:
    async with netlab.Session() as session:
        with pytest.raises(InvalidRequest, match="cannot be written as JSON"):
            session.post("http://localhost/", json=value).close()


@pytest.mark.parametrize("value", [True, {"a": 1}, object()])
async def test_a_form_value_without_one_way_to_write_it_is_refused(value: Any) -> None:
    async with netlab.Session() as session:
        with pytest.raises(InvalidRequest, match="the value of 'a'"):
            session.post("http://localhost/", data={"a": value}).close()
        with pytest.raises(InvalidRequest, match="the value of 'a'"):
            session.get("http://localhost/", params={"a": value}).close()


def parts_of(content_type: str, content: bytes) -> list[tuple[Any, ...]]:
    """The parts by an independent reader: (name, file name, media type, content)."""
    message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + content)
    found = []
    for part in message.walk():
        if part.is_multipart():
            continue
        assert isinstance(part, Message)
        name = part.get_param("name", header="content-disposition")
        kind = part.get_content_type() if "content-type" in part else None
        found.append((name, part.get_filename(), kind, part.get_payload(decode=True)))
    return found


async def test_files_make_the_form_multipart_and_are_streamed_from_the_disk(
    echo: tuple[netlab.Session, str], tmp_path: Path
) -> None:
    session, url = echo
    picture = tmp_path / 'a "b".png'
    picture.write_bytes(b"\x89PNG" + os.urandom(200_000))
    with picture.open("rb") as file:
        data = {
            "title": "ü",
            "path": picture,
            "open": file,
            "pair": ("n.txt", "text"),
            "three": ("x", b"y", "a/b"),
        }
        async with session.post(url, data=data) as response:
            content = await response.read()
            assert int(response.fields["x-content-length"]) == len(content)
            parts = parts_of(response.fields["x-content-type"], content)
    name = "a %22b%22.png"
    assert parts == [
        ("title", None, None, "ü".encode()),
        ("path", name, "image/png", picture.read_bytes()),
        ("open", name, "image/png", picture.read_bytes()),
        ("pair", "n.txt", "text/plain", b"text"),
        ("three", "x", "a/b", b"y"),
    ]


async def test_a_part_of_unknown_size_is_sent_chunked(echo: tuple[netlab.Session, str]) -> None:
    session, url = echo

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    form = FormData()
    form.add_field("a\r\nb", "1")
    form.add_field("s", pieces(), filename="s.bin")
    async with session.post(url, data=form) as response:
        assert response.fields["x-transfer-encoding"] == "chunked"
        parts = parts_of(response.fields["x-content-type"], await response.read())
    assert parts == [("a%0D%0Ab", None, None, b"1"), ("s", "s.bin", "application/octet-stream", b"onetwo")]


async def test_a_file_is_sent_with_its_length_from_where_it_stands(echo: tuple[netlab.Session, str]) -> None:
    session, url = echo
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    async with session.put(url, data=file) as response:
        assert (response.fields["x-content-length"], await response.read()) == ("6", b"456789")


async def test_a_plain_iterable_of_bytes_is_sent_chunked(echo: tuple[netlab.Session, str]) -> None:
    session, url = echo

    def pieces() -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    async with session.post(url, data=pieces()) as response:
        assert (response.fields["x-transfer-encoding"], await response.read()) == ("chunked", b"ab")


async def test_files_that_cannot_be_sent_are_refused(tmp_path: Path) -> None:
    async with netlab.Session() as session:
        for data, why in (
            (tmp_path / "missing", "No such file"),
            (tmp_path, "a folder"),
            (io.StringIO("text"), "mode 'rb'"),
        ):
            with pytest.raises(InvalidRequest, match=why):
                session.post("http://localhost/", data=data).close()


@pytest.mark.parametrize(
    "url, params, target",
    [
        ("", {"a": "1 2", "b": [1, 2], "c": None}, "/?a=1+2&b=1&b=2"),
        ("?x=y", {"a": "ü&"}, "/?x=y&a=%C3%BC%26"),
        ("", [("a", "1"), ("a", "2")], "/?a=1&a=2"),
        ("", "raw=ü b", "/?raw=%C3%BC%20b"),
        ("", {}, "/"),
    ],
)
async def test_params_are_added_to_the_query(
    echo: tuple[netlab.Session, str], url: str, params: Any, target: str
) -> None:
    session, base = echo
    async with session.get(base + url, params=params) as response:
        assert response.fields["x-target"] == target


async def test_basic_authentication(echo: tuple[netlab.Session, str]) -> None:
    session, url = echo
    async with session.get(url, auth=("Aladdin", "open sesame")) as response:
        assert response.fields["x-authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    async with session.get(url, auth=("test", "123£")) as response:  # RFC 7617 §2.1
        assert response.fields["x-authorization"] == "Basic dGVzdDoxMjPCow=="
    for auth in (("a:b", "c"), "a:b", ("a",)):
        with pytest.raises(InvalidRequest):
            session.get(url, auth=auth).close()


async def test_base_url_and_its_authentication() -> None:
    async with (
        netlab.Server(app) as server,
        netlab.Server(app) as other,
        netlab.Session(base_url=f"{server.url}/api/v1/", auth=("a", "b")) as session,
    ):
        for url, target in (("x?y", "/api/v1/x?y"), ("/z", "/z"), ("../w", "/api/w"), ("", "/api/v1/")):
            async with session.get(url) as response:
                assert response.fields["x-target"] == target
                assert "x-authorization" in response.fields
        async with session.get(f"{other.url}/") as response:
            assert "x-authorization" not in response.fields
