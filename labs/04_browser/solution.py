"""One application on two origins: pages on the one, their API on the other. Both are netlab, both over TLS.

    https://localhost:1111                                https://localhost:2222
      pages: the script that asks          ——— fetch →      shop: /items /me /status /feedback /orders
      (and other sites' pages)             ← fields ———     policies: who may read which of the answers

You write the handlers, and the policy beside them: the handlers never set a CORS field, `netlab.Server(shop,
cors=policies(page))` does. Then lab 04 lets a real browser loose on it. The rules are those of the Fetch
standard, of cookies (RFC 6265) and of caches (RFC 9111).
"""

from __future__ import annotations

import json
import secrets
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import netlab
from netlab.cors import Policy, Routes

HTML = "text/html; charset=utf-8"
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The shop</title><link rel="icon" href="data:,">
<h1>The shop</h1><p>Its scripts ask the API for what they show.</p></html>
"""


async def pages(request: netlab.Request) -> netlab.Response:
    """Serve the pages' origin.

    `/` and `/sandbox` are the PAGE, 200, with its Content-Type (HTML); `/sandbox` says besides
    `Content-Security-Policy: sandbox allow-scripts`, which takes the page's origin away: it becomes `null`.
    Another path is 404. A method other than GET and HEAD is 405, with `Allow: GET, HEAD`; whatever the path.
    """
    # >>> task 1: serve the pages
    if request.method not in ("GET", "HEAD"):
        return netlab.Response(405, fields={"Allow": "GET, HEAD"})
    if request.path not in ("/", "/sandbox"):
        return netlab.Response(404)
    fields = {"Content-Type": HTML}
    if request.path == "/sandbox":
        fields["Content-Security-Policy"] = "sandbox allow-scripts"
    return netlab.Response(200, PAGE, fields)
    # <<< task 1


def policies(page: str) -> Routes:
    """Say who may read what, for pages of the origin `page`; nothing more than this table:

        path        who reads it                     what else a script may do
        /items      page                             PUT; send Content-Type and Authorization; read X-Total;
                                                     the browser may keep a preflight's answer for 600 s
        /me         page, with the visitor's cookie  PUT; the answer is kept for 600 s, too
        /status     every page, without cookies      nothing
        /feedback   page                             nothing
        /orders     page                             send Content-Type

    Every other path is closed.
    """
    # >>> task 2: say who may read what
    table = {
        "/items": Policy(
            origins=[page],
            methods=["PUT"],
            request_headers=["Content-Type", "Authorization"],
            expose_headers=["X-Total"],
            max_age=600,
        ),
        "/me": Policy(origins=[page], methods=["PUT"], credentials=True, max_age=600),
        "/status": Policy(origins=["*"]),
        "/feedback": Policy(origins=[page]),
        "/orders": Policy(origins=[page], request_headers=["Content-Type"]),
    }
    return Routes(table)
    # <<< task 2


@dataclass
class Shop:
    """The API. `page` is the origin of the pages that belong to it."""

    page: str
    items: list[str] = field(default_factory=lambda: ["apples", "pears"])
    feedback: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    visitors: dict[str, str] = field(default_factory=dict)
    """Session token → name."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often the handler ran, by method and path: `calls["GET /items"]`."""

    async def __call__(self, request: netlab.Request) -> netlab.Response:
        """Hand the request to the method of its path. (Given to you, as is all without a task.)"""
        self.calls[f"{request.method} {request.path}"] += 1
        match request.path:
            case "/items":
                return await self.on_items(request)
            case "/me":
                return await self.on_me(request)
            case "/orders":
                return await self.on_orders(request)
            case "/feedback" if request.method == "POST":
                self.feedback.append((await request.read()).decode())
                return netlab.Response(201, "thank you")
            case "/status":
                return netlab.Response(200, "open")
            case "/items/crash":
                raise RuntimeError("this handler has a bug")
        return netlab.Response(404, "not here")

    async def on_items(self, request: netlab.Request) -> netlab.Response:
        """The list: GET reads it, PUT replaces it.

        GET: 200, the items as a JSON array, or one a line if the Accept field's value begins with
        `text/plain`. The fields: Content-Type (`application/json` or `text/plain`), `X-Total` with their
        number, `Cache-Control: max-age=60`, and a Vary that names what the answer depends on. That is not
        Origin: what CORS adds is not the handler's affair.
        PUT: the content is a JSON array of strings, which becomes the list: 204. Anything else is 400, and
        the list stays. Another method is 405, with `Allow: GET, PUT`.
        """
        # >>> task 3: answer as a handler
        if request.method == "GET":
            plain = (request.fields.get("accept") or "").startswith("text/plain")
            fields = {
                "Content-Type": "text/plain" if plain else "application/json",
                "X-Total": str(len(self.items)),
                "Cache-Control": "max-age=60",
                "Vary": "Accept",
            }
            return netlab.Response(200, "\n".join(self.items) if plain else json.dumps(self.items), fields)
        if request.method != "PUT":
            return netlab.Response(405, fields={"Allow": "GET, PUT"})
        try:
            items = json.loads(await request.read())
        except ValueError:
            return netlab.Response(400, "not JSON")
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            return netlab.Response(400, "not a list of strings")
        self.items = items
        return netlab.Response(204)
        # <<< task 3

    async def on_me(self, request: netlab.Request) -> netlab.Response:
        """The visitor: PUT makes oneself known, GET tells who one is.

        PUT: the content is a name. A new token (`secrets.token_urlsafe()`) stands for it in `visitors`; 204,
        and a Set-Cookie field: the cookie `session` with the token, `Path=/me`, `Secure`, `HttpOnly`, and
        `SameSite=None`, without which no browser sends it from another site.
        GET: 200 with the name if the request's Cookie field has a `session` that is known, otherwise 401.
        The Cookie field is pairs `name=value` with `; ` between them. Both answers are one visitor's own:
        `Cache-Control: no-store`.
        """
        # >>> task 4: know the visitor
        fields = {"Cache-Control": "no-store"}
        if request.method == "PUT":
            token = secrets.token_urlsafe()
            self.visitors[token] = (await request.read()).decode()
            fields["Set-Cookie"] = f"session={token}; Path=/me; Secure; HttpOnly; SameSite=None"
            return netlab.Response(204, fields=fields)
        pairs = (pair.partition("=") for pair in (request.fields.get("cookie") or "").split("; "))
        known = [token for name, _, token in pairs if name == "session" and token in self.visitors]
        if not known:
            return netlab.Response(401, fields=fields)
        return netlab.Response(200, self.visitors[known[0]], fields)
        # <<< task 4

    async def on_orders(self, request: netlab.Request) -> netlab.Response:
        """Take an order: 201. CORS does not keep a stranger's page from *sending* one, so look first."""
        if (refused := self.refuses(request)) is not None:
            return netlab.Response(*refused)
        self.orders.append((await request.read()).decode())
        return netlab.Response(201, "ordered")

    def refuses(self, request: netlab.Request) -> tuple[int, str] | None:
        """Say why an order is not taken, as status and reason; None if it is taken.

        403 if the request has an Origin and it is not our page's (several Origin lines are not): a browser
        tells the truth there, and other clients send none. 415 unless there is one Content-Type and it
        is `application/json` in any case of letters, with or without parameters behind a `;`: a form cannot
        send that, so a browser has asked first. The Origin is looked at first.
        """
        # >>> task 5: refuse what a stranger's form can send
        origins = request.fields.get_all("origin")
        if origins and list(origins) != [self.page]:
            return 403, "orders are taken from our own page alone"
        types = request.fields.get_all("content-type")
        if len(types) != 1 or types[0].partition(";")[0].strip(" \t").lower() != "application/json":
            return 415, "orders are application/json"
        return None
        # <<< task 5


