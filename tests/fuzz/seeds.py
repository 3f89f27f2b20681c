"""Where a fuzzer starts: the wire cases, a few inputs for each target, and words worth putting in."""

from __future__ import annotations

from pathlib import Path

from netlab.check.cases import every_case
from tests.fuzz import captures, tls

FINDS = Path(__file__).parent / "finds"

HEAD = b"HTTP/1.1 200 OK\r\n"

OWN: dict[str, tuple[bytes, ...]] = {
    "requests": (
        b"\x01\x00GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        b"POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"\x02\x01POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    ),
    "responses": (
        b"\x01\x00\x00" + HEAD + b"Content-Length: 5\r\n\r\nhello" + HEAD + b"\r\nto the end",
        b"\x00\x01\x01" + HEAD + b"Content-Length: 5\r\n\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        b"\x03\x01\x02HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 304 \r\n\r\n" + HEAD,
    ),
    "heads": (
        b"GET\xff/a%20b\xff\x02X-A\xff1\xffconnection\xffclose\xff",
        b"OPTIONS\xff*\xff\x00",
        b"G T\xff/\xff",
    ),
    "chunks": (b"\x01digest\xffabc\xffhello\xffworld\xff", b"\x00hello"),
    "cors": (
        b"\x00\x01\x03\x00https://app.example\xff\x01PUT\xff\x02x-trace, content-type\xff",
        b"\x00\x00\x01\x00https://a.b.example.org\xff",
        b"\x01\x00\x01\x00https://app.example\xff",
        b"\x02\x01\x02\x00http://localhost:3000\xff\x01DELETE\xff",
    ),
    "captures": captures.SEEDS,
    "tracer": (
        b"\x00" + tls.conversation(),
        b"\x01" + tls.conversation(),
        b"\x02\x00\x00\x10220 hi\r\nSTARTTLS" + tls.conversation(),
        b"\x00\x00\x00\x12GET / HTTP/1.1\r\n\r\n",
    ),
    "messages": (
        b"\x03\x00" + tls.conversation()[8:204],
        b"\x02\x01\x0c\x00\x00\x0e\x00\x01\x05\x00\x01\x02\x00\x01\x03\x04\x01\x00\x01\xff",
        b"\x02\x02\x10\x00\x00\x02\x01\x00",
    ),
    "secrets": (
        b"CLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 48 + b"\n# end\n",
        b"0000  16 03 01 00  ....",
        b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
    ),
}

WORDS: dict[str, tuple[bytes, ...]] = {
    "requests": (
        b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b",", b"\0", b"0\r\n\r\n", b"1\r\na\r\n",
        b"GET / HTTP/1.1\r\n", b"POST /", b"OPTIONS * HTTP/1.0\r\n", b"http://b/", b"Host: a\r\n",
        b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"gzip, chunked",
        b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"ffffffffffffffff\r\n", b"0x5", b"+5",
        b'5;a="\\""\r\n', b"%41", b"%", b"hello", b"X: y\r\n", b"Trailer: x\r\n", b" folded\r\n", b"HTTP/1.1",
    ),
    "responses": (
        b"\r\n", b"\r\n\r\n", b"\n", b" ", b":", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 204 \r\n",
        b"HTTP/1.0 304", b"HTTP/1.1 101 Switching\r\n", b"HTTP/1.1 103 \r\n", b"Content-Length: 5\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n", b"gzip, chunked", b"Connection: keep-alive\r\n", b"0\r\n\r\n",
        b"1;a\r\nb\r\n", b"hello", b"HTTP/2.0 ", b"X: y\r\n",
    ),
    "heads": (
        b"\xff", b"\r\n", b"Host", b"Content-Length", b"Expect", b"Connection", b"close", b"5", b"%00", b"/",
        b"http://a/", b"*", b"CONNECT", b"\0", b" ", b"\x80",
    ),
    "chunks": (b"\xff", b"\r\n", b"0\r\n\r\n", b"Content-Length", b"digest", b": ", b"\n", b"host"),
    "cors": (
        b"\xff", b"https://app.example", b"http://localhost:", b"https://x.example.org", b"null", b"://",
        b"*", b".example.org", b"https://app.example.evil", b"https://evilexample.org", b"PUT", b"patch",
        b"DELETE", b"content-type", b"x-trace", b"authorization", b",", b", ,", b"\t", b":65536", b"[::1]",
        b"@", b"%", b"xn--", b"https://APP.example", b"https://app.example:443", b"https://app.example/",
        b"\x00", b"\x01",
    ),
    "captures": captures.WORDS,
    "tracer": (
        b"\x16\x03\x01", b"\x17\x03\x03", b"\x15\x03\x03\0\x02\x02\x28", b"\x14\x03\x03\0\x01\x01",
        b"\x01\0\0\xc0", b"\x02\0\0", b"\x13\x01", b"\0\x2f", b"\0\x2b\0\x02\x03\x04", b"\0\x29",
        b"\0\x2a\0\0", b"\0\0\0", b"\x80\x2e\x01\x03\x01", b"\xff\xff", b"\x0a\x0a", b"\x01\0\x05",
        b"\x18\0\0\x01\x01", b"\x14\0\0\x20",
    ),
    "messages": (
        b"\0\x0a", b"\0\x33", b"\xfe\x0d", b"\0\0", b"\xff\xff", b"\0\x39", b"\x30\x82",
        b"\x30\x84\xff\xff\xff\xff", b"\x0b\0\0", b"\x0d\0\0", b"\x04\0\0", b"\x19\0\0", b"\x30\x80",
        b"\x06\x03", b"\xa0\x03", b"\x11\xec",
    ),
    "secrets": (
        b"\n", b"\r", b" ", b"CLIENT_RANDOM", b"RSA", b"RSA Session-ID:", b" Master-Key:", b"ab" * 32, b"0x",
        b"-----BEGIN RSA PRIVATE KEY-----\n", b"-----END", b"MII", b"0000: ", b"|", b"\xff",
    ),
}  # fmt: skip


def seeds(target: str) -> list[bytes]:
    """Inputs for a target: its own, what it has found before, and, of requests, every wire case."""
    found = [*OWN[target], *(path.read_bytes() for path in sorted(FINDS.glob(f"{target}-*")))]
    if target == "requests":
        found += [b"\x01\x00" + octets for octets in wire()]
    return found


def wire() -> list[bytes]:
    """The octets of every wire case that is not too long to be mutated with profit."""
    return [case.request for case in every_case() if len(case.request) <= 600]
