"""The model of the browser: safelists, when it asks first, and what answers it accepts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.cors import PageRequest
from netlab.cors.browser.fetch_model import (
    HeaderList,
    actual_headers,
    cors_check,
    listed,
    preflight_checks,
    preflight_headers,
    preflight_max_age,
    preflight_reasons,
    readable_headers,
    refused_by_the_browser,
    settled,
    url_origin,
)
from netlab.cors.safelist import is_forbidden, normalize_method, unsafe_headers, why_not_safelisted

PAGE = "https://app.example"
ACAO, ACAC = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
ACAM, ACAH = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"


def request(**settings: Any) -> PageRequest:
    return PageRequest(**{"page": PAGE, "url": "https://api.example/x", **settings})


SAFE = [
    ("Accept", "*/*"), ("ACCEPT", "text/html,application/xml;q=0.9"), ("accept", "x" * 128),
    ("accept", "é"), ("Accept-Language", "en-US,en;q=0.9,*;q=0.5"), ("Content-Language", "de"),
    ("accept-language", ""), ("Content-Type", "text/plain"),
    ("content-type", "TEXT/Plain;charset=UTF-8"), ("content-type", " text/plain "),
    ("content-type", "multipart/form-data; boundary=abc"),
    ("content-type", "application/x-www-form-urlencoded"), ("content-type", "text/plain ;x"),
    ("content-type", "text/plain;" + "x" * 117), ("Range", "bytes=0-"), ("range", "bytes=0-0"),
    ("range", "bytes=5-10"), ("range", "bytes=007-8"),
]  # fmt: skip
UNSAFE = [
    ("X-Anything", "1"), ("Authorization", "x"), ("", ""), ("Cache-Control", "no-cache"),
    ("accept", "x" * 129), ("accept", 'text/"x"'), ("accept", "a:b"), ("accept", "\x01"),
    ("accept", "\x7f"), ("accept", "{}"), ("accept", "a@b"), ("accept", "[x]"), ("accept", "<a>"),
    ("accept", "a?b"), ("accept", "a\\b"), ("accept-language", "en_US"), ("accept-language", "é"),
    ("content-language", "a/b"), ("content-language", "\t"), ("content-type", "application/json"),
    ("content-type", "text/plain, application/json"), ("content-type", ""), ("content-type", "text"),
    ("content-type", "text/"), ("content-type", "/plain"), ("content-type", "te xt/plain"),
    ("content-type", "text/plain;" + "x" * 118), ("content-type", 'text/plain;a="b:c"'),
    ("content-type", "text/html"), ("content-type", "text;/plain"), ("range", "bytes=-500"),
    ("range", "bytes=-"), ("range", "bytes=5-4"), ("range", "bytes=0-1,5-6"), ("range", "bytes= 0-1"),
    ("range", "Bytes=0-1"), ("range", "bytes=a-b"), ("range", "items=0-1"),
    ("range", "bytes=10000000000000000000000-9"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), SAFE)
def test_what_a_form_could_send_needs_no_leave(name: str, value: str) -> None:
    assert why_not_safelisted(name, value) is None


@pytest.mark.parametrize(("name", "value"), UNSAFE)
def test_everything_else_needs_leave_and_says_why(name: str, value: str) -> None:
    assert why_not_safelisted(name, value)


def test_the_safelist_ends_at_1024_octets_in_all() -> None:
    within = tuple(("Accept", "x" * 128) for _ in range(8))
    assert unsafe_headers(within) == {}
    beyond = (*within, ("Accept-Language", "e"))
    assert list(unsafe_headers(beyond)) == ["accept", "accept-language"]
    assert "1025 octets" in unsafe_headers(beyond)["accept"]


def test_the_names_come_sorted_lowered_and_once() -> None:
    headers = (("X-B", "1"), ("x-a", "1"), ("X-b", "2"), ("Accept", "*/*"))
    assert list(unsafe_headers(headers)) == ["x-a", "x-b"]


@pytest.mark.parametrize(
    ("given_method", "sent"),
    [
        ("get", "GET"),
        ("Post", "POST"),
        ("put", "PUT"),
        ("options", "OPTIONS"),
        ("patch", "patch"),
        ("Egg", "Egg"),
    ],
)
def test_six_methods_are_upper_cased_and_no_other(given_method: str, sent: str) -> None:
    assert normalize_method(given_method) == sent


@pytest.mark.parametrize(
    ("name", "value", "forbidden"),
    [
        ("Cookie", "", True), ("ORIGIN", "", True), ("Sec-Fetch-Mode", "", True), ("proxy-x", "", True),
        ("X-HTTP-Method-Override", "PUT, TRACE", True), ("X-HTTP-Method-Override", "PUT", False),
        ("User-Agent", "", False), ("Secure", "", False), ("X-Cookie", "", False),
    ],
)  # fmt: skip
def test_some_headers_are_the_browsers_own(name: str, value: str, forbidden: bool) -> None:
    assert is_forbidden(name, value) is forbidden


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"method": "TRACE"}, "forbidden method"),
        ({"method": "a b"}, "not a method"),
        ({"method": "PUT", "mode": "no-cors"}, "no-cors"),
        ({"headers": (("a b", "1"),)}, "not a header name"),
        ({"headers": (("a", "1\r\nb: 2"),)}, "not a header value"),
    ],
)
def test_what_no_script_may_ask_is_refused_before_anything_is_sent(
    settings: dict[str, Any], word: str
) -> None:
    assert word in (refused_by_the_browser(request(**settings)) or "")
    assert refused_by_the_browser(request()) is None


def test_the_browser_drops_its_own_headers_and_trims_values() -> None:
    taken, dropped = settled(
        request(method="delete", headers=(("Cookie", "a"), ("X-A", " 1\t"), ("Host", "b")))
    )
    assert (taken.method, taken.headers, dropped) == ("DELETE", (("X-A", "1"),), ("Cookie", "Host"))
    taken, dropped = settled(
        request(mode="no-cors", headers=(("X-A", "1"), ("Accept", "a"), ("Content-Type", "application/json")))
    )
    assert (taken.headers, dropped) == ((("Accept", "a"),), ("X-A", "Content-Type"))


@pytest.mark.parametrize(
    ("settings", "asks"),
    [
        ({}, False),
        ({"method": "POST"}, False),
        ({"method": "POST", "headers": (("Content-Type", "text/plain"),)}, False),
        ({"method": "POST", "headers": (("Content-Type", "application/json"),)}, True),
        ({"method": "GET", "headers": (("Authorization", "x"),)}, True),
        ({"method": "PUT"}, True),
        ({"method": "OPTIONS"}, True),
        ({"method": "POST", "upload_listener": True}, True),
        ({"method": "PUT", "page": "https://api.example"}, False),
        ({"method": "PUT", "page": "https://api.example:8443"}, True),
        ({"method": "PUT", "page": "null"}, True),
        ({"method": "POST", "mode": "no-cors"}, False),
        ({"credentials": "include"}, False),
    ],
)
def test_the_browser_asks_first_only_for_what_no_form_could_send(
    settings: dict[str, Any], asks: bool
) -> None:
    assert bool(preflight_reasons(request(**settings))) is asks


def test_the_preflight_names_the_method_and_the_unsafe_headers() -> None:
    sent = preflight_headers(request(method="PUT", headers=(("X-B", "1"), ("Accept", "a"), ("X-A", "1"))))
    assert sent == (
        ("Accept", "*/*"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "x-a,x-b"),
        ("Origin", PAGE),
    )
    assert not preflight_headers(request(method="PUT")).get_all("access-control-request-headers")


def test_origin_is_sent_across_origins_and_with_every_method_but_get_and_head() -> None:
    assert actual_headers(request()).get_all("Origin") == (PAGE,)
    own = "https://api.example"
    assert actual_headers(request(page=own)).get_all("Origin") == ()
    assert actual_headers(request(page=own, method="POST")).get_all("Origin") == (own,)
    assert actual_headers(request(mode="no-cors")).get_all("Origin") == ()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://a.example/x?y#z", "https://a.example"),
        ("HTTPS://A.Example:443", "https://a.example"),
        ("http://a.example:8080/", "http://a.example:8080"),
        ("http://u:p@a.example/", "http://a.example"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
    ],
)
def test_the_origin_of_a_url(url: str, origin: str) -> None:
    assert str(url_origin(url)) == origin


@pytest.mark.parametrize("url", ["ftp://a.example", "/path", "", "https://", "https://a.example:x"])
def test_other_urls_have_no_origin_here(url: str) -> None:
    with pytest.raises(ValueError):
        url_origin(url)


# Fetch, "CORS protocol and credentials": the standard's own table, and around it.
@pytest.mark.parametrize(
    ("credentials", "fields", "error"),
    [
        ("omit", [(ACAO, "*")], ""),
        ("omit", [(ACAO, "*"), (ACAC, "true")], ""),
        ("omit", [(ACAO, f"{PAGE}/")], "AllowOriginMismatch"),
        ("omit", [(ACAO, PAGE)], ""),
        ("same-origin", [(ACAO, "*")], ""),
        ("include", [(ACAO, "*"), (ACAC, "true")], "WildcardOriginNotAllowed"),
        ("include", [(ACAO, PAGE), (ACAC, "true")], ""),
        ("include", [(ACAO, PAGE), (ACAC, "True")], "InvalidAllowCredentials"),
        ("include", [(ACAO, PAGE)], "InvalidAllowCredentials"),
        ("include", [(ACAO, PAGE), (ACAC, "true"), (ACAC, "true")], "InvalidAllowCredentials"),
        ("omit", [], "MissingAllowOriginHeader"),
        ("omit", [("access-control-allow-ORIGIN", PAGE)], ""),
        ("omit", [(ACAO, "https://other.example")], "AllowOriginMismatch"),
        ("omit", [(ACAO, PAGE), (ACAO, PAGE)], "MultipleAllowOriginValues"),
        ("omit", [(ACAO, f"{PAGE} {PAGE}")], "MultipleAllowOriginValues"),
        ("omit", [(ACAO, "null")], "AllowOriginMismatch"),
        ("omit", [(ACAO, "mailto:app")], "AllowOriginMismatch"),
        ("omit", [(ACAO, "app.example")], "InvalidAllowOriginValue"),
        ("omit", [(ACAO, f"{PAGE}:80x")], "InvalidAllowOriginValue"),
        ("omit", [(ACAO, "https://[::1")], "InvalidAllowOriginValue"),
        ("omit", [(ACAO, "")], "InvalidAllowOriginValue"),
        ("omit", [(ACAO, "HTTPS://app.example")], "AllowOriginMismatch"),
    ],
)
def test_the_cors_check(credentials: str, fields: list[tuple[str, str]], error: str) -> None:
    check = cors_check(request(credentials=credentials), HeaderList(fields))
    assert (check.passed, check.error) == (not error, error)
    assert check.section.startswith("Fetch, CORS check, step ")


def test_a_null_origin_is_shared_with_by_its_name() -> None:
    assert cors_check(request(page="null"), HeaderList([(ACAO, "null")])).passed


@pytest.mark.parametrize(
    ("settings", "status", "fields", "error"),
    [
        ({"method": "PUT"}, 204, [(ACAM, "PUT")], ""),
        ({"method": "PUT"}, 200, [(ACAM, "GET, PUT")], ""),
        ({"method": "PUT"}, 299, [(ACAM, "GET"), (ACAM, "PUT")], ""),
        ({"method": "PUT"}, 403, [(ACAM, "PUT")], "PreflightInvalidStatus"),
        ({"method": "PUT"}, 304, [(ACAM, "PUT")], "PreflightInvalidStatus"),
        ({"method": "PUT"}, 307, [(ACAM, "PUT")], "PreflightInvalidStatus"),
        ({"method": "PUT"}, 307, [(ACAM, "PUT"), ("Location", "/")], "PreflightDisallowedRedirect"),
        ({"method": "PUT"}, 204, [(ACAM, "put")], "MethodDisallowedByPreflightResponse"),
        ({"method": "PUT"}, 204, [], "MethodDisallowedByPreflightResponse"),
        ({"method": "PUT"}, 204, [(ACAM, "*")], ""),
        ({"method": "PUT"}, 204, [(ACAM, "P/T")], "InvalidAllowMethodsPreflightResponse"),
        ({"method": "PUT"}, 204, [(ACAM, "PUT"), (ACAH, "a b")], "InvalidAllowHeadersPreflightResponse"),
        ({"method": "PUT", "upload_listener": True}, 204, [], ""),
        ({"method": "POST", "upload_listener": True}, 204, [], ""),
        ({"method": "patch"}, 204, [(ACAM, "PATCH")], "MethodDisallowedByPreflightResponse"),
        ({"headers": (("X-A", "1"),)}, 204, [(ACAH, "x-a")], ""),
        ({"headers": (("X-A", "1"),)}, 204, [(ACAH, "X-B,,X-A")], ""),
        ({"headers": (("X-A", "1"),)}, 204, [(ACAH, "*")], ""),
        ({"headers": (("X-A", "1"),)}, 204, [(ACAH, "X-B")], "HeaderDisallowedByPreflightResponse"),
        ({"headers": (("Authorization", "1"),)}, 204, [(ACAH, "*")], "HeaderDisallowedByPreflightResponse"),
        ({"headers": (("Authorization", "1"),)}, 204, [(ACAH, "*, authorization")], ""),
        ({"headers": (("Accept", "x"), ("X-A", "1"))}, 204, [(ACAH, "X-A")], ""),
    ],
)
def test_the_answer_to_a_preflight(
    settings: dict[str, Any], status: int, fields: list[tuple[str, str]], error: str
) -> None:
    checks = list(preflight_checks(request(**settings), status, HeaderList([(ACAO, PAGE), *fields])))
    assert checks[-1].error == error
    assert [check.passed for check in checks[:-1]] == [True] * (len(checks) - 1)
    assert checks[-1].passed is (not error)


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"method": "PUT"}, (ACAM, "*")), ({"headers": (("X-A", "1"),)}, (ACAH, "*"))],
)
def test_with_credentials_the_wildcards_are_names(settings: dict[str, Any], field: tuple[str, str]) -> None:
    shared = HeaderList([(ACAO, PAGE), (ACAC, "true"), field])
    assert list(preflight_checks(request(**settings), 204, shared))[-1].passed
    last = list(preflight_checks(request(**settings, credentials="include"), 204, shared))[-1]
    assert not last.passed and "no wildcard" in last.outcome


def test_a_refused_preflight_has_its_own_name() -> None:
    (check,) = preflight_checks(request(method="PUT"), 204, HeaderList())
    assert check.error == "PreflightMissingAllowOriginHeader"


def test_chromium_names_the_redirect_of_a_preflight_before_anything_else() -> None:
    (check,) = preflight_checks(request(method="PUT"), 307, HeaderList([("location", "/")]))
    assert check.error == "PreflightDisallowedRedirect"


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["600"], 600),
        (["0"], 0),
        ([], 5),
        (["-1"], 5),
        (["x"], 5),
        (["1", "2"], 5),
        (["+1"], 5),
        (["1.5"], 5),
    ],
)
def test_how_long_a_preflight_is_kept(values: list[str], seconds: int) -> None:
    assert preflight_max_age(HeaderList([("Access-Control-Max-Age", value) for value in values])) == seconds


def test_which_headers_a_script_can_read() -> None:
    names = ("Content-Type", "X-A", "ETag", "Set-Cookie", "Date")
    expose = "Access-Control-Expose-Headers"
    assert readable_headers(request(), HeaderList(), names) == ("Content-Type",)
    assert readable_headers(request(), HeaderList([(expose, "etag, x-a")]), names) == (
        "Content-Type",
        "X-A",
        "ETag",
    )
    assert readable_headers(request(), HeaderList([(expose, "*")]), names) == (
        "Content-Type",
        "X-A",
        "ETag",
        "Date",
    )
    included = request(credentials="include")
    assert readable_headers(included, HeaderList([(expose, "*, set-cookie")]), names) == ("Content-Type",)


@given(st.lists(st.sampled_from(["a", "b-c", "", " ", "\t"]), max_size=20))
def test_a_list_is_read_without_its_empty_elements(items: list[str]) -> None:
    value = ",".join(items)
    assert listed(HeaderList([("x", value)]), "X") == tuple(item for item in items if item.strip())
    assert listed(HeaderList([("x", value + ",a b")]), "X") is None
