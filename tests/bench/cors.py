"""`python -m tests.bench.cors`: what CORS adds to a request, netlab beside starlette's CORSMiddleware.

In one process and without a socket: each request is decided and its response's fields are made, nothing
else: what starlette's bare application costs without the middleware is taken off where it runs. The two take
turns; medians of many rounds, and the ratio of each pair. What a whole request costs over a socket is the
affair of the other tables.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from netlab.cors import Policy, decide
from netlab.http1 import Fields

ORIGIN = "https://app.example"
METHODS = ("PUT", "DELETE", "PATCH")
NAMES = ("Authorization", "Content-Type", "X-Request-Id")
ROUNDS, CALLS = 41, 2_000

Pairs = list[tuple[str, str]]

# The four kinds of request that a server meets: method, and the fields that CORS looks at.
REQUESTS: dict[str, tuple[str, Pairs]] = {
    "no Origin at all": ("GET", []),
    "an allowed origin": ("GET", [("Origin", ORIGIN)]),
    "an allowed preflight": (
        "OPTIONS",
        [
            ("Origin", ORIGIN),
            ("Access-Control-Request-Method", "PUT"),
            ("Access-Control-Request-Headers", "authorization,content-type"),
        ],
    ),
    "a denied preflight": (
        "OPTIONS",
        [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "PUT")],
    ),
}

# What a browser sends besides, which CORS has to look past.
COMMON: Pairs = [
    ("Host", "api.example"),
    ("User-Agent", "Mozilla/5.0"),
    ("Accept", "*/*"),
    ("Accept-Language", "en"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Connection", "keep-alive"),
]


def netlab_case(method: str, pairs: Pairs) -> Callable[[], object]:
    """Decide and make the response's fields, as `netlab.server` does."""
    policy = Policy(
        origins=[ORIGIN], methods=METHODS, request_headers=NAMES, credentials=True, max_age=600,
        expose_headers=(),
    )  # fmt: skip
    fields = Fields([*COMMON, *pairs])
    given = [("content-type", "application/json")]

    def run() -> object:
        return decide(policy, method, fields).apply(given)

    return run


def starlette_case(method: str, pairs: Pairs) -> Callable[[], object]:
    """The middleware around an application that answers at once."""
    from starlette.middleware.cors import CORSMiddleware

    middleware = CORSMiddleware(
        bare_app, allow_origins=[ORIGIN], allow_methods=METHODS, allow_headers=NAMES, allow_credentials=True
    )
    return asgi_case(middleware, method, pairs)


async def bare_app(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that answers at once."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def nothing(message: Any = None) -> None:
    """Takes what an application sends."""


def asgi_case(app: Any, method: str, pairs: Pairs) -> Callable[[], object]:
    """One call of an ASGI application that does not wait."""
    headers = [(name.lower().encode(), value.encode()) for name, value in [*COMMON, *pairs]]

    def run() -> object:
        scope = {"type": "http", "method": method, "path": "/", "headers": headers, "query_string": b""}
        call = app(scope, nothing, nothing)
        try:
            call.send(None)
        except StopIteration:
            return scope
        raise RuntimeError("the application waited for something")

    return run


def seconds(run: Callable[[], object]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    for _ in range(CALLS):
        run()
    return (time.process_time() - start) / CALLS


def main() -> int:
    """Measure and print. 2 without starlette."""
    try:
        import starlette
    except ModuleNotFoundError:
        print("not shown on this machine: needs starlette (pip install starlette)", file=sys.stderr)
        return 2
    print(f"CORS in µs of processor time a request, starlette {starlette.__version__}; medians of {ROUNDS}")
    print(f"{'request':<24}{'netlab':>8}{'starlette':>11}{'starlette / netlab':>22}")
    for name, (method, pairs) in REQUESTS.items():
        ours, theirs = netlab_case(method, pairs), starlette_case(method, pairs)
        bare = asgi_case(bare_app, method, pairs) if "preflight" not in name else lambda: None
        rounds = [(seconds(ours), seconds(theirs) - seconds(bare)) for _ in range(ROUNDS)]
        mine = statistics.median(a for a, _ in rounds) * 1e6
        other = statistics.median(b for _, b in rounds) * 1e6
        ratios = sorted(b / a for a, b in rounds)
        low, middle, high = ratios[ROUNDS // 4], ratios[ROUNDS // 2], ratios[3 * ROUNDS // 4]
        print(f"{name:<24}{mine:>8.2f}{other:>11.2f}{middle:>10.1f} ({low:.1f}–{high:.1f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
