"""What the tests of other servers share: policies and requests to cross, and the fields that matter."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from netlab.cors import HeaderList, PageRequest, Policy

PAGE, API = "https://app.example", "https://api.example/items"

POLICIES = {
    "closed": Policy.closed(),
    "one origin": Policy(origins=[PAGE]),
    "a method": Policy(origins=[PAGE], methods=["PUT"]),
    "a list": Policy(
        origins=[PAGE, "https://b.example"],
        methods=["PUT", "PATCH"],
        request_headers=["Content-Type", "X-Trace"],
        expose_headers=["X-Total", "ETag"],
        credentials=True,
        max_age=60,
    ),
    "patterns": Policy(
        origins=["https://*.example.com", "http://localhost:*", "https://c.example:8443"],
        methods=["DELETE"],
        request_headers=["Authorization"],
        expose_headers=["X-Total"],
    ),
    "everything": Policy(
        origins=["*"], methods=["*"], request_headers=["*"], expose_headers=["*"], max_age=0
    ),
    "stars and 200": Policy(origins=["*"], request_headers=["X-Trace"], success_status=200),
    "one with credentials": Policy(
        origins=[PAGE],
        methods=["POST", "PUT"],
        request_headers=["content-type"],
        expose_headers=["X-Total"],
        credentials=True,
    ),
}
PAGES = (
    PAGE, "null", "https://evil.test", "https://a.b.example.com", "https://evilexample.com",
    "http://localhost:5173", "https://c.example:8443",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "OPTIONS", "PROPFIND")
HEADERS = (
    (),
    (("Content-Type", "application/json"),),
    (("X-Trace", "1"), ("content-type", "text/css")),
    (("Authorization", "x"),),
    (("X-Trace", "1"),),
)
REQUESTS = [
    PageRequest(page=page, url=API, method=method, headers=headers)
    for page, method, headers in product(PAGES, METHODS, HEADERS)
]

RAW = [
    *(
        ("OPTIONS", HeaderList([("Origin", page), ("Access-Control-Request-Method", method), *asked]))
        for page, method, asked in product(
            PAGES,
            ("GET", "POST", "PUT", "PROPFIND"),
            ([], *([("Access-Control-Request-Headers", names)] for names in
                   ("content-type", "content-type,x-trace", "authorization", "x-other"))),
        )
    ),
    *((method, HeaderList([("Origin", page)])) for method, page in product(("GET", "PUT", "OPTIONS"), PAGES)),
    *((method, HeaderList([])) for method in ("GET", "OPTIONS")),
]  # fmt: skip
"""Method and fields of the requests as a server sees them, also those that no browser sends."""


def relevant(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The Access-Control fields and Vary, by lower-case name; two lines of one name are joined."""
    found: dict[str, str] = {}
    for name, value in fields:
        lower = name.lower()
        if lower == "vary" or lower.startswith("access-control-"):
            found[lower] = f"{found[lower]}, {value}" if lower in found else value
    return found
