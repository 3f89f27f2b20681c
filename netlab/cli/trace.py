"""`python -m netlab trace`: your own TLS handshake, every byte of it, decrypted.

Arguments and the way to the sources alone; what is read stands in `netlab.tls.tracer`, what is printed in
`netlab.cli.tracing`.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from netlab.capture import Captured, Endpoint, pcapng
from netlab.cli.errors import UserError
from netlab.cli.tracing import captures, live, own13, pasted_bytes, tapped
from netlab.cli.tracing.jsonlines import JsonTeller
from netlab.cli.tracing.page import HtmlTeller
from netlab.cli.tracing.streams import MakeStream, Stream, Streams, Teller, Tellers
from netlab.cli.tracing.text import TextTeller
from netlab.cli.trusting import client_tls
from netlab.client import errors
from netlab.client.url import parse_url
from netlab.tls import keylog
from netlab.tls.client13 import SUITES, X25519, Offer
from netlab.tls.keylog import KeyLog
from netlab.tls.tracing.keyring import Keyring, load_private_key
from netlab.tls.tracing.values import Side
from netlab.tls.wire import suites
from netlab.tls.wire.spans import TraceError

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of `trace`."""
    add = parser.add_argument
    add(
        "source",
        nargs="?",
        metavar="URL|FILE",
        help="https://… to connect to, or a capture (pcap, pcapng, gzip)",
    )
    add("--tls", choices=_VERSIONS, help="of a URL: this version alone")
    add("--cipher", metavar="NAME", help="of a URL: this suite alone (TLS_… of TLS 1.3, or OpenSSL's name)")
    add("--hello-retry", action="store_true", help="of a URL: offer no key share: the server asks for one")
    add(
        "--resume",
        action="store_true",
        help="of a URL: a second connection that resumes the first one's session",
    )
    add("--cacert", type=Path, metavar="PEM", help="of a URL: trust the roots in this file, and no others")
    add("--insecure", action="store_true", help="of a URL: accept any certificate")
    add("--listen", type=int, metavar="PORT", help="tap connections to this port (0: any free one)")
    add("--to", metavar="HOST:PORT", help="where tapped connections go on to")
    add("--connections", type=int, metavar="N", help="of --listen: end after N connections")
    add("--hex", metavar="BYTES", help="explain pasted bytes; - reads them from standard input")
    add("--keylog", type=Path, metavar="FILE", help="a key log (SSLKEYLOGFILE); of a URL: written there, too")
    add(
        "--key",
        type=Path,
        action="append",
        default=[],
        metavar="PEM",
        help="the server's RSA key: opens static RSA",
    )
    add("--json", action="store_true", help="one JSON object a line for each record")
    add("--pcapng", type=Path, metavar="OUT", help="write a capture with its secrets inside, for Wireshark")
    add("--html", type=Path, metavar="OUT", help="write one page that explains every byte, for a browser")
    add("--fields", action=argparse.BooleanOptionalAction, help="unfold each record into its fields")
    add("--bytes", action="store_true", help="show each field under its bytes")


def run(options: argparse.Namespace) -> int:
    """Trace and print."""
    _check(options)
    ring = Keyring(_key_log(options), tuple(_private_key(path) for path in options.key))
    unfolded = options.fields if options.fields is not None else options.hex is not None or _is_url(options)
    teller: Teller = JsonTeller() if options.json else TextTeller(unfolded, options.bytes)
    page = HtmlTeller() if options.html else None
    if page is not None:
        teller = Tellers(teller, page)

    def make(number: int, client: Endpoint, server: Endpoint) -> Stream:
        return Stream(number, client, server, ring, teller)

    try:
        return _trace(options, ring, make)
    finally:
        if page is not None:
            page.write(options.html)


def _trace(options: argparse.Namespace, ring: Keyring, make: MakeStream) -> int:
    if options.hex is not None:
        return _pasted(options, make(0, Endpoint("pasted", 0), Endpoint("pasted", 0)))
    if options.listen is not None:
        return _listen(options, ring, make)
    if _is_url(options):
        return _url(options, ring, make)
    return _file(options, ring, make)


# -- the sources ---------------------------------------------------------------------------------------------


def _url(options: argparse.Namespace, ring: Keyring, make: MakeStream) -> int:
    try:
        url = parse_url(options.source)
    except errors.ClientError as error:
        raise UserError(str(error)) from None
    if not url.origin.secure:
        raise UserError(f"{options.source}: http:// has no TLS to trace; write https://…")
    context = client_tls(url, options.cacert, options.insecure)
    assert context is not None
    _restrict(context, options)
    recordings: list[live.Recording] = []
    try:
        with keylog.passing_file() as memory:
            context.keylog_filename = memory.path
            own = live.Own(url, context, memory, ring, make)
            _connect(options, own, recordings)
    except OSError as error:
        raise UserError(str(error)) from None
    finally:
        _write(options, [packet for each in recordings for packet in each.packets()], ring)
    return 0


