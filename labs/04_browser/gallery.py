"""Answers as people write them by hand, one mistake in each, and a server that gives them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import netlab

JSON = (("Content-Type", "application/json"),)
FIELD = "Access-Control-Allow-"


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, what a page asks for, and what it is answered; `{page}` is the page's origin."""

    story: str
    request: dict[str, Any]
    actual: dict[str, str] = field(default_factory=dict)
    """The Access-Control-Allow- fields of the response, without that beginning."""
    preflight: dict[str, str] = field(default_factory=dict)
    status: int = 204
    """Of the answer to the preflight."""


GET: dict[str, Any] = {}
COOKIES: dict[str, Any] = {"credentials": "include"}
PUT: dict[str, Any] = {"method": "PUT"}
POST: dict[str, Any] = {"method": "POST", "headers": JSON}
PAGE = {"Origin": "{page}"}

GALLERY = (
    Mistake("no field at all", GET),
    Mistake("another page's origin, for everybody", GET, {"Origin": "https://app.example"}),
    Mistake("two origins in one field", GET, {"Origin": "{page}, https://app.example"}),
    Mistake("an origin without its scheme", GET, {"Origin": "app.example"}),
    Mistake("* with cookies", COOKIES, {"Origin": "*", "Credentials": "true"}),
    Mistake("True, with a capital letter", COOKIES, {**PAGE, "Credentials": "True"}),
    Mistake("the fields on the preflight alone", PUT, {}, {**PAGE, "Methods": "PUT"}),
    Mistake("the preflight needs a login", PUT, PAGE, {}, 401),
    Mistake("the preflight is not routed", PUT, PAGE, PAGE, 405),
    Mistake("the preflight is sent elsewhere", PUT, PAGE, {**PAGE, "Methods": "PUT"}, 308),
    Mistake("the methods that need no leave", PUT, PAGE, {**PAGE, "Methods": "GET, POST, OPTIONS"}),
    Mistake("a method in lower case", {"method": "PATCH"}, PAGE, {**PAGE, "Methods": "patch"}),
    Mistake("methods with semicolons", PUT, PAGE, {**PAGE, "Methods": "PUT; DELETE"}),
    Mistake("no word of Content-Type", POST, PAGE, {**PAGE, "Headers": "Authorization"}),
    Mistake("* for a method, with cookies", {**PUT, **COOKIES}, PAGE,
            {**PAGE, "Credentials": "true", "Methods": "*"}),
)  # fmt: skip


async def answers(request: netlab.Request) -> netlab.Response:
    """The server: `/3` makes the fourth mistake."""
    mistake = GALLERY[int(request.path.strip("/"))]
    preflight = "access-control-request-method" in request.fields
    given = mistake.preflight if preflight else mistake.actual
    origin = request.fields.get("origin") or ""
    fields = {FIELD + name: value.replace("{page}", origin) for name, value in given.items()}
    if preflight and mistake.status == 308:
        fields["Location"] = request.target + "/"
    return netlab.Response(mistake.status if preflight else 200, b"", fields)
