"""What other servers answer to the same policy: Starlette (FastAPI), Express and nginx, as pure functions.

    SERVERS["nginx"].answer(policy, "OPTIONS", fields)      # status and fields
    SERVERS["nginx"].configuration(policy)                  # what to write into its configuration

Each server gets the policy's lists as they stand. A setting that the policy leaves out keeps the server's
default. What a browser makes of these answers lives in `netlab.cors.browser.compare`. The tests hold each
model against the real server.

Modelled: Starlette 1.10 (CORSMiddleware), cors 2.8 with Express 5, and for nginx the usual copied block:
`add_header` without `always`, and an `if` that answers every OPTIONS with 204.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from netlab.cors.decision import RequestFields, decide, merge_vary
from netlab.cors.origin import parse_pattern
from netlab.cors.policy import Policy

ORIGIN: Final = "Access-Control-Allow-Origin"
METHODS: Final = "Access-Control-Allow-Methods"
HEADERS: Final = "Access-Control-Allow-Headers"
CREDENTIALS: Final = "Access-Control-Allow-Credentials"
EXPOSE: Final = "Access-Control-Expose-Headers"
MAX_AGE: Final = "Access-Control-Max-Age"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answers to one request, as far as CORS goes."""

    status: int | None
    """The status if the server answers by itself; None if the handler answers."""
    fields: tuple[tuple[str, str], ...]
    """The Access-Control fields and Vary."""


@dataclass(frozen=True, slots=True)
class Other:
    """A server that is not netlab."""

    name: str
    title: str
    configuration: Callable[[Policy], str]
    """The policy in the server's own words, ready to copy."""
    answer: Callable[[Policy, str, RequestFields, int], Answer]
    """The answer to a policy, a method, the request's fields, and the status that the handler answers."""


def netlab_answer(policy: Policy, method: str, fields: RequestFields, status: int = 200) -> Answer:
    """netlab's own answer in the same form. `status` is the handler's, and changes nothing."""
    decision = decide(policy, method, fields)
    vary = merge_vary((), decision.vary)
    return Answer(decision.status, (*decision.fields, *((("Vary", vary),) if vary else ())))


# The policy's origins in the servers' forms -----------------------------------------------------------------


def split_origins(policy: Policy) -> tuple[list[str], list[str]]:
    """The origins listed one by one (or `*`), and a regular expression for each pattern.

    An expression must match the whole origin. Python, JavaScript and PCRE read it alike.
    """
    exact: list[str] = []
    expressions: list[str] = []
    for text in policy.origins:
        if text == "*" or (pattern := parse_pattern(text)).exact:
            exact.append(text)
            continue
        below = r"([^./:]+\.)+" if pattern.subdomains else ""
        port = "(:[0-9]+)?" if pattern.any_port else "" if pattern.port is None else f":{pattern.port}"
        expressions.append(f"{pattern.scheme}://{below}{re.escape(pattern.host)}{port}")
    return exact, expressions


def _allows(policy: Policy, origin: str) -> bool:
    exact, expressions = split_origins(policy)
    return origin in exact or any(re.fullmatch(expression, origin) for expression in expressions)


def _fixed_origin(policy: Policy) -> str | None:
    """The one value that Express and nginx send to every page: `*`, or the only origin. None: it differs."""
    exact, expressions = split_origins(policy)
    return exact[0] if len(exact) == 1 and not expressions else None


def _lines(pairs: Iterable[tuple[str, str | None]]) -> tuple[tuple[str, str], ...]:
    """The field lines that have a value."""
    return tuple((name, value) for name, value in pairs if value)


def _first(fields: RequestFields, name: str) -> str | None:
    values = fields.get_all(name)
    return values[0] if values else None


def _credentials(policy: Policy) -> str | None:
    return "true" if policy.credentials else None


def _seconds(policy: Policy, default: str | None) -> str | None:
    return default if policy.max_age is None else str(policy.max_age)


# Starlette and FastAPI --------------------------------------------------------------------------------------

_STARLETTE_ANY_METHOD = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY")
_STARLETTE_HEADERS = ("Accept", "Accept-Language", "Content-Language", "Content-Type")
_STARLETTE_VARY = (
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
    "Access-Control-Request-Private-Network"
)


