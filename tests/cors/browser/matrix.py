"""Policies and requests by the hundred: drawn from a seed, the same at every run.

A case is written with the names of origins in braces, `{app}`; `World` knows their ports.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from netlab.cors import PageRequest, Policy, PolicyError

SEED = 4

PAGES = ("app",) * 4 + ("other", "numeric", "null")
METHODS = (
    ("GET",) * 3 + ("POST",) * 3 + ("PUT",) * 3
    + ("HEAD", "DELETE", "PATCH", "patch", "put", "post", "OPTIONS", "PURGE", "CONNECT")
)  # fmt: skip

FORM, TEXT = "application/x-www-form-urlencoded", "text/plain;charset=UTF-8"
HEADERS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (),
    (),
    (("Content-Type", FORM),),
    (("Content-Type", TEXT),),
    (("Content-Type", "multipart/form-data; boundary=x"),),
    (("Content-Type", "application/json"),),
    (("content-type", "Application/JSON"), ("Authorization", "Bearer abc")),
    (("Content-Type", "text/plain; charset=(x)"),),
    (("Content-Type", "text/plain, application/json"),),
    (("Authorization", "Bearer abc"),),
    (("AUTHORIZATION", "Basic eDp5"), ("X-One", "1")),
    (("X-One", "1"),),
    (("x-two", "2"), ("X-ONE", "1")),
    (("X-Three", "3"), ("X-Two", "2"), ("Content-Type", "application/json")),
    (("Accept", "text/html"),),
    (("Accept", 'text/html;q="1"'),),
    (("Accept", "a" * 128),),
    (("Accept", "a" * 129),),
    (("Accept-Language", "de-DE, de;q=0.5"),),
    (("Accept-Language", "de_DE"),),
    (("Content-Language", "x" * 129),),
    (("Range", "bytes=0-99"),),
    (("Range", "bytes=9-"),),
    (("Range", "bytes=-9"),),
    (("Range", "bytes=5-2"),),
    (("Cookie", "a=1"), ("Host", "elsewhere.example"), ("Sec-Own", "1"), ("Proxy-Own", "1")),
    (("Date", "x"), ("X-One", "1")),
    (("X-HTTP-Method-Override", "TRACE"),),
    (("X-HTTP-Method-Override", "PUT"),),
    (("If-None-Match", '"x"'),),
    (("X-Requested-With", "XMLHttpRequest"),),
)
CREDENTIALS = ("same-origin",) * 3 + ("include",) * 3 + ("omit",)
MODES = ("cors",) * 16 + ("no-cors", "same-origin")

ORIGINS: tuple[tuple[str, ...], ...] = (
    ("{app}",), ("{app}",), ("{app}", "https://app.example"), ("{app}", "{numeric}"), ("*",), ("*",),
    ("https://localhost:*",), ("https://*.app.example",), ("{other}",), (),
)  # fmt: skip
ALLOW_METHODS: tuple[tuple[str, ...], ...] = (
    (), ("PUT",), ("PUT", "DELETE", "PATCH"), ("*",), ("*",), ("patch",), ("OPTIONS", "PURGE"),
)  # fmt: skip
ALLOW_HEADERS: tuple[tuple[str, ...], ...] = (
    (), ("Content-Type",), ("content-type", "authorization"), ("X-One",), ("x-two", "x-one", "Content-Type"),
    ("*",), ("*", "Authorization"), ("Accept", "Accept-Language", "Content-Language", "Range"),
)  # fmt: skip
EXPOSE: tuple[tuple[str, ...], ...] = ((), (), ("X-Total",), ("*",))


@dataclass(frozen=True, slots=True)
class Case:
    """One policy and one request, with the origins' names in place of their ports."""

    number: int
    settings: dict[str, Any]
    page: str
    request: dict[str, Any]

    def policy(self, names: dict[str, str]) -> Policy:
        """The policy, for these ports."""
        if not self.settings["origins"]:
            return Policy.closed()
        origins = [origin.format(**names) for origin in self.settings["origins"]]
        return Policy(**{**self.settings, "origins": origins})

    def page_request(self, names: dict[str, str], api: str) -> PageRequest:
        """The request, for these ports. Its path is the case's own, and is what the policy hangs on."""
        return PageRequest(page=names[self.page], url=f"{api}/{self.number}", **self.request)

    def __str__(self) -> str:
        given = {name: value for name, value in self.settings.items() if value not in ((), False, None)}
        return f"case {self.number}: {self.page} asks {self.request} of {given}"


def cases(count: int, seed: int = SEED) -> list[Case]:
    """`count` different pairs of a policy and a request. Half of the policies were made for their request."""
    rng = random.Random(seed)
    found: dict[str, Case] = {}
    while len(found) < count:
        page, request, settings = rng.choice(PAGES), _request(rng), _settings(rng)
        made = _granting(settings, page, request)
        if rng.random() < 0.5 and _possible(made):
            settings = made
        found.setdefault(repr((settings, page, request)), Case(len(found), settings, page, request))
    return list(found.values())


def _settings(rng: random.Random) -> dict[str, Any]:
    """A policy that can be built: with credentials there is no `*`."""
    settings = {
        "origins": rng.choice(ORIGINS),
        "methods": rng.choice(ALLOW_METHODS),
        "request_headers": rng.choice(ALLOW_HEADERS),
        "expose_headers": rng.choice(EXPOSE),
        "max_age": rng.choice((None, 0, 600)),
        "success_status": rng.choice((204, 200)),
    }
    stars = any("*" in settings[name] for name in ("origins", "methods", "request_headers", "expose_headers"))
    return {**settings, "credentials": not stars and rng.random() < 0.7}


def _granting(settings: dict[str, Any], page: str, request: dict[str, Any]) -> dict[str, Any]:
    """The settings with all that this request needs; where they say `*`, that has to do."""
    names = tuple(name for name, _ in request["headers"])
    wanted = {"origins": ("{" + page + "}",), "methods": (request["method"],), "request_headers": names}
    granted = {
        setting: given if "*" in given else tuple(dict.fromkeys((*given, *wanted[setting])))
        for setting, given in settings.items()
        if setting in wanted
    }
    return {**settings, **granted}


def _possible(settings: dict[str, Any]) -> bool:
    """A policy refuses what no browser sends, such as `null` to be trusted or CONNECT to be allowed."""
    try:
        Case(0, settings, "", {}).policy(dict.fromkeys(PAGES, "https://localhost") | {"null": "null"})
    except PolicyError:
        return False
    return True


def _request(rng: random.Random) -> dict[str, Any]:
    method = rng.choice(METHODS)
    # A GET has no content, so there is no upload to listen to: see test_an_upload_listener_… of Chromium.
    listener = method in ("POST", "PUT", "PATCH") and rng.random() < 0.2
    mode = "cors" if listener else rng.choice(MODES)
    credentials = rng.choice(CREDENTIALS)
    if listener and credentials == "omit":
        credentials = "same-origin"  # all that XMLHttpRequest knows besides include
    headers = rng.choice(HEADERS)
    return {
        "method": method,
        "headers": headers,
        "credentials": credentials,
        "mode": mode,
        "upload_listener": listener,
    }
