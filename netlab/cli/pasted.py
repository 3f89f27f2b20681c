"""Read a request that a browser's network panel copied: "Copy as fetch" or "Copy as cURL".

What a page set and what the browser added look alike in these texts. The names that only a browser sets are
dropped by the model itself (`safelist`); a few more that browsers add are left out here, and named in
`notes`. Neither JavaScript nor a shell: it reads what browsers write, and says so when it is something else.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

from netlab.cors.origin import parse_origin

# Browsers add these to the copied text, and a page hardly ever sets them. Counted as the page's own they
# would seem to need a preflight that the browser never made.
_BROWSERS_OWN = frozenset({
    "user-agent", "priority", "cache-control", "pragma", "upgrade-insecure-requests",
    "if-none-match", "if-modified-since", "x-client-data",
})  # fmt: skip

_CURL_WITH_VALUE = {
    "-X": "method", "--request": "method", "-H": "header", "--header": "header",
    "-b": "cookie", "--cookie": "cookie", "-u": "user", "--user": "user",
    "-e": "referer", "--referer": "referer",
    "-d": "data", "--data": "data", "--data-raw": "data", "--data-binary": "data", "--data-urlencode": "data",
    "--data-ascii": "data", "--json": "json", "-F": "form", "--form": "form", "--url": "url",
    "-A": "ignored", "--user-agent": "ignored", "-o": "ignored", "--output": "ignored", "-x": "ignored",
    "--proxy": "ignored", "-m": "ignored", "--max-time": "ignored", "--connect-timeout": "ignored",
    "--resolve": "ignored", "--cacert": "ignored",
}  # fmt: skip


class PasteError(ValueError):
    """The text is not a request as a browser copies it."""


@dataclass
class Pasted:
    """What the text says about the request. None where it says nothing."""

    url: str
    method: str = "GET"
    headers: list[tuple[str, str]] = field(default_factory=list)
    page: str | None = None
    """The page's origin, from Origin or the referrer."""
    credentials: str | None = None
    mode: str | None = None
    notes: list[str] = field(default_factory=list)


def read_pasted(text: str) -> Pasted:
    """Read `fetch(...)` or `curl ...`. Raises PasteError, in one line, for anything else."""
    bare = text.strip()
    if re.match(r"(?:await\s+)?fetch\s*\(", bare):
        return _settle(_read_fetch(bare))
    if re.match(r"curl(?:\.exe)?\s", bare):
        return _settle(_read_curl(bare))
    raise PasteError('the text is neither fetch(...) nor curl ...: take "Copy as fetch" or "Copy as cURL"')


def _read_fetch(text: str) -> Pasted:
    """fetch("URL", {JSON}), as Chromium and Firefox write it."""
    inside = text[text.index("(") + 1 :]
    decoder = json.JSONDecoder()
    try:
        url, end = decoder.raw_decode(inside.lstrip())
        rest = inside.lstrip()[end:].lstrip()
        options: Any = {}
        if rest.startswith(","):
            options, end = decoder.raw_decode(rest[1:].lstrip())
            rest = rest[1:].lstrip()[end:].lstrip()
    except json.JSONDecodeError as error:
        raise PasteError(
            f'fetch(...) is not as a browser copies it (at "{error.doc[error.pos : error.pos + 20]}"): '
            "write the address and the options with double quotes, as JSON"
        ) from None
    if not isinstance(url, str) or not isinstance(options, dict) or not rest.startswith(")"):
        raise PasteError('fetch(...) takes an address and options: fetch("https://...", {...})')
    headers = options.get("headers", {})
    pairs = headers.items() if isinstance(headers, dict) else headers
    try:
        lines = [(str(name), str(value)) for name, value in pairs]
    except (TypeError, ValueError):
        raise PasteError("the headers of fetch(...) are neither an object nor a list of pairs") from None
    pasted = Pasted(url, str(options.get("method", "GET")), lines)
    pasted.credentials, pasted.mode = options.get("credentials"), options.get("mode")
    pasted.page = _origin_of(options.get("referrer"))
    if options.get("body") is not None and not any(name.lower() == "content-type" for name, _ in lines):
        pasted.headers.append(("Content-Type", "text/plain;charset=UTF-8"))
        pasted.notes.append("a text without Content-Type is sent as text/plain;charset=UTF-8")
    return pasted


