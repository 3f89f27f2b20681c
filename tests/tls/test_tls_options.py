"""The TLS options of `serve`, as a client sees them."""

from __future__ import annotations

import argparse
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netlab.cli import tlsoptions
from netlab.tls import authority
from tests.server.conftest import Process, Raw


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> authority.Certificates:
    return authority.ensure(tmp_path_factory.mktemp("certs"))


@pytest.fixture
def serve(files: authority.Certificates) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        started.append(Process("--cert", str(files.chain), "--key", str(files.leaf_key), *arguments))
        return started[-1]

    yield start
    for server in started:
        assert server.stop()[0] == 0


def _ask(port: int, target: str = "/") -> tuple[dict[str, str], ssl.SSLSocket]:
    client = Raw(port, ssl._create_unverified_context())
    client.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    _, fields, _ = client.response()
    client.close()
    assert isinstance(client.socket, ssl.SSLSocket)
    return fields, client.socket


def test_hsts_goes_with_every_answer_over_tls_and_with_none_in_plain_text(
    serve: Callable[..., Process],
) -> None:
    server = serve("--hsts", "600", "--no-tickets", "--tls-max", "1.2")
    for target in ("/", "/nowhere", "/%00"):
        assert _ask(server.port, target)[0]["strict-transport-security"] == "max-age=600"
    plain = Raw(server.port)
    plain.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    status, fields, _ = plain.response()
    plain.close()
    assert status == 400 and "strict-transport-security" not in fields, "RFC 6797 §7.2"
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw,
        ssl._create_unverified_context().wrap_socket(raw) as client,
    ):
        assert client.version() == "TLSv1.2"
        assert client.session is None or not client.session.has_ticket


def test_a_file_which_has_a_date_of_its_own_says_hsts_too(
    serve: Callable[..., Process], tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("a page")
    fields, _ = _ask(serve("--hsts", "600", "--dir", str(tmp_path)).port, "/index.html")
    assert fields["strict-transport-security"] == "max-age=600" and "date" in fields


def test_without_the_option_there_is_no_such_field(serve: Callable[..., Process]) -> None:
    assert "strict-transport-security" not in _ask(serve().port)[0]


MISTAKES = {
    ("--hsts",): "--hsts is about TLS",
    ("--no-tickets", "--tls-max", "1.2"): "--no-tickets is about TLS",
    ("--tls", "--hsts", "-1"): "give seconds",
    ("--tls", "--cert", "a", "--key", "b"): "one of the two",
    ("--key", "b"): "--cert is missing",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_named(arguments: tuple[str, ...]) -> None:
    parser = argparse.ArgumentParser()
    tlsoptions.add_options(parser.add_argument_group())
    assert MISTAKES[arguments] in "; ".join(tlsoptions.mistakes(parser.parse_args(arguments)))


@pytest.mark.parametrize(
    ("arguments", "seconds"), [(["--hsts"], 31_536_000), (["--hsts", "0"], 0), ([], None)]
)
def test_hsts_lasts_a_year_unless_it_is_told(arguments: list[str], seconds: int | None) -> None:
    parser = argparse.ArgumentParser()
    tlsoptions.add_options(parser.add_argument_group())
    assert parser.parse_args(arguments).hsts == seconds
