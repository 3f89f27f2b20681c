"""`python -m netlab cors explain`: play a page's request against a policy, print every step and the repair.

Here are arguments and printing. The steps come from `netlab.cors.browser.explain`. `netlab.cli.pasted` reads
the copied requests. Exit status: 0 the page may read the response, 1 it may not, 2 a mistake in the input.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from netlab.cli.corsothers import server_report
from netlab.cli.errors import UserError
from netlab.cli.pasted import Pasted, PasteError, read_pasted
from netlab.cors import (
    Explanation,
    Mistake,
    PageRequest,
    Policy,
    PolicyError,
    Routes,
    Step,
    explain,
    parse_origin,
)
from netlab.cors.browser.compare import compare
from netlab.cors.browser.fetch_model import url_origin
from netlab.cors.others import SERVERS

_EXAMPLE = """\
examples:
  python -m netlab cors explain --allow-origin https://app.example --page https://app.example \\
      --url https://api.example/items --method PUT --header "Content-Type: application/json"
  python -m netlab cors explain --policy policy.toml --request copied.txt

policy.toml holds the settings of netlab.cors.Policy:
  origins = ["https://app.example", "https://*.example.com"]
  methods = ["PUT"]
  request_headers = ["Content-Type", "Authorization"]
  credentials = true
