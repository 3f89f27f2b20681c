"""The arguments of `netlab fetch`, and what they mean as values. Names and letters are curl's."""

from __future__ import annotations

import argparse
import ipaddress
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from netlab.cli.errors import UserError
from netlab.cli.typed import with_scheme
from netlab.client.errors import InvalidRequest
from netlab.client.multipart import FormData
from netlab.client.url import URL

EPILOG = """exit status:
  0   a response came, whatever its status
  1   the reader of standard output ended before the content did (`| head`)
  2   wrong usage, or no response came: the line on standard error says why
  18  the content broke off; what came is kept, and -C fetches the rest
  22  the status is 400 or above, and --fail was given
  130 Ctrl-C"""

# What curl has and netlab has not, with what to give here.
INSTEAD = {
    "-A": "give -H 'User-Agent: NAME'",
    "--user-agent": "give -H 'User-Agent: NAME'",
    "-e": "give -H 'Referer: URL'",
    "--referer": "give -H 'Referer: URL'",
    "-b": "give -H 'Cookie: NAME=VALUE'",
    "--cookie": "give -H 'Cookie: NAME=VALUE'",
    "-c": "no cookie jar is written to a file",
    "-r": "give -H 'Range: bytes=FIRST-LAST'",
    "--range": "give -H 'Range: bytes=FIRST-LAST'",
    "-T": "give -X PUT --data-binary @FILE",
    "--upload-file": "give -X PUT --data-binary @FILE",
    "-G": "write the query into the URL",
    "--get": "write the query into the URL",
    "--data-urlencode": "write the content percent-encoded, with -d",
    "-w": "-v prints the status and the times",
    "--write-out": "-v prints the status and the times",
    "-D": "-i prints the head before the content",
    "--dump-header": "-i prints the head before the content",
    "--connect-timeout": "give --timeout, for all of the request",
    "--fail-with-body": "give -f for the exit status alone, or leave it out for the content",
    "--url": "the URL stands alone",
    "--http1.1": "that is the default",
    "--http2": "netlab speaks HTTP/1.1 and HTTP/1.0",
}

# curl's parameters behind the value of -F.
_PART_OPTION = re.compile(r";\s*(?=(?:type|filename)=)")

_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kKmMgG]?)")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class _Data(NamedTuple):
    """One -d. reads: an @ in front names a file. joined: without its line ends, as curl sends it."""

    given: str
    reads: bool = True
    joined: bool = False

    @classmethod
    def without_line_ends(cls, given: str) -> _Data:
        """-d and --data."""
        return cls(given, joined=True)

    @classmethod
    def text(cls, given: str) -> _Data:
        """--data-raw."""
        return cls(given, reads=False)

    def octets(self) -> bytes:
        """What is sent. Raises UserError."""
        if not self.reads or not self.given.startswith("@"):
            return self.given.encode()
        octets = _bytes("-d", self.given)
        return octets.translate(None, b"\r\n\0") if self.joined else octets


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "url", metavar="URL", nargs="?", help="http://… or https://…; without either, http://"
    )
    _add_shown(parser.add_argument_group("what is shown").add_argument)
    _add_sent(parser.add_argument_group("what is sent").add_argument)
    _add_how(parser.add_argument_group("how").add_argument)


def _add_shown(shown: Callable[..., object]) -> None:
    flag = "store_true"
    shown("-v", "--verbose", action=flag, help="tell the whole way: heads, TLS, framing, persistence, time")
    shown("-i", "--include", action=flag, help="print the response's head before the content")
    shown("-o", "--output", metavar="FILE", help="write the content to a file")
    shown("-O", "--remote-name", action=flag, help="write it to a file named as the URL's last part")
    shown(
        "-C", "--continue", dest="resume", nargs="?", const="-", metavar="-",
        help="fetch the rest of a file that broke off",
    )  # fmt: skip
    shown("-s", "--silent", "--no-progress", dest="no_progress", action=flag, help="no progress bar; errors "
          "are told")  # fmt: skip
    shown("-S", "--show-error", action=flag, help="nothing: errors are always told")
    shown("--har", metavar="FILE", help="write a HAR file, which a browser's network panel opens")


