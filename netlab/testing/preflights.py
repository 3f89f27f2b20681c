"""Ask a server what a browser would ask before a request of another origin, and judge the answer as it would.

The judge is the model of the Fetch standard in `netlab.cors.browser`, which a real Chromium agrees with. So
these hold for any server: netlab, FastAPI behind uvicorn, nginx. A TestClient's answer is not judged by
anything: a test that only looks for a field passes although the browser refuses.
"""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Iterable
from typing import Any

from netlab.cors.browser.fetch_model import (
    Check,
    HeaderList,
    PageRequest,
    preflight_checks,
    preflight_headers,
)
from netlab.testing.rawclient import PATIENCE, address_of

# What a browser sends as Origin: "null", or scheme, host and perhaps a port, in lower case (RFC 6454 §6.2).
_ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]*://[^/?#@\sA-Z]+")


def assert_preflight_allows(
    server: Any,
    *,
    origin: str,
    method: str = "GET",
    headers: Iterable[str] = (),
    path: str = "/",
    credentials: bool = False,
    root: Any = None,
) -> None:
    """The browser would let a page of this origin send such a request.

    server: a server with `url`, or a URL. headers: the names that the page sets. credentials: with cookies.
    root: the PEM file to trust, for https. Raises AssertionError with the browser's step that failed.
    """
    __tracebackhide__ = True
    failed = _first_failure(server, origin, method, tuple(headers), path, credentials, root)
    assert failed is None, (
        f"the browser refuses {method} {path} from {origin} with {_named(headers)}: "
        f"{failed.question} {failed.outcome} ({failed.section}; DevTools: {failed.error})"
    )


def assert_preflight_denies(
    server: Any,
    *,
    origin: str,
    method: str = "GET",
    headers: Iterable[str] = (),
    path: str = "/",
    credentials: bool = False,
    root: Any = None,
) -> None:
    """The browser would not send such a request. Arguments as `assert_preflight_allows`."""
    __tracebackhide__ = True
    failed = _first_failure(server, origin, method, tuple(headers), path, credentials, root)
    assert failed is not None, (
        f"the browser allows {method} {path} from {origin} with {_named(headers)}, and must not"
    )


def _named(headers: Iterable[str]) -> str:
    return ", ".join(headers) or "no further headers"


def _first_failure(
    server: Any, origin: str, method: str, names: tuple[str, ...], path: str, credentials: bool, root: Any
) -> Check | None:
    """The first check of the browser that fails; None when all pass. Raises ValueError for no origin."""
    if _ORIGIN.fullmatch(origin) is None:
        raise ValueError(
            f"origin={origin!r} is none: give scheme://host, with no path, such as https://app.example"
        )
    host, port = address_of(server)
    url = server if isinstance(server, str) else str(getattr(server, "url", f"http://{host}:{port}"))
    secure = url.startswith("https:")
    request = PageRequest(
        page=origin,
        url=f"{'https' if secure else 'http'}://{host}:{port}{path}",
        method=method,
        headers=tuple((name, "x") for name in names),
        credentials="include" if credentials else "same-origin",
    )
    status, fields = _ask(host, port, path, request, secure, root or getattr(server, "root", None))
    return next((check for check in preflight_checks(request, status, fields) if not check.passed), None)


def _ask(
    host: str, port: int, path: str, request: PageRequest, secure: bool, root: Any
) -> tuple[int, HeaderList]:
    """Send the preflight as a browser does; status and fields of the answer."""
    connection = (
        http.client.HTTPSConnection(
            host, port, timeout=PATIENCE, context=ssl.create_default_context(cafile=root and str(root))
        )
        if secure
        else http.client.HTTPConnection(host, port, timeout=PATIENCE)
    )
    try:
        lines = dict(preflight_headers(request))
        lines.setdefault("Origin", request.page)
        lines.setdefault("Access-Control-Request-Method", request.method)
        connection.request("OPTIONS", path, headers=lines)
        answer = connection.getresponse()
        answer.read()
        return answer.status, HeaderList(answer.getheaders())
    finally:
        connection.close()
