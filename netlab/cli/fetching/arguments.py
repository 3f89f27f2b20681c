"""The arguments of `netlab fetch`, and what they mean as values. Names and letters are curl's."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from netlab.cli.errors import UserError
from netlab.client.multipart import FormData
from netlab.client.url import URL

EPILOG = """exit status:
  0   a response came, whatever its status
  2   wrong usage, or no response came: the line on standard error says why
  18  the content broke off; what came is kept, and -C fetches the rest
  22  the status is 400 or above, and --fail was given
  130 Ctrl-C"""

_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kKmMgG]?)")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    add, flag = parser.add_argument, "store_true"
    add("url", metavar="URL", help="http://… or https://…")
    shown = parser.add_argument_group("what is shown").add_argument
    shown("-v", "--verbose", action=flag, help="tell the whole way: heads, TLS, framing, persistence, time")
    shown("-i", "--include", action=flag, help="print the response's head before the content")
    shown("-o", "--output", metavar="FILE", help="write the content to a file")
    shown("-O", "--remote-name", action=flag, help="write it to a file named as the URL's last part")
    shown("-C", "--continue", dest="resume", action=flag, help="fetch the rest of a file that broke off")
    shown("--no-progress", action=flag, help="no progress bar on long transfers")
    shown("--har", metavar="FILE", help="write a HAR file, which a browser's network panel opens")
    sent = parser.add_argument_group("what is sent").add_argument
    sent("-X", "--request", metavar="METHOD", help="the method (default: GET, or POST with -d, -F, --json)")
    sent("-I", "--head", action=flag, help="ask for the head alone (HEAD), and print it")
    sent("-H", "--header", metavar="'NAME: VALUE'", action="append", default=[], help="a field line")
    sent(
        "-d", "--data", metavar="DATA", action="append", default=[],
        help="content to send; several are joined by &; @FILE reads a file, @- standard input",
    )  # fmt: skip
    sent("--json", metavar="JSON", help="content to send as application/json; @FILE and @- as for -d")
    sent(
        "-F", "--form", metavar="NAME=VALUE", action="append", default=[],
        help="a part of multipart/form-data; NAME=@FILE sends a file",
    )  # fmt: skip
    sent("-u", "--user", metavar="NAME:PASSWORD", help="Basic authentication")
    sent("--compressed", action=flag, help="ask for a compressed response, and decompress it")
    sent("--http1.0", dest="http10", action=flag, help="speak HTTP/1.0")
    how = parser.add_argument_group("how").add_argument
    how("-L", "--location", action=flag, help="follow up to 10 redirects")
    how("-f", "--fail", action=flag, help="exit with status 22 if the response's status is 400 or above")
    how("-x", "--proxy", metavar="URL", help="an HTTP proxy: http://[NAME:PASSWORD@]HOST:PORT")
    how(
        "--resolve",
        metavar="HOST:PORT:ADDR",
        action="append",
        default=[],
        help="use this address",
    )
    how("--cacert", type=Path, metavar="PEM", help="trust the root certificates in this file, and no others")
    how("-k", "--insecure", action=flag, help="accept any certificate: encrypted, but to anyone at all")
    how("--limit-rate", metavar="RATE", help="bytes a second at most, such as 200k")
    how("--retry", type=int, default=0, metavar="N", help="try again up to N times after what may pass")
    how("--repeat", type=int, default=1, metavar="N", help="ask N times in one session: see what is reused")
    how("--timeout", type=float, metavar="SECONDS", help="for each request, content included")


def check(options: argparse.Namespace) -> None:
    """Refuse what contradicts itself. Raises UserError."""
    if options.repeat < 1:
        raise UserError(f"--repeat {options.repeat}: give 1 or more")
    if options.retry < 0:
        raise UserError(f"--retry {options.retry}: give 0 or more")
    if options.timeout is not None and not options.timeout > 0:
        raise UserError(f"--timeout {options.timeout:g}: give seconds above 0")
    contents = [name for name in ("data", "json", "form") if getattr(options, name)]
    if len(contents) > 1:
        raise UserError(f"--{contents[0]} and --{contents[1]} are two contents: give one of them")
    if options.head and (contents or (options.request or "HEAD") != "HEAD"):
        raise UserError("-I asks for the head alone: drop -d, --json, -F and -X")
    if options.output and options.remote_name:
        raise UserError("-o names a file, -O takes the URL's name: give one of the two")
    if options.resume and not (options.output or options.remote_name):
        raise UserError("-C goes on with a file: name it by -o or -O")
    if options.resume and options.repeat > 1:
        raise UserError("-C fetches one file: drop --repeat")


def fields(options: argparse.Namespace) -> list[tuple[str, str]]:
    """The field lines of -H. Raises UserError."""
    found = []
    for line in options.header:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise UserError(f"-H {line!r} is not 'Name: value'")
        found.append((name.strip(), value.strip()))
    return found


def content(options: argparse.Namespace, given: list[tuple[str, str]]) -> tuple[Any, str]:
    """The content and its media type; (None, "") without one. Raises UserError."""
    says_type = any(name.lower() == "content-type" for name, _ in given)
    if options.form:
        return _form(options.form), ""
    if options.json is not None:
        return _bytes("--json", options.json), "" if says_type else "application/json"
    if options.data:
        joined = b"&".join(_bytes("-d", each) for each in options.data)
        return joined, "" if says_type else "application/x-www-form-urlencoded"  # as curl has it
    return None, ""


def _bytes(option: str, given: str) -> bytes:
    if not given.startswith("@"):
        return given.encode()
    try:
        return sys.stdin.buffer.read() if given == "@-" else Path(given[1:]).read_bytes()
    except OSError as error:
        raise UserError(f"{option} {given}: cannot read the file: {error.strerror}") from None


def _form(parts: list[str]) -> FormData:
    form = FormData()
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise UserError(f"-F {part!r} is not NAME=VALUE or NAME=@FILE")
        form.add_field(name, Path(value[1:]) if value.startswith("@") else value)
    return form


def auth(options: argparse.Namespace) -> tuple[str, str] | None:
    """Name and password of -u. Raises UserError."""
    if options.user is None:
        return None
    name, colon, password = options.user.partition(":")
    if not colon:
        raise UserError(f"-u {options.user!r} is not NAME:PASSWORD")
    return name, password


def rate(options: argparse.Namespace) -> float | None:
    """Bytes a second of --limit-rate. Raises UserError."""
    if options.limit_rate is None:
        return None
    found = _RATE.fullmatch(options.limit_rate)
    if found is None or not float(found[1]):
        raise UserError(f"--limit-rate {options.limit_rate}: give bytes a second, such as 200k or 2M")
    return float(found[1]) * _UNITS[found[2].lower()]


def resolve(options: argparse.Namespace) -> Mapping[tuple[str, int], str]:
    """The addresses of --resolve, by host and port. Raises UserError."""
    found = {}
    for each in options.resolve:
        host, _, rest = each.partition(":")
        port, _, address = rest.partition(":")
        if not (host and port.isdecimal() and address):
            raise UserError(f"--resolve {each} is not HOST:PORT:ADDR, such as a.example:443:127.0.0.1")
        found[host.lower(), int(port)] = address.strip("[]")
    return found


def output(options: argparse.Namespace, url: URL) -> Path | None:
    """The file to write; None for standard output. Raises UserError for a URL without a name."""
    if not options.remote_name:
        return None if options.output in (None, "-") else Path(options.output)
    name = Path(unquote(url.target.partition("?")[0].rpartition("/")[2])).name
    if not name or name in (".", ".."):
        raise UserError(f"-O: {url} ends without a file name: name the file by -o")
    return Path(name)
