"""Servers whose core is C or C++ and whose handler is Python: fastwsgi, bjoern, socketify. One route each.

Run it as `python -m tests.bench.ccores NAME PORT`. They take part in the
scenarios that ask for `/` alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from tests.bench.apps import HELLO

_FIELDS = [("Content-Type", "application/json"), ("Content-Length", str(len(HELLO)))]


def wsgi(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """The WSGI application."""
    start_response("200 OK", _FIELDS)
    return (HELLO,)


def _fastwsgi(port: int) -> None:
    import fastwsgi

    fastwsgi.server.backlog = 2048
    fastwsgi.run(wsgi_app=wsgi, host="127.0.0.1", port=port, loglevel=0)


def _bjoern(port: int) -> None:
    import bjoern

    bjoern.run(wsgi, "127.0.0.1", port)


def _socketify(port: int) -> None:
    from socketify import App, AppListenOptions

    app = App()

    def hello(answer: object, request: object) -> None:
        answer.write_header(b"Content-Type", b"application/json")  # type: ignore[attr-defined]
        answer.end(HELLO)  # type: ignore[attr-defined]

    app.get("/", hello)
    app.listen(AppListenOptions(port=port, host="127.0.0.1"), lambda _: None)
    app.run()


SERVERS: dict[str, Callable[[int], None]] = {
    "fastwsgi": _fastwsgi,
    "bjoern": _bjoern,
    "socketify": _socketify,
}

# What a package imports and does not name: fastwsgi asks pkg_resources for its version.
BESIDES = {"fastwsgi": ("setuptools<81",)}

# What each needs beside pip, for the row of one that cannot be built.
NEEDS = {
    "fastwsgi": "a C compiler and Python's headers (apt-get install gcc python3-dev)",
    "bjoern": "a C compiler, Python's headers and libev (apt-get install gcc python3-dev libev-dev)",
    "socketify": "libuv (apt-get install libuv1), on Linux x86-64",
}


if __name__ == "__main__":
    SERVERS[sys.argv[1]](int(sys.argv[2]))
