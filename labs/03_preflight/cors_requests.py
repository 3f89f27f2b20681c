"""The requests that the checks of this lab put to a policy."""

from __future__ import annotations

PAGE = "https://app.example"
ACAO, ACAM = "Access-Control-Allow-Origin", "Access-Control-Allow-Methods"
ACAH, ACAC = "Access-Control-Allow-Headers", "Access-Control-Allow-Credentials"
PREFLIGHT_VARY = {"origin", "access-control-request-method", "access-control-request-headers"}


def policy(exercise, **settings):
    """A policy for one page, and what the test adds to it."""
    return exercise.Policy(**{"origins": [PAGE], **settings})


def asked(exercise, method, *headers, origins=(PAGE,)):
    """The preflight that a browser would send."""
    lines = [("Host", "api.example"), *(("Origin", origin) for origin in origins)]
    lines += [("Access-Control-Request-Method", method)]
    return exercise.Request("OPTIONS", lines + [("Access-Control-Request-Headers", line) for line in headers])


def sent(exercise, *origins, method="GET"):
    """A request that is no preflight."""
    return exercise.Request(method, [("Host", "api.example"), *(("Origin", origin) for origin in origins)])


def lowered(names):
    return sorted(name.lower() for name in names)
