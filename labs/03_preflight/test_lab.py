"""The checks of lab 03: what the Fetch standard asks of a server, and when a browser asks the server.

Every expected answer below is written out by hand; no other implementation makes it.
"""

from __future__ import annotations

import pytest
from cors_requests import PAGE, policy

from labs.runner.checks import table

ORIGIN_RULE = "Fetch, `Origin` header"
CHECK = "Fetch, CORS check"
ASK = "Fetch, CORS-preflight fetch"
CACHES = "Fetch, CORS protocol and HTTP caches"
CREDENTIALS = "Fetch, CORS protocol and credentials"
SAFELIST = "Fetch, CORS-safelisted request-header"


# --- task 1: read an origin ---------------------------------------------------------------------------


@pytest.mark.task(1, rule=ORIGIN_RULE)
@table("text, parts", ("https://a.example", ("https", "a.example", None)),
       ("http://a.example:8080", ("http", "a.example", 8080)),
       ("http://localhost", ("http", "localhost", None)),
       ("https://x-1.b_c.example:65535", ("https", "x-1.b_c.example", 65535)),
       ("http://127.0.0.1:1", ("http", "127.0.0.1", 1)), ("http://[::1]:3000", ("http", "[::1]", 3000)),
       ("http://a.example:443", ("http", "a.example", 443)),
       ("chrome-extension://abcdef", ("chrome-extension", "abcdef", None)))  # fmt: skip
def test_an_origin_is_a_scheme_a_host_and_a_port(exercise, text, parts):
    got = exercise.read_origin(text)
    assert got is not None and tuple(got) == parts, f"read_origin({text!r}) must be {parts}, not {got}"


@pytest.mark.task(1, rule=ORIGIN_RULE)
@table("text", "null", "", "*", "a.example", "//a.example", "https:a.example", "https://", "https://a.example/",
       "https://a.example/x", "https://a.example?x", "https://me@a.example", "https://a.example,https://b.example",
       " https://a.example", "https://a.example ", "x https://a.example", "https://a.example\n",
       "1http://a.example", "https://[::1", "https://[::1]x")  # fmt: skip
def test_a_text_with_a_part_too_many_or_too_few_is_no_origin(exercise, text):
    got = exercise.read_origin(text)
    assert got is None, f"{text!r} is not an origin as a browser writes it, so None; you returned {got}"


@pytest.mark.task(1, rule=ORIGIN_RULE)
@table("text", "HTTPS://a.example", "https://A.example", "https://a.EXAMPLE", "https://é.example")
def test_a_browser_sends_scheme_and_host_in_lower_case_ascii(exercise, text):
    got = exercise.read_origin(text)
    assert got is None, f"no browser sends {text!r}: scheme and host are lower case ASCII; you returned {got}"


@pytest.mark.task(1, rule="Fetch, domain-label")
@table("text", "https://.example", "https://a..example", "https://a.example.", "https://-a.example",
       "https://a-.example", "https://" + "a" * 64 + ".example", "https://.")  # fmt: skip
def test_every_label_of_a_host_is_whole(exercise, text):
    got = exercise.read_origin(text)
    assert got is None, (
        f"{text!r} has a label that is empty, too long or ends with a hyphen; you returned {got}"
    )


@pytest.mark.task(1, rule="Fetch, serialized-port")
@table("port", "0", "080", "65536", "99999", "123456", "", "+80", "8_0", " 80", "8 ", "-1", "１２", "x")
def test_a_port_is_ascii_digits_from_1_to_65535(exercise, port):
    got = exercise.read_origin(f"https://a.example:{port}")
    assert got is None, f"{port!r} is no port of an origin; you returned {got}"


@pytest.mark.task(1, rule="URL standard, default port")
@table("text", "https://a.example:443", "http://a.example:80")
def test_a_browser_leaves_out_the_schemes_own_port(exercise, text):
    got = exercise.read_origin(text)
    assert got is None, f"no browser sends {text!r}: it leaves its scheme's own port out; you returned {got}"


# --- task 2: match a pattern --------------------------------------------------------------------------


def expect_allowed(exercise, origins, text, expected):
    got = exercise.allows(origins, text)
    verb = "must allow" if expected else "must not allow"
    assert bool(got) is expected, f"{origins} {verb} {text!r}; allows(…) returned {got!r}"


@pytest.mark.task(2, rule=CHECK)
@table("text, expected", ("https://app.example", True), ("https://app.example.evil.test", False),
       ("https://app.exampl", False), ("https://evil-app.example", False),
       ("https://sub.app.example", False), ("https://evil.test/https://app.example", False))  # fmt: skip
def test_an_origin_allows_itself_and_nothing_that_looks_like_it(exercise, text, expected):
    expect_allowed(exercise, ["https://other.example", PAGE], text, expected)


@pytest.mark.task(2, rule=CHECK)
@table("text, expected", ("https://a.example.com", True), ("https://b.a.example.com", True),
       ("https://d.c.b.a.example.com", True), ("https://example.com", False))  # fmt: skip