def starlette_options(policy: Policy) -> dict[str, Any]:
    """The arguments of CORSMiddleware. Its defaults: methods GET, no headers, max_age 600."""
    exact, expressions = split_origins(policy)
    options: dict[str, Any] = {
        "allow_origins": exact,
        "allow_origin_regex": "|".join(f"({expression})" for expression in expressions),
        "allow_methods": [*policy.methods],
        "allow_headers": [*policy.request_headers],
        "expose_headers": [*policy.expose_headers],
        "allow_credentials": policy.credentials,
        "max_age": policy.max_age,
    }
    return {name: value for name, value in options.items() if value or (value == 0 and name == "max_age")}


def _starlette_configuration(policy: Policy) -> str:
    options = "".join(f"\n    {name}={value!r}," for name, value in starlette_options(policy).items())
    return f"app.add_middleware(\n    CORSMiddleware,{options}\n)"


def _starlette(policy: Policy, method: str, fields: RequestFields, status: int) -> Answer:
    origin, asked = _first(fields, "origin"), _first(fields, "access-control-request-method")
    if origin is not None and method == "OPTIONS" and asked is not None:
        return _starlette_preflight(policy, origin, asked, _first(fields, "access-control-request-headers"))
    if origin is None:
        return Answer(None, (("Vary", "Origin"),))
    named = "*" if "*" in policy.origins else origin if _allows(policy, origin) else None
    return Answer(None, _lines((
        (ORIGIN, named),
        (CREDENTIALS, _credentials(policy)),
        (EXPOSE, ", ".join(policy.expose_headers)),
        ("Vary", "Origin"),
    )))  # fmt: skip


def _starlette_preflight(policy: Policy, origin: str, method: str, names: str | None) -> Answer:
    """Starlette compares origin, method and headers by itself, and refuses with 400 and all its lists."""
    any_origin, any_header = "*" in policy.origins, "*" in policy.request_headers
    methods = _STARLETTE_ANY_METHOD if "*" in policy.methods else tuple(policy.methods) or ("GET",)
    headers = sorted({*_STARLETTE_HEADERS, *policy.request_headers})
    known = {name.lower() for name in headers}
    allowed = (
        (any_origin or _allows(policy, origin))
        and method in methods
        and (any_header or all(name.strip().lower() in known for name in (names or "accept").split(",")))
    )
    return Answer(200 if allowed else 400, _lines((
        ("Vary", _STARLETTE_VARY),
        (ORIGIN, "*" if any_origin else origin if _allows(policy, origin) else None),
        (METHODS, ", ".join(methods)),
        (MAX_AGE, _seconds(policy, "600")),
        (HEADERS, names if any_header else ", ".join(headers)),
        (CREDENTIALS, _credentials(policy)),
    )))  # fmt: skip


# Express with the package cors ------------------------------------------------------------------------------

_EXPRESS_METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE"


def _express_configuration(policy: Policy) -> str:
    exact, expressions = split_origins(policy)
    origins = [json.dumps(origin) for origin in exact]
    origins += [f"new RegExp({json.dumps(f'^{expression}$')})" for expression in expressions]
    fixed = _fixed_origin(policy)
    options = {
        "origin": f"[{', '.join(origins)}]" if fixed is None else json.dumps(fixed),
        "methods": json.dumps([*policy.methods]) if policy.methods else "",
        "allowedHeaders": json.dumps([*policy.request_headers]) if policy.request_headers else "",
        "exposedHeaders": json.dumps([*policy.expose_headers]) if policy.expose_headers else "",
        "credentials": _credentials(policy) or "",
        "maxAge": _seconds(policy, "") or "",
        "optionsSuccessStatus": "" if policy.success_status == 204 else str(policy.success_status),
    }
    lines = "".join(f"\n  {name}: {value}," for name, value in options.items() if value)
    return f"app.use(cors({{{lines}\n}}));"