def _add_sent(sent: Callable[..., object]) -> None:
    flag = "store_true"
    sent("-X", "--request", metavar="METHOD", help="the method (default: GET, or POST with -d, -F, --json)")
    sent("-I", "--head", action=flag, help="ask for the head alone (HEAD), and print it")
    sent(
        "-H", "--header", metavar="'NAME: VALUE'", action="append", default=[],
        help="a field line; 'NAME:' sends none, 'NAME;' one with an empty value",
    )  # fmt: skip
    sent(
        "-d", "--data", metavar="DATA", action="append", default=[], type=_Data.without_line_ends,
        help="content to send; several are joined by &; @FILE sends a file without its line ends, @- standard"
        " input",
    )  # fmt: skip
    sent(
        "--data-binary", dest="data", metavar="DATA", action="append", type=_Data,
        help="as -d, but a file is sent as it is",
    )  # fmt: skip
    sent(
        "--data-raw", dest="data", metavar="DATA", action="append", type=_Data.text,
        help="as -d, but an @ is sent as it is",
    )  # fmt: skip
    sent(
        "--json", metavar="JSON", action="append", default=[],
        help="content to send as application/json, and Accept: application/json; @FILE and @- as for -d",
    )  # fmt: skip
    sent(
        "-F", "--form", metavar="NAME=VALUE", action="append", default=[],
        help="a part of multipart/form-data; NAME=@FILE sends a file, NAME=<FILE its text; "
        ";type=TYPE and ;filename=NAME may follow",
    )  # fmt: skip
    sent("-u", "--user", metavar="NAME:PASSWORD", help="Basic authentication")
    sent("--compressed", action=flag, help="ask for a compressed response, and decompress it")
    sent("--http1.0", dest="http10", action=flag, help="speak HTTP/1.0")


def _add_how(how: Callable[..., object]) -> None:
    flag = "store_true"
    how("-L", "--location", action=flag, help="follow up to 10 redirects")
    how("--allow-downgrade", action=flag, help="with -L: follow a redirect from https to http, too")
    how("-f", "--fail", action=flag, help="no content, and exit status 22, if the status is 400 or above")
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
    how(
        "-m", "--timeout", "--max-time", dest="timeout", type=float, metavar="SECONDS",
        help="for each request, content included",
    )  # fmt: skip


def check(options: argparse.Namespace) -> None:
    """Refuse what contradicts itself. Raises UserError."""
    _take_url(options)
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


def _take_url(options: argparse.Namespace) -> None:
    """`-C URL` and curl's `-C - URL` mean the same: what stands behind -C may be the URL."""
    if options.resume not in (None, "-"):
        if options.url is not None:
            raise UserError(f"-C {options.resume}: give no offset, the file's size says where to go on")
        options.url = options.resume
    if options.url is None:
        raise UserError("no URL given (see `python -m netlab fetch --help`)")
    options.url = with_scheme(options.url)


def fields(options: argparse.Namespace) -> list[tuple[str, str]]:
    """The field lines of -H, and what --json adds. Raises UserError."""
    found: list[tuple[str, str]] = []
    for line in options.header:
        name, colon, value = line.partition(":")
        if not colon and line.endswith(";"):
            name, colon = line[:-1], ";"  # curl's way to say: with an empty value
        if not colon or not name.strip():
            raise UserError(f"-H {line!r} is not 'Name: value'")
        if colon == ":" and not value.strip() and name.strip().lower() != "host":
            continue  # see `left_out`
        found.append((name.strip(), value.strip()))
    given = {line.partition(":")[0].strip().lower() for line in options.header}
    if options.json and "accept" not in given:
        found.append(("Accept", "application/json"))
    return found


def left_out(options: argparse.Namespace) -> dict[str, None]:
    """The names of -H 'NAME:', which netlab would send by itself."""
    lines = (line.partition(":") for line in options.header)
    return {name.strip(): None for name, colon, value in lines if colon and not value.strip()}


def content(options: argparse.Namespace, given: list[tuple[str, str]]) -> tuple[Any, str]:
    """The content and its media type; (None, "") without one. Raises UserError."""
    says_type = any(name.lower() == "content-type" for name, _ in given)
    if options.form:
        return _form(options.form), ""
    if options.json:
        joined = b"".join(_bytes("--json", each) for each in options.json)
        return joined, "" if says_type else "application/json"
    if options.data:
        joined = b"&".join(each.octets() for each in options.data)
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
        name, equals, rest = part.partition("=")
        if not equals or not name:
            raise UserError(f"-F {part!r} is not NAME=VALUE or NAME=@FILE")
        value, *options = _PART_OPTION.split(rest)
        said = dict(option.split("=", 1) for option in options)
        filename, media_type = said.get("filename"), said.get("type")
        try:
            form.add_field(name, _part(part, value), filename=filename, content_type=media_type)
        except InvalidRequest as error:
            raise UserError(f"-F {part}: {error}") from None
    return form


def _part(part: str, value: str) -> Path | bytes | str:
    """The value of one part: a file to stream, the text of a file, or text. Raises UserError."""
    if value[:1] == "<" or value == "@-":
        return _bytes(f"-F {part}:", "@" + value[1:])
    return Path(value[1:]) if value[:1] == "@" else value


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
        found[host.lower(), int(port)] = _address(each, address.strip("[]"))
    return found


def _address(given: str, address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise UserError(
            f"--resolve {given}: {address!r} is no address: give one IPv4 or IPv6 address"
        ) from None


def output(options: argparse.Namespace, url: URL) -> Path | None:
    """The file to write; None for standard output. Raises UserError for a URL without a name."""
    if not options.remote_name:
        return None if options.output in (None, "-") else Path(options.output)
    name = Path(unquote(url.target.partition("?")[0].rpartition("/")[2])).name
    if not name or name in (".", ".."):
        raise UserError(f"-O: {url} ends without a file name: name the file by -o")
    return Path(name)