def test_a_star_stands_for_one_or_more_whole_labels(exercise, text, expected):
    expect_allowed(exercise, ["https://*.example.com"], text, expected)


@pytest.mark.task(2, rule=CHECK)
@table("text", "https://evilexample.com", "https://a.evilexample.com", "https://example.com.evil.test",
       "https://a.example.com.evil.test")  # fmt: skip
def test_a_host_whose_name_only_ends_alike_is_no_subdomain(exercise, text):
    expect_allowed(exercise, ["https://*.example.com"], text, False)


@pytest.mark.task(2, rule=CHECK)
@table("pattern, text", ("https://app.example", "http://app.example"),
       ("https://*.example.com", "http://a.example.com"),
       ("https://app.example", "https://app.example:8443"),
       ("https://app.example:8443", "https://app.example"),
       ("https://*.example.com", "https://a.example.com:8443"))  # fmt: skip
def test_another_scheme_or_port_is_another_origin(exercise, pattern, text):
    expect_allowed(exercise, [pattern], text, False)


@pytest.mark.task(2, rule=CHECK)
@table("pattern, text, expected", ("http://localhost:*", "http://localhost:5173", True),
       ("http://localhost:*", "http://localhost", True),
       ("http://localhost:*", "https://localhost:5173", False),
       ("http://localhost:*", "http://localhost.evil.test:5173", False),
       ("https://*.example.com:*", "https://a.example.com:8443", True),
       ("https://*.example.com:*", "https://a.example.com", True))  # fmt: skip
def test_any_port_means_every_port_and_the_schemes_own(exercise, pattern, text, expected):
    expect_allowed(exercise, [pattern], text, expected)


@pytest.mark.task(2, rule=CHECK)
@table("origins, text, expected", (["*"], "https://any.test", True), (["*"], "null", True),
       (["null"], "null", False), ([PAGE, "https://*.example.com", "http://localhost:*"], "null", False),
       (["https://app.example/"], "https://app.example/", False))  # fmt: skip
def test_an_origin_that_cannot_be_parsed_is_allowed_only_by_the_star(exercise, origins, text, expected):
    expect_allowed(exercise, origins, text, expected)


# --- task 3: refuse a policy that cannot be right -----------------------------------------------------


def expect_mistakes(exercise, expected, **settings):
    got = list(exercise.mistakes(policy(exercise, **settings)))
    assert got == expected, f"Policy({settings}) has its mistakes in {expected}; mistakes(…) returned {got}"


@pytest.mark.task(3, rule=CREDENTIALS)
@pytest.mark.parametrize("setting", ["origins", "methods", "headers", "expose"])
def test_credentials_refuse_the_star_in_every_list(exercise, setting):
    expect_mistakes(exercise, [], **{setting: ["*"]})
    expect_mistakes(exercise, [setting], **{setting: ["*"], "credentials": True})


@pytest.mark.task(3, rule=ORIGIN_RULE)
@table("origins", [], ["null"], ["https://app.example/"], ["app.example"], ["https://*.com"], ["https://*"],
       ["^https://.*$"], [PAGE, "file:///x"])  # fmt: skip
def test_an_entry_that_is_no_origin_is_a_mistake(exercise, origins):
    expect_mistakes(exercise, ["origins"], origins=origins)


@pytest.mark.task(3, rule="Python: a string is a sequence of its letters")
@pytest.mark.parametrize("setting", ["origins", "methods", "headers", "expose"])
def test_a_string_is_no_list_of_strings(exercise, setting):
    text = {"origins": "*", "methods": "PUT", "headers": "X-Trace", "expose": "X-Total"}[setting]
    expect_mistakes(exercise, [setting], **{setting: text})


@pytest.mark.task(3, rule="RFC 9110 §5.6.2, token")
@table("setting, name", ("methods", "P UT"), ("methods", ""), ("headers", "X-Trace:"), ("headers", "X-Ä"),
       ("expose", "X-A,X-B"), ("expose", "X-A\n"))  # fmt: skip
def test_methods_and_field_names_are_tokens(exercise, setting, name):
    expect_mistakes(exercise, [setting], **{setting: ["ETag", name]})


@pytest.mark.task(3, rule="Fetch, normalize a method")
@table("method, expected", ("put", ["methods"]), ("Delete", ["methods"]), ("PUT", []), ("PATCH", []),
       ("patch", []), ("CHICKEN", []))  # fmt: skip
def test_a_method_that_the_browser_would_upper_case_is_listed_in_upper_case(exercise, method, expected):
    expect_mistakes(exercise, expected, methods=[method])


@pytest.mark.task(3, rule=CREDENTIALS)
@table("origin, expected", ("http://app.example", ["origins"]), ("http://*.app.example", ["origins"]),
       ("http://localhost.evil.test", ["origins"]), ("http://notlocalhost", ["origins"]),
       ("https://app.example", []), ("http://localhost:*", []), ("http://app.localhost", []),
       ("http://127.0.0.1:8000", []), ("http://[::1]:8000", []))  # fmt: skip