def _express(policy: Policy, method: str, fields: RequestFields, status: int) -> Answer:
    """The package compares the origin, and nothing else. It answers every OPTIONS by itself."""
    origin, fixed = _first(fields, "origin"), _fixed_origin(policy)
    if fixed is None:
        fixed = origin if origin is not None and _allows(policy, origin) else None
    vary = () if "*" in policy.origins else ("Origin",)
    own = ((ORIGIN, fixed), (CREDENTIALS, _credentials(policy)), (EXPOSE, ",".join(policy.expose_headers)))
    if method != "OPTIONS":
        return Answer(None, _lines((*own, ("Vary", ", ".join(vary)))))
    names = ",".join(policy.request_headers)
    if not names:
        names = _first(fields, "access-control-request-headers") or ""
        vary = (*vary, "Access-Control-Request-Headers")
    return Answer(policy.success_status, _lines((
        *own,
        (METHODS, ",".join(policy.methods) or _EXPRESS_METHODS),
        (HEADERS, names),
        (MAX_AGE, _seconds(policy, None)),
        ("Vary", ", ".join(vary)),
    )))  # fmt: skip


# nginx with the usual add_header block ----------------------------------------------------------------------

_NGINX_METHODS = "GET, POST, OPTIONS"
_NGINX_HEADERS = "DNT,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range"
_NGINX_MAX_AGE = "1728000"
_NGINX_STATUSES = frozenset({200, 201, 204, 206, 301, 302, 303, 304, 307, 308})
"""The statuses to which nginx adds a field without `always` (ngx_http_headers_module)."""


def _nginx_fields(policy: Policy, origin: str | None) -> tuple[tuple[str, str], ...]:
    """The fields of every answer, `origin` as written in the configuration or as nginx fills it in."""
    own = ((ORIGIN, origin), (CREDENTIALS, _credentials(policy)), (EXPOSE, ", ".join(policy.expose_headers)))
    return _lines(own)


def _nginx_preflight(policy: Policy, origin: str | None) -> tuple[tuple[str, str], ...]:
    return _lines((
        (ORIGIN, origin),
        (CREDENTIALS, _credentials(policy)),
        (METHODS, ", ".join(policy.methods) or _NGINX_METHODS),
        (HEADERS, ", ".join(policy.request_headers) or _NGINX_HEADERS),
        (MAX_AGE, _seconds(policy, _NGINX_MAX_AGE)),
    ))  # fmt: skip


def nginx_blocks(policy: Policy) -> tuple[str, str]:
    """What belongs into `http` (a map, or nothing), and what belongs into `location`."""
    fixed = _fixed_origin(policy)
    exact, expressions = split_origins(policy)
    keys = [*exact, *(f"~^{expression}$" for expression in expressions)]
    lines = "".join(f'\n    "{key}" $http_origin;' for key in keys)
    table = "" if fixed is not None else f'map $http_origin $cors_origin {{\n    default "";{lines}\n}}\n'
    origin = fixed or "$cors_origin"
    asked = _added(_nginx_preflight(policy, origin), "    ")
    location = f"if ($request_method = OPTIONS) {{\n{asked}    return 204;\n}}\n"
    return table, location + _added(_nginx_fields(policy, origin), "")


def _added(fields: Iterable[tuple[str, str]], indent: str) -> str:
    return "".join(f'{indent}add_header {name} "{value}";\n' for name, value in fields)


def _nginx_configuration(policy: Policy) -> str:
    table, location = nginx_blocks(policy)
    inner = "".join(f"    {line}\n" for line in location.splitlines())
    return f"{table}location / {{\n{inner}    # then proxy_pass, or root\n}}"


def _nginx(policy: Policy, method: str, fields: RequestFields, status: int) -> Answer:
    """nginx compares nothing but the origin, and that only with a map. It answers every OPTIONS by itself."""
    origin, named = _first(fields, "origin"), _fixed_origin(policy)
    if named is None:
        named = origin if origin is not None and _allows(policy, origin) else None
    if method == "OPTIONS":
        return Answer(204, _nginx_preflight(policy, named))
    return Answer(None, _nginx_fields(policy, named) if status in _NGINX_STATUSES else ())


SERVERS: Final[Mapping[str, Other]] = {
    other.name: other
    for other in (
        Other("starlette", "Starlette's CORSMiddleware (FastAPI)", _starlette_configuration, _starlette),
        Other("express", "Express with the package cors", _express_configuration, _express),
        Other("nginx", "nginx with the usual add_header block", _nginx_configuration, _nginx),
    )
}
