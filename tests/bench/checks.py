"""Is the answer right? Looked at before anything is timed, by Python's own http.client, which is not ours.

Each check takes the base URL of a running server and raises Wrong with what was expected and what came.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from urllib.parse import urlsplit

from tests.bench.apps import HELLO
from tests.bench.frameworks import ROUTE
from tests.bench.machine import Place

_PATIENCE = 20.0


class Wrong(Exception):
    """An answer that is not what was asked for."""


def hello(place: Place, base: str, *, persistent: bool = True, field_lines: int = 0) -> None:
    """GET / twice: 200 and the 17 octets of JSON, on a connection that stays, or on one each that closes."""
    connection = _connect(place, base)
    try:
        fields = {f"X-Field-{number}": "a value" for number in range(max(0, field_lines - 2))}
        if not persistent:
            fields["Connection"] = "close"
        for _ in range(2):
            before = connection.sock
            answer, content = _exchange(connection, "GET", "/", fields=fields)
            kind = answer.getheader("Content-Type", "")
            _insist(content == HELLO, f"content {content[:60]!r} instead of {HELLO!r}")
            _insist(kind.startswith("application/json"), f"content type {kind!r}")
            _insist(
                persistent != answer.will_close,
                f"the connection {'does not stay' if persistent else 'stays'}",
            )
            if persistent:
                _insist(
                    before is None or connection.sock is before, "the second request took a new connection"
                )
    finally:
        connection.close()


def echo(place: Place, base: str, size: int) -> None:
    """POST /echo twice on one connection: 200, and the same octets back."""
    connection = _connect(place, base)
    try:
        for letter in (b"a", b"b"):
            answer, content = _exchange(connection, "POST", "/echo", letter * size)
            _insist(content == letter * size, f"{len(content)} octets, not the {size} that were sent")
            _insist(not answer.will_close, "the connection does not stay")
    finally:
        connection.close()


def route(place: Place, base: str, expected: dict[str, object]) -> None:
    """GET of the JSON route: 200, and what its path and query say."""
    connection = _connect(place, base)
    try:
        answer, content = _exchange(connection, "GET", ROUTE)
        _insist(json.loads(content) == expected, f"content {content[:80]!r} instead of {expected}")
        _insist(not answer.will_close, "the connection does not stay")
    finally:
        connection.close()


def json_post(place: Place, base: str, size: int) -> None:
    """POST /json of so many octets: 200, and the length of the text in it."""
    connection = _connect(place, base)
    try:
        sent = b'{"text":"%b"}' % (b"x" * (size - 11))
        _, content = _exchange(connection, "POST", "/json", sent, {"Content-Type": "application/json"})
        _insist(json.loads(content) == {"octets": size - 11}, f"content {content[:80]!r}")
    finally:
        connection.close()


def stream(place: Place, base: str, path: str, size: int, *, chunked: bool) -> None:
    """GET a long answer: 200, its size, and that it is chunked (or is not)."""
    connection = _connect(place, base)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        _insist(answer.status == 200, f"status {answer.status} for {path}")
        _insist(bool(answer.chunked) == chunked, f"the answer {'is not' if chunked else 'is'} chunked")
        received = 0
        while part := answer.read(1 << 20):
            received += len(part)
        _insist(received == size, f"{received} octets instead of {size}")
    except (OSError, http.client.HTTPException) as failure:
        raise Wrong(f"{type(failure).__name__}: {failure}") from None
    finally:
        connection.close()


def tls_one_shot(place: Place, base: str) -> None:
    """What openssl s_time does: a TLS 1.3 handshake, GET in HTTP/1.0, read until the server closes."""
    port = urlsplit(base).port
    try:
        with (
            socket.create_connection(("127.0.0.1", port), _PATIENCE) as plain,
            place.client.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=True) as tls,
        ):
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while part := tls.recv(1 << 16):
                answer += part
    except OSError as failure:
        raise Wrong(f"{type(failure).__name__}: {failure}") from None
    status, content = answer.split(b"\r\n", 1)[0], answer.rpartition(b"\r\n\r\n")[2]
    _insist(b" 200" in status and content == HELLO, f"{status!r} and content {content[:60]!r}")


def resumes(place: Place, base: str) -> None:
    """A second TLS connection continues the session of the first (RFC 8446 §2.2)."""
    port, session = urlsplit(base).port, None
    for number in (1, 2):
        with (
            socket.create_connection(("127.0.0.1", port), _PATIENCE) as plain,
            place.client.wrap_socket(plain, server_hostname="localhost", session=session) as tls,
        ):
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            tls.recv(1 << 16)  # with the answer the tickets have come
            session = tls.session
            _insist(number == 1 or bool(tls.session_reused), "sessions are not resumed")


def _connect(place: Place, base: str) -> http.client.HTTPConnection:
    parts = urlsplit(base)
    assert parts.hostname and parts.port
    if parts.scheme == "https":
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=_PATIENCE, context=place.client
        )
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=_PATIENCE)


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    content: bytes | None = None,
    fields: dict[str, str] | None = None,
) -> tuple[http.client.HTTPResponse, bytes]:
    try:
        connection.request(method, path, content, fields or {})
        if isinstance(connection.sock, ssl.SSLSocket):
            version, cipher = connection.sock.version(), connection.sock.cipher()
            suite = cipher[0] if cipher else None
            _insist(version == "TLSv1.3", f"{version} instead of TLSv1.3")
            _insist(suite == "TLS_AES_256_GCM_SHA384", f"cipher suite {suite}: not that of the others")
        answer = connection.getresponse()
        received = answer.read()
    except (OSError, http.client.HTTPException) as failure:
        raise Wrong(f"{method} {path}: {type(failure).__name__}: {failure}") from None
    _insist(answer.status == 200, f"{method} {path}: status {answer.status}")
    return answer, received


def _insist(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Wrong(otherwise)