def test_credentials_are_allowed_only_for_origins_that_cannot_be_impersonated(exercise, origin, expected):
    expect_mistakes(exercise, [], origins=[origin])
    expect_mistakes(exercise, expected, origins=[origin], credentials=True)


@pytest.mark.task(3, rule=f"{ASK}, steps 7.8 to 7.10")
@table("seconds, expected", (None, []), (0, []), (600, []), (86_400, []), (-1, ["max_age"]),
       (86_401, ["max_age"]))  # fmt: skip
def test_max_age_is_0_to_86400_seconds(exercise, seconds, expected):
    expect_mistakes(exercise, expected, max_age=seconds)


@pytest.mark.task(3, rule="all mistakes at once")
def test_all_mistakes_are_reported_at_once_and_in_order(exercise):
    wrong = {
        "origins": ["null", ""],
        "methods": ["put", "a b"],
        "headers": "*",
        "expose": [" "],
        "max_age": -5,
    }
    expect_mistakes(exercise, ["origins", "methods", "headers", "expose", "max_age"], **wrong)


# --- task 4: ask first, or not ------------------------------------------------------------------------


def expect_asked(exercise, method, headers, expected):
    got = exercise.asks_first(method, headers)
    says = "just sends" if expected is None else f"first asks (for the headers {expected})"
    assert got == expected, f"for {method} with {headers} a browser {says}; asks_first(…) returned {got!r}"


@pytest.mark.task(4, rule="Fetch, CORS-safelisted method")
@table("method, expected", ("GET", None), ("HEAD", None), ("POST", None), ("PUT", []), ("DELETE", []),
       ("PATCH", []), ("OPTIONS", []), ("get", []), ("CHICKEN", []))  # fmt: skip
def test_every_method_except_get_head_and_post_needs_a_preflight(exercise, method, expected):
    expect_asked(exercise, method, [], expected)


@pytest.mark.task(4, rule=SAFELIST)
@table("value, expected", ("application/json", ["content-type"]), ("text/plain", None),
       ("multipart/form-data; boundary=x", None), ("application/x-www-form-urlencoded", None),
       ("Text/Plain ; charset=utf-8", None), ("application/json; text/plain", ["content-type"]),
       ("text/plain, application/json", ["content-type"]), ("text/plainer", ["content-type"]),
       ("\xa0text/plain", ["content-type"]), ("", ["content-type"]))  # fmt: skip
def test_a_post_of_json_needs_a_preflight_and_a_form_does_not(exercise, value, expected):
    expect_asked(exercise, "POST", [("Content-Type", value)], expected)


@pytest.mark.task(4, rule=SAFELIST)
@table("headers, expected", ([("Authorization", "Bearer x")], ["authorization"]),
       ([("X-B", "1"), ("Accept", "*/*"), ("x-a", "2"), ("X-b", "3")], ["x-a", "x-b"]),
       ([("Cache-Control", "no-cache")], ["cache-control"]),
       ([("ACCEPT", "text/html"), ("accept-language", "de, en;q=0.5"), ("Content-Language", "de")],
        None))  # fmt: skip
def test_a_header_that_no_form_can_set_is_named_in_the_preflight(exercise, headers, expected):
    expect_asked(exercise, "GET", headers, expected)


@pytest.mark.task(4, rule=SAFELIST)
@table("name, value", ("Accept", "text/(html)"), ("Accept", 'a"b'), ("Accept", "\x7f"),
       ("Content-Type", "text/plain; x=<y>"), ("Accept-Language", "en_GB"),
       ("Content-Language", "de/at"), ("Range", "bytes=-500"), ("Range", "bytes=0-1,5-6"))  # fmt: skip
def test_a_safelisted_name_with_an_unsafe_value_needs_a_preflight(exercise, name, value):
    expect_asked(exercise, "GET", [(name, value)], [name.lower()])


@pytest.mark.task(4, rule=SAFELIST)
def test_a_single_range_from_a_position_needs_no_preflight(exercise):
    for value in ("bytes=0-", "bytes=500-999"):
        expect_asked(exercise, "GET", [("Range", value)], None)


@pytest.mark.task(4, rule="Fetch, CORS-unsafe request-header names: 128 and 1024 octets")
@table(
    "headers, expected",
    ([("Accept", "x" * 128)], None),
    ([("Accept", "x" * 129)], ["accept"]),
    ([("Content-Type", "text/plain;" + "x" * 118)], ["content-type"]),
    ([("Accept", "x" * 128)] * 8, None),
    ([*[("Accept", "x" * 128)] * 8, ("Content-Language", "d")], ["accept", "content-language"]),
    ([*[("Accept", "x" * 128)] * 8, ("X-Long", "x" * 500)], ["x-long"]),
)
def test_values_over_128_octets_each_or_1024_in_all_need_a_preflight(exercise, headers, expected):
    expect_asked(exercise, "GET", headers, expected)