def _read_curl(text: str) -> Pasted:
    """curl with the options that browsers write. The quoting is a POSIX shell's."""
    if re.search(r"\^[\"\r\n]", text):
        raise PasteError('this is cURL for cmd.exe: take "Copy as cURL (bash)"')
    try:
        words = shlex.split(_plain_quotes(text.replace("\\\n", " ").replace("\\\r\n", " ")))[1:]
    except ValueError as error:
        raise PasteError(f"curl: the quotes do not match ({error})") from None
    pasted, data = Pasted(""), ""
    explicit: str | None = None
    arguments = iter(words)
    for word in arguments:
        if word == ";":  # "Copy all as cURL": the first one is ours
            break
        kind, value = _curl_option(word, arguments)
        if kind == "url":
            pasted.url = value
        elif kind == "method":
            explicit = value
        elif kind == "header":
            name, _, content = value.partition(":")
            pasted.headers.append((name.strip(), content.strip()))
        elif kind in ("data", "json", "form"):
            data = kind
        elif kind == "cookie":
            pasted.headers.append(("Cookie", value))
        elif kind == "referer":
            pasted.headers.append(("Referer", value))
        elif kind == "user":
            pasted.headers.append(("Authorization", "Basic"))
        elif kind == "head":
            explicit = explicit or "HEAD"
    if not pasted.url:
        raise PasteError("curl: there is no address")
    pasted.method = explicit or ("POST" if data else "GET")
    named = {name.lower() for name, _ in pasted.headers}
    default = {
        "data": "application/x-www-form-urlencoded",
        "form": "multipart/form-data",
        "json": "application/json",
    }
    if data and "content-type" not in named:
        pasted.headers.append(("Content-Type", default[data]))
    return pasted


def _curl_option(word: str, arguments: Any) -> tuple[str, str]:
    """What one word of the command line means, with its value; what CORS does not ask about is `ignored`."""
    if not word.startswith("-") or word == "-":
        return "url", word
    if word in ("-I", "--head"):
        return "head", ""
    name, equals, value = word.partition("=")
    if equals and name in _CURL_WITH_VALUE:
        return _CURL_WITH_VALUE[name], value
    if word in _CURL_WITH_VALUE:
        following = next(arguments, None)
        if following is None:
            raise PasteError(f"curl: {word} lacks its value")
        return _CURL_WITH_VALUE[word], following
    if word[:2] in _CURL_WITH_VALUE and not word.startswith("--"):
        return _CURL_WITH_VALUE[word[:2]], word[2:]  # -XPUT
    return "ignored", ""


_ANSI_C = re.compile(r"\$'((?:[^'\\]|\\.)*+)'", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


def _plain_quotes(text: str) -> str:
    """Browsers write $'...' for texts with line ends or letters outside ASCII; make them plain quotes."""

    def letter(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] in "ux":
            return chr(int(code[1:], 16))
        return _ESCAPES.get(code, "\\" + code)

    def plain(found: re.Match[str]) -> str:
        content = re.sub(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", letter, found[1], flags=re.DOTALL)
        return shlex.quote(content)

    return _ANSI_C.sub(plain, text)


def _settle(pasted: Pasted) -> Pasted:
    """Take page and credentials from the headers that tell them, and leave out what the browser added."""
    told = {name.lower(): value for name, value in pasted.headers}
    pasted.page = told.get("origin") or pasted.page or _origin_of(told.get("referer"))
    if pasted.credentials is None and "cookie" in told:
        pasted.credentials = "include"
        pasted.notes.append("cookies are in the text: credentials mode include")
    added = [name for name, _ in pasted.headers if name.lower() in _BROWSERS_OWN or name.startswith(":")]
    if added:
        pasted.notes.append("taken for the browser's own, not the page's: " + ", ".join(added))
    silent = {
        "origin",
        "referer",
        "cookie",
        "host",
        "content-length",
        "accept-encoding",
        *map(str.lower, added),
    }
    pasted.headers = [(name, value) for name, value in pasted.headers if name.lower() not in silent]
    return pasted


def _origin_of(referrer: object) -> str | None:
    """The origin of a referrer, None if there is none."""
    found = re.match(r"[a-z][a-z0-9+.-]*://[^/?#]+", referrer) if isinstance(referrer, str) else None
    return found[0] if found and parse_origin(found[0]) else None