def _connect(options: argparse.Namespace, own: live.Own, recordings: list[live.Recording]) -> None:
    """One connection, or two: by our own client where OpenSSL can't do what was asked."""
    suite = _tls13_suite(options.cipher)
    if suite or options.hello_retry:
        offered = (suite,) if suite else SUITES
        offer = Offer(own.url.origin.host, offered, None if options.hello_retry else X25519)
        trusted = None if options.insecure else own13.trusted_certificate(own)
        live.connect(own, 0, recordings, own13.begin(own, offer, trusted))
        return
    session: ssl.SSLSession | None = None
    for number in range(2 if options.resume else 1):
        session = live.connect(own, number, recordings, live.openssl(own, session))


def _tls13_suite(name: str | None) -> int | None:
    """A suite of TLS 1.3 by its name, or None."""
    return next((value for value in SUITES if suites.NAMES[value] == name), None)


def _restrict(context: ssl.SSLContext, options: argparse.Namespace) -> None:
    if options.tls:
        context.minimum_version = context.maximum_version = _VERSIONS[options.tls]
    if options.cipher and not _tls13_suite(options.cipher):
        try:
            context.set_ciphers(options.cipher)
        except ssl.SSLError:
            raise UserError(
                f"--cipher {options.cipher}: OpenSSL has no such suite (`openssl ciphers` lists them)"
            )
        context.maximum_version = ssl.TLSVersion.TLSv1_2


def _listen(options: argparse.Namespace, ring: Keyring, make: MakeStream) -> int:
    host, _, port = options.to.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UserError(f"--to {options.to}: write HOST:PORT, for example localhost:8443")
    keys = tapped.KeyLogFile(options.keylog, ring)
    ring.log = KeyLog()
    packets: list[Captured] = []
    try:
        packets = asyncio.run(
            tapped.tap(options.listen, (host.strip("[]"), int(port)), keys, make, options.connections)
        )
    except KeyboardInterrupt:
        return 130
    _write(options, packets, ring)
    return 0


def _pasted(options: argparse.Namespace, stream: Stream) -> int:
    data = pasted_bytes.parse(sys.stdin.read() if options.hex == "-" else options.hex)
    records = pasted_bytes.as_records(data)
    stream.feed(Side.CLIENT, records, None)
    stream.end()
    if not stream.records:
        raise UserError(
            f"--hex: no TLS in these {len(data)} bytes: a record starts with 14, 15, 16 or 17, then 03"
        )
    return 0


def _file(options: argparse.Namespace, ring: Keyring, make: MakeStream) -> int:
    path = Path(options.source)
    streams = Streams(make, ring)
    captures.read(path, streams)
    for complaint in streams.complaints:
        print(f"netlab: {path}: {complaint}", file=sys.stderr)
    if not streams.count and not streams.complaints:
        print(f"netlab: {path}: no TCP in it", file=sys.stderr)
    if options.pcapng:
        captures.copy(path, options.pcapng, ring)
    return 0


# -- the arguments as values ---------------------------------------------------------------------------------


def _is_url(options: argparse.Namespace) -> bool:
    return options.source is not None and "://" in options.source


def _check(options: argparse.Namespace) -> None:
    """One source, and options that go with it."""
    sources = [options.source is not None, options.listen is not None, options.hex is not None]
    if sum(sources) != 1:
        raise UserError("give one source: a URL, a capture, --listen PORT --to HOST:PORT, or --hex BYTES")
    if (options.listen is None) is not (options.to is None):
        raise UserError("--listen PORT and --to HOST:PORT belong together")
    if options.json and options.bytes:
        raise UserError("--json is for programs, --bytes for people: give one of the two")
    for name in ("tls", "cipher", "resume", "hello_retry", "cacert", "insecure"):
        if getattr(options, name) and not _is_url(options):
            raise UserError(
                f"--{name.replace('_', '-')} is about a connection of our own: it goes with a URL"
            )
    own = options.hello_retry or _tls13_suite(options.cipher)
    if own and options.tls == "1.2":
        raise UserError("--hello-retry and suites that start with TLS_ are of TLS 1.3: leave --tls 1.2 out")
    if own and options.resume:
        raise UserError("--resume goes with neither --hello-retry nor a suite of TLS 1.3: trace one by one")
    if options.connections is not None and (options.listen is None or options.connections < 1):
        raise UserError("--connections N goes with --listen, and is 1 or more")


def _key_log(options: argparse.Namespace) -> KeyLog:
    """The key log that was named; of a URL the file is written, not read."""
    if options.keylog is None or options.listen is not None or _is_url(options):
        return KeyLog()
    try:
        return KeyLog(options.keylog.read_bytes())
    except OSError as error:
        raise UserError(f"--keylog {options.keylog}: {error.strerror or error}") from None


def _private_key(path: Path) -> RSAPrivateKey:
    try:
        return load_private_key(path.read_bytes())
    except OSError as error:
        raise UserError(f"--key {path}: {error.strerror or error}") from None
    except TraceError as error:
        raise UserError(f"--key {path}: {error.problem}") from None


def _write(options: argparse.Namespace, packets: list[Captured], ring: Keyring) -> None:
    """The capture and the key log that were asked for."""
    lines = "".join(f"{line}\n" for line in ring.log.lines())
    try:
        if options.pcapng and packets:
            pcapng.write(options.pcapng, packets, lines.encode())
        if options.keylog and _is_url(options):
            options.keylog.write_text(lines)
            options.keylog.chmod(0o600)
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror or error}") from None