def may_reuse(vary: list[str], first: netlab.Fields, second: netlab.Fields) -> bool:
    """Say whether a stored response may answer a further request (RFC 9111 §4.1).

    vary: the values of the stored response's Vary lines, each a list of field names with commas. first: the
    fields of the request that it answered. second: those of the request at hand. Both must agree in every
    field that is named: the same values in the same order, or the field in neither. Field names are compared
    without regard to case (`Fields` does that), empty elements are nothing, and a `*` among the names means
    that only the origin server can tell: never.
    """
    # >>> task 6: reuse a stored answer
    names = [name.strip(" \t") for value in vary for name in value.split(",")]
    return "*" not in names and all(first.get_all(name) == second.get_all(name) for name in names if name)
    # <<< task 6


@dataclass
class SharedCache:
    """A cache between the pages and an API, like a company's proxy or a CDN. (Given to you.)

    It keeps every answer to a GET, and hands it out again to whom `may_reuse` allows it.
    """

    upstream: str
    """The API's URL, without a path."""
    session: netlab.Session
    kept: dict[str, list[tuple[netlab.Fields, netlab.Response]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    hits: int = 0

    async def __call__(self, request: netlab.Request) -> netlab.Response:
        for first, response in self.kept[request.target]:
            vary = [value for name, value in response.fields if name.lower() == "vary"]
            if may_reuse(vary, first, request.fields):
                self.hits += 1
                return response
        asked = [pair for pair in request.fields.items() if pair[0].lower() in ("accept", "origin")]
        async with self.session.get(self.upstream + request.target, fields=asked) as answer:
            content = await answer.read()
            dropped = ("connection", "content-length", "date", "transfer-encoding")
            fields = [pair for pair in answer.fields.items() if pair[0].lower() not in dropped]
            response = netlab.Response(answer.status, content, fields)
        self.kept[request.target].append((request.fields, response))
        return response
