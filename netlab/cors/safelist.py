"""What a script may send across origins without asking: the browser's safelists, and what it forbids.

A safelisted request is one that an HTML form could have sent all along, so a server has to bear it anyway;
for anything more the browser asks first. Pure functions of methods, names and values.

Source: Fetch standard, sections "Methods" and "Headers"; MIME Sniffing standard, "parse a MIME type".
"""

from __future__ import annotations

import re

from netlab.cors.decision import TOKEN
from netlab.cors.policy import FORBIDDEN_METHODS, FORBIDDEN_REQUEST_HEADERS, NORMALIZED_METHODS

Headers = tuple[tuple[str, str], ...]

SECTION = "Fetch, CORS-safelisted request-header"
MAX_SAFE_VALUE = 128
"""Octets of a safelisted header's value; a longer one needs leave."""
MAX_SAFE_TOTAL = 1024
"""Octets of all safelisted headers' values together; beyond it, all of them need leave."""

# CORS-unsafe request-header byte: controls but HT, and the delimiters that HTTP grammars use.
_UNSAFE_BYTE = re.compile(r'[\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')
_LANGUAGE = re.compile(r"[0-9A-Za-z *,\-.;=]*+")
# "parse a MIME type" (MIME Sniffing standard): type "/" subtype, the rest behind ";" does not matter here.
_MIME = re.compile(r"[\t\n\r ]*+([^/;]*+)/([^;]*+)(?:;.*)?", re.DOTALL)
_FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
# "parse a single range header value" without white space, and with a first position
_RANGE = re.compile(r"bytes=([0-9]++)-([0-9]*+)")
_OVERRIDES = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})


def normalize_method(method: str) -> str:
    """Fetch, "normalize" a method: six old ones are upper-cased, all others stay (`patch` is not PATCH)."""
    return method.upper() if method.upper() in NORMALIZED_METHODS else method


def is_forbidden(name: str, value: str) -> bool:
    """Fetch, "forbidden request-header": the browser alone sets it, and drops what a script sets."""
    lower = name.lower()
    if lower in _OVERRIDES:
        return any(method.strip("\t ").upper() in FORBIDDEN_METHODS for method in value.split(","))
    return lower in FORBIDDEN_REQUEST_HEADERS or lower.startswith(("proxy-", "sec-"))


def why_not_safelisted(name: str, value: str) -> str | None:
    """Fetch, "CORS-safelisted request-header": None if it is one, otherwise why not."""
    lower = name.lower()
    if len(value) > MAX_SAFE_VALUE:
        return f"its value has {len(value)} octets, more than {MAX_SAFE_VALUE}"
    if lower == "accept":
        return _unsafe_byte(value)
    if lower in ("accept-language", "content-language"):
        return None if _LANGUAGE.fullmatch(value) else "its value has an octet that no language tag has"
    if lower == "content-type":
        return _unsafe_byte(value) or _unsafe_type(value)
    if lower == "range":
        return _unsafe_range(value)
    return "its name is not safelisted"


def _unsafe_byte(value: str) -> str | None:
    found = _UNSAFE_BYTE.search(value)
    return f"its value has the octet {found[0]!r}" if found else None


def _unsafe_type(value: str) -> str | None:
    found = _MIME.fullmatch(value)
    if found is None:
        return "its value is not a media type"
    kind, subtype = found[1], found[2].rstrip("\t\n\r ")
    if not (TOKEN.fullmatch(kind) and TOKEN.fullmatch(subtype)):
        return "its value is not a media type"
    essence = f"{kind}/{subtype}".lower()
    return None if essence in _FORM_TYPES else f"{essence} is not a type that a form sends"


def _unsafe_range(value: str) -> str | None:
    found = _RANGE.fullmatch(value)
    if found is None or (found[2] and _number(found[1]) > _number(found[2])):
        return "its value is not a single range such as bytes=0-99"
    return None


def _number(digits: str) -> tuple[int, str]:
    """Decimal digits in an order that compares like numbers, however many there are."""
    bare = digits.lstrip("0")
    return len(bare), bare


def unsafe_headers(headers: Headers) -> dict[str, str]:
    """Fetch, "CORS-unsafe request-header names": lower-case names in order, each with why it needs leave."""
    unsafe: dict[str, str] = {}
    potentially: list[str] = []
    size = 0
    for name, value in headers:
        why = why_not_safelisted(name, value)
        if why is None:
            potentially.append(name.lower())
            size += len(value)
        else:
            unsafe.setdefault(name.lower(), why)
    if size > MAX_SAFE_TOTAL:
        for name in potentially:
            unsafe.setdefault(name, f"the safelisted values have {size} octets, more than {MAX_SAFE_TOTAL}")
    return dict(sorted(unsafe.items()))