or one such table for each path:
  [routes."/api"]
  origins = ["*"]
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The action and its arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "print what browser and server make of a request, step by step"
    own = actions.add_parser(
        "explain",
        help=text,
        description=text,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    policy = own.add_argument_group("the policy: a file, or flags").add_argument
    policy("--policy", metavar="FILE", help="a TOML file with the settings of netlab.cors.Policy")
    policy("--allow-origin", metavar="ORIGIN", action="append", dest="origins")
    policy("--allow-method", metavar="METHOD", action="append", dest="methods")
    policy("--allow-header", metavar="NAME", action="append", dest="request_headers")
    policy("--expose-header", metavar="NAME", action="append", dest="expose_headers")
    policy("--allow-credentials", action="store_const", const=True, dest="allow_credentials")
    policy("--max-age", metavar="SECONDS", type=int)
    policy("--insecure-origins-with-credentials", action="store_const", const=True)
    request = own.add_argument_group("the request: a copied text, flags, or both (flags win)").add_argument
    request(
        "--request",
        metavar="FILE",
        help='"Copy as fetch" or "Copy as cURL" of a browser; - is standard input',
    )
    request("--page", metavar="ORIGIN", help="the page's origin, or null")
    request("--url", metavar="URL")
    request("--method", metavar="METHOD")
    request("--header", metavar="'NAME: VALUE'", action="append", default=[])
    request("--credentials", choices=("omit", "same-origin", "include"), help="the credentials mode")
    request("--mode", choices=("cors", "no-cors", "same-origin"))
    request("--upload-listener", action="store_true", help="the script watches the upload, or sends a stream")
    own.add_argument(
        "--server",
        metavar="NAME",
        action="append",
        default=[],
        dest="servers",
        help=f"also what this server answers to the same policy: {', '.join(SERVERS)}; repeat it for more. "
        "The exit status stays netlab's",
    )
    # One action: its help is the command's help.
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = own.format_help()


def run(options: argparse.Namespace) -> int:
    """Explain, and print."""
    servers = list(dict.fromkeys(map(_server, options.servers)))
    policy = _policy(options)
    request, notes = _request(options)
    try:
        explanation = explain(policy, request)
    except ValueError as error:
        raise UserError(f"--url: {error}") from None
    print("\n".join(report(explanation, notes, tick=_tick())))
    for name in servers:
        print("\n".join(server_report(compare(SERVERS[name], policy, request))))
    return 0 if explanation.readable else 1


def _server(name: str) -> str:
    if name.lower() not in SERVERS:
        raise UserError(f"--server {name}: netlab has no model of it; write one of {', '.join(SERVERS)}")
    return name.lower()


# The policy -------------------------------------------------------------------------------------------------

_FLAGS = {
    "origins": "origins",
    "methods": "methods",
    "request_headers": "request_headers",
    "expose_headers": "expose_headers",
    "allow_credentials": "credentials",
    "max_age": "max_age",
    "insecure_origins_with_credentials": "insecure_origins_with_credentials",
}


def _policy(options: argparse.Namespace) -> Policy | Routes:
    given = {
        setting: getattr(options, flag)
        for flag, setting in _FLAGS.items()
        if getattr(options, flag) is not None
    }
    if options.policy is not None and given:
        raise UserError("--policy and the flags of a policy exclude each other: write it all into the file")
    if options.policy is None and not given:
        raise UserError("there is no policy: give --policy FILE, or --allow-origin ORIGIN and further flags")
    source = options.policy or "the policy's flags"
    try:
        return _from_table(_toml(options.policy) if options.policy else given)
    except PolicyError as error:
        raise UserError(f"{source}: " + " | ".join(map(str, error.mistakes))) from None


def _toml(name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(name).read_text("utf-8"))
    except OSError as error:
        raise UserError(f"--policy {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"--policy {name}: not a text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"--policy {name}: not TOML: {error}") from None


def _from_table(table: dict[str, Any]) -> Policy | Routes:
    """One policy, or one for each path under `routes`, with the mistakes of all of them at once."""
    routes = table.get("routes")
    if not isinstance(routes, dict) or len(table) > 1:
        return Policy.from_mapping(table)
    policies: dict[str, Policy] = {}
    mistakes: list[Mistake] = []
    for prefix, settings in routes.items():
        try:
            policies[prefix] = Policy.from_mapping(settings if isinstance(settings, dict) else {})
        except PolicyError as error:
            mistakes += error.mistakes
    if mistakes:
        raise PolicyError(mistakes)
    return Routes(policies)


# The request ------------------------------------------------------------------------------------------------


def _request(options: argparse.Namespace) -> tuple[PageRequest, list[str]]:
    """The request of the copied text, overridden by the flags, and notes about what was assumed."""
    pasted = _pasted(options.request) if options.request is not None else Pasted("")
    url, page = options.url or pasted.url, options.page or pasted.page
    if not url:
        raise UserError("there is no request: give --url URL, or --request FILE with a copied one")
    if not page:
        raise UserError("whose page asks? give --page ORIGIN, such as --page https://app.example")
    if page != "null" and parse_origin(page) is None:
        raise UserError(
            f"--page {page!r} is not an origin as a browser writes it: like https://app.example, or null"
        )
    try:
        url_origin(url)
    except ValueError as error:
        raise UserError(f"--url: {error}") from None
    request = PageRequest(
        page=page,
        url=url,
        method=options.method or pasted.method,
        headers=(*pasted.headers, *map(_header, options.header)),
        credentials=options.credentials or pasted.credentials or "same-origin",
        mode=options.mode or pasted.mode or "cors",
        upload_listener=options.upload_listener,
    )
    return request, pasted.notes


def _pasted(name: str) -> Pasted:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
        return read_pasted(text)
    except OSError as error:
        raise UserError(f"--request {name}: {error.strerror}") from None
    except (UnicodeDecodeError, PasteError) as error:
        reason = error if isinstance(error, PasteError) else "not a text in UTF-8"
        raise UserError(f"--request {name}: {reason}") from None


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise UserError(f"--header {line!r} is not NAME: VALUE")
    return name.strip(), value.strip()


# The report -------------------------------------------------------------------------------------------------

_WIDTH = 108


def _tick() -> tuple[str, str]:
    """Marks for yes and no that the terminal can show."""
    try:
        "✓✗".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "+", "-"
    return "✓", "✗"


def report(explanation: Explanation, notes: list[str], tick: tuple[str, str]) -> Iterator[str]:
    """The lines to print: the request, each step, the verdict, the repair."""
    request = explanation.request
    yield f"{request.method} {request.url}"
    yield f"  from a page of {request.page}, credentials {request.credentials}"
    yield from (f"  note: {note}" for note in notes)
    side = ""
    for step in explanation.steps:
        if step.side != side:
            side = step.side
            yield f"\n{side}"
        yield from _step(step, tick)
    yield ""
    yield from _verdict(explanation)


def _step(step: Step, tick: tuple[str, str]) -> Iterator[str]:
    mark = tick[0] if step.passed else tick[1]
    yield f"  {mark} {step.question}  [{step.section}]"
    yield from textwrap.wrap(
        step.outcome, _WIDTH, initial_indent="      ", subsequent_indent="      ", break_on_hyphens=False
    )


def _verdict(explanation: Explanation) -> Iterator[str]:
    if explanation.readable:
        yield "verdict: the page may read the response"
        return
    ran = "the request ran all the same" if explanation.handled else "the request itself was never sent"
    yield f"verdict: the page may not read the response; {ran}"
    if explanation.error:
        yield f"  Chromium calls it {explanation.error}"
    first, *further = explanation.changes or (None,)
    if first is None:
        yield "  no change of the policy would help: the page has to ask differently"
        return
    yield f"  first change of the policy that helps: {first}"
    yield from (f"  then: {change}" for change in further)
