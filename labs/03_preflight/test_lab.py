"""The checks of lab 03: what the Fetch standard asks of a server, and when a browser asks the server.

Every expected answer below is written out by hand; no other implementation makes it.
"""

from __future__ import annotations

import random
import time

import pytest

ORIGIN_RULE = "Fetch, `Origin` header"
CHECK = "Fetch, CORS check"
ASK = "Fetch, CORS-preflight fetch"
CACHES = "Fetch, CORS protocol and HTTP caches"
CREDENTIALS = "Fetch, CORS protocol and credentials"
SAFELIST = "Fetch, CORS-safelisted request-header"

PAGE = "https://app.example"
ACAO, ACAM = "Access-Control-Allow-Origin", "Access-Control-Allow-Methods"
ACAH, ACAC = "Access-Control-Allow-Headers", "Access-Control-Allow-Credentials"
PREFLIGHT_VARY = {"origin", "access-control-request-method", "access-control-request-headers"}


def table(names, *rows):
    """One case a row, told apart by its number."""
    return pytest.mark.parametrize(names, rows, ids=[f"case {n}" for n in range(1, len(rows) + 1)])


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
def test_what_has_anything_more_or_less_is_no_origin(exercise, text):
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
def test_a_neighbour_whose_name_ends_alike_is_not_below(exercise, text):
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
def test_what_cannot_be_read_is_allowed_by_the_star_alone(exercise, origins, text, expected):
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
def test_credentials_go_only_to_origins_that_no_attacker_on_the_way_can_play(exercise, origin, expected):
    expect_mistakes(exercise, [], origins=[origin])
    expect_mistakes(exercise, expected, origins=[origin], credentials=True)


@pytest.mark.task(3, rule=f"{ASK}, steps 7.8 to 7.10")
@table("seconds, expected", (None, []), (0, []), (600, []), (86_400, []), (-1, ["max_age"]),
       (86_401, ["max_age"]))  # fmt: skip
def test_max_age_is_0_to_86400_seconds(exercise, seconds, expected):
    expect_mistakes(exercise, expected, max_age=seconds)


@pytest.mark.task(3, rule="all mistakes at once")
def test_all_mistakes_are_told_at_once_and_in_order(exercise):
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
def test_every_method_but_get_head_and_post_asks_first(exercise, method, expected):
    expect_asked(exercise, method, [], expected)


@pytest.mark.task(4, rule=SAFELIST)
@table("value, expected", ("application/json", ["content-type"]), ("text/plain", None),
       ("multipart/form-data; boundary=x", None), ("application/x-www-form-urlencoded", None),
       ("Text/Plain ; charset=utf-8", None), ("application/json; text/plain", ["content-type"]),
       ("text/plain, application/json", ["content-type"]), ("text/plainer", ["content-type"]),
       ("", ["content-type"]))  # fmt: skip
def test_a_post_asks_first_for_json_and_not_for_a_form(exercise, value, expected):
    expect_asked(exercise, "POST", [("Content-Type", value)], expected)


@pytest.mark.task(4, rule=SAFELIST)
@table("headers, expected", ([("Authorization", "Bearer x")], ["authorization"]),
       ([("X-B", "1"), ("Accept", "*/*"), ("x-a", "2"), ("X-b", "3")], ["x-a", "x-b"]),
       ([("Cache-Control", "no-cache")], ["cache-control"]),
       ([("ACCEPT", "text/html"), ("accept-language", "de, en;q=0.5"), ("Content-Language", "de")],
        None))  # fmt: skip
def test_a_header_that_no_form_sets_is_asked_for_by_its_name(exercise, headers, expected):
    expect_asked(exercise, "GET", headers, expected)


@pytest.mark.task(4, rule=SAFELIST)
@table("name, value", ("Accept", "text/(html)"), ("Accept", 'a"b'), ("Accept", "\x7f"),
       ("Content-Type", "text/plain; x=<y>"), ("Accept-Language", "en_GB"),
       ("Content-Language", "de/at"), ("Range", "bytes=-500"), ("Range", "bytes=0-1,5-6"))  # fmt: skip
def test_a_safelisted_name_does_not_excuse_its_value(exercise, name, value):
    expect_asked(exercise, "GET", [(name, value)], [name.lower()])


@pytest.mark.task(4, rule=SAFELIST)
def test_a_single_range_from_a_position_needs_no_leave(exercise):
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
def test_long_values_are_asked_for_each_over_128_octets_and_all_over_1024(exercise, headers, expected):
    expect_asked(exercise, "GET", headers, expected)


# --- task 5: answer the preflight ---------------------------------------------------------------------

FULL = {
    "methods": ["PUT", "PATCH"],
    "headers": ["Authorization", "Content-Type", "X-Trace"],
    "credentials": True,
    "max_age": 600,
}


def expect_preflight(exercise, steps, settings, request, status, why=""):
    """Ask, and check the status; the answer for more."""
    steps.note(f"Policy({settings})")
    steps.note(f"OPTIONS with {request.lines[1:]}")
    answer = exercise.preflight(policy(exercise, **settings), request)
    assert answer.status == status, (
        f"the status must be {status}, not {answer.status} ({why or answer.reason})"
    )
    return answer


@pytest.mark.task(5, rule="Fetch, HTTP responses")
def test_an_allowed_preflight_is_204_with_the_policys_own_lists(exercise, steps):
    answer = expect_preflight(exercise, steps, FULL, asked(exercise, "PUT", "x-trace"), 204)
    expected = {
        ACAO: PAGE,
        ACAM: "PUT, PATCH",
        ACAH: "Authorization, Content-Type, X-Trace",
        ACAC: "true",
        "Access-Control-Max-Age": "600",
    }
    assert answer.fields == expected, f"the fields must be {expected}, not {answer.fields}"


@pytest.mark.task(5, rule="Fetch, HTTP responses")
def test_what_is_not_configured_is_not_answered(exercise, steps):
    answer = expect_preflight(exercise, steps, {}, asked(exercise, "POST"), 204)
    assert answer.fields == {ACAO: PAGE}, f"only {ACAO} must be answered, not {answer.fields}"
    answer = expect_preflight(exercise, steps, {"max_age": 0}, asked(exercise, "POST"), 204)
    got = answer.fields.get("Access-Control-Max-Age")
    assert got == "0", f"max_age 0 is a number like any other: Access-Control-Max-Age must be 0, not {got!r}"


@pytest.mark.task(5, rule=f"{ASK}, step 7.5")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_safelisted_method_passes_though_it_is_not_listed(exercise, steps, method):
    expect_preflight(
        exercise, steps, FULL, asked(exercise, method, "x-trace"), 204, "GET, HEAD, POST always pass"
    )


@pytest.mark.task(5, rule=f"{ASK}, step 7.5")
@table("method", "DELETE", "put", "patch", "Patch", "get", "OPTIONS", "*", "P UT", "")
def test_another_method_is_denied_and_case_matters(exercise, steps, method):
    answer = expect_preflight(exercise, steps, FULL, asked(exercise, method), 403, "not one of PUT and PATCH")
    assert answer.reason.startswith("method"), f"the reason must begin with `method`, not {answer.reason!r}"


@pytest.mark.task(5, rule="RFC 9110 §5.6.1")
@table("lines", [], ["x-trace"], ["X-TRACE"], ["x-trace,content-type,authorization"],
       ["x-trace , content-type\t"], ["x-trace", "content-type"], ["x-trace,,content-type,"],
       [""])  # fmt: skip
def test_listed_names_are_found_in_any_order_case_and_split(exercise, steps, lines):
    expect_preflight(exercise, steps, FULL, asked(exercise, "PUT", *lines), 204, "all of these are listed")


@pytest.mark.task(5, rule="RFC 9110 §5.6.1.2")
@table("lines, status", (["," * 16 + "x-trace"], 204), (["," * 17 + "x-trace"], 403), ([""] * 17, 403),
       (["x-trace,,,,,,,,,", ",,,,,,,"], 403))  # fmt: skip
def test_sixteen_empty_elements_are_read_past_and_no_more(exercise, steps, lines, status):
    expect_preflight(
        exercise, steps, FULL, asked(exercise, "PUT", *lines), status, "16 empty elements in all"
    )


@pytest.mark.task(5, rule=f"{ASK}, step 7.7")
@table("line", "x-other", "x-trace,x-other", "x-other,x-trace", "x-trac", "x-tracer", "trace", "x trace",
       "x-trace;q=1", "*", "\u212ax")  # fmt: skip
def test_one_name_that_is_not_listed_denies_the_whole(exercise, steps, line):
    answer = expect_preflight(exercise, steps, FULL, asked(exercise, "PUT", line), 403, "not all are listed")
    assert answer.reason.startswith("headers"), f"the reason must begin with `headers`, not {answer.reason!r}"


@pytest.mark.task(5, rule=f"{ASK}, steps 7.5 and 7.7")
@table("method, line, status", ("DELETE", "x-any,x-thing", 204), ("DELETE", "x any", 403),
       ("DEL ETE", "x-any", 403), ("DELETE", "x-any,authorization", 403),
       ("DELETE", "Authorization", 403))  # fmt: skip
def test_the_star_covers_every_token_but_authorization(exercise, steps, method, line, status):
    anything = {"origins": ["*"], "methods": ["*"], "headers": ["*"]}
    expect_preflight(exercise, steps, anything, asked(exercise, method, line), status)
    named = {**anything, "headers": ["*", "Authorization"]}
    answer = expect_preflight(exercise, steps, named, asked(exercise, "DELETE", "authorization,x-any"), 204)
    expected = {ACAO: "*", ACAM: "*", ACAH: "*, Authorization"}
    assert answer.fields == expected, f"the fields must be {expected}, not {answer.fields}"


@pytest.mark.task(5, rule=CHECK)
@table("origins", ["https://evil.test"], ["null"], [f"{PAGE}.evil.test"], [PAGE, PAGE],
       [PAGE, "https://evil.test"])  # fmt: skip
def test_another_origin_or_two_of_them_are_denied(exercise, steps, origins):
    request = asked(exercise, "PUT", origins=origins)
    answer = expect_preflight(exercise, steps, FULL, request, 403, "not the one page that is allowed")
    assert answer.reason.startswith("origin"), f"the reason must begin with `origin`, not {answer.reason!r}"


@pytest.mark.task(5, rule="Fetch, HTTP responses")
@table("method, line, origin", ("PUT", "x-trace", "https://evil.test"), ("NO", "x-trace", PAGE),
       ("PUT", "no", PAGE))  # fmt: skip
def test_a_denied_preflight_has_no_access_control_field(exercise, steps, method, line, origin):
    request = asked(exercise, method, line, origins=(origin,))
    answer = expect_preflight(exercise, steps, FULL, request, 403)
    assert answer.fields == {}, f"a denial says nothing about what is allowed; you answered {answer.fields}"


@pytest.mark.task(5, rule=f"{ASK}, step 7")
@table(
    "method, line, origin, first", ("NO", "no", "https://evil.test", "origin"), ("NO", "no", PAGE, "method")
)
def test_the_reason_is_what_the_browser_would_meet_first(exercise, steps, method, line, origin, first):
    request = asked(exercise, method, line, origins=(origin,))
    answer = expect_preflight(exercise, steps, FULL, request, 403)
    assert answer.reason.startswith(first), f"{first} is checked first; your reason is {answer.reason!r}"


@pytest.mark.task(5, rule=CACHES)
@table("method, status", ("PUT", 204), ("DELETE", 403))
def test_both_answers_vary_with_all_that_was_asked(exercise, steps, method, status):
    answer = expect_preflight(exercise, steps, FULL, asked(exercise, method), status)
    assert set(lowered(answer.vary)) == PREFLIGHT_VARY, f"vary must be PREFLIGHT_VARY, not {answer.vary}"


@pytest.mark.task(5, rule="linear reading")
def test_a_hostile_list_costs_no_more_than_its_length(exercise, steps, seed):
    names = [f"x-{number}" for number in range(200)]
    shuffled = random.Random(seed).sample(names, len(names))
    read = exercise.requested([",".join(shuffled)])
    assert read == shuffled, "all names must be read, in the order they came"

    def cost(octets):
        """Seconds of this thread's own work: what else the machine does is not counted."""
        line, best = "x-a" + " " * octets + "x-b", 1e9
        for _ in range(2):
            start = time.thread_time()
            assert exercise.requested([line]) is None, "a name with spaces in it is no token"
            best = min(best, time.thread_time() - start)
        return max(best, 0.0005)

    # 16 times the length: a linear reading takes 16 times as long, a square one 256 times, on any machine.
    ratio = cost(16_000) / cost(1_000)
    steps.note(f"16 times the spaces took {ratio:.0f} times as long")
    assert ratio < 64, f"16 times the spaces took {ratio:.0f} times as long: the reading is not linear"


# --- task 6: answer the request -----------------------------------------------------------------------


def expect_actual(exercise, settings, request, fields, vary):
    answer = exercise.decide(policy(exercise, **settings), request)
    assert answer.status is None, f"the handler runs: the status must be None, not {answer.status}"
    assert answer.fields == fields, f"the fields must be {fields}, not {answer.fields}"
    assert lowered(answer.vary) == vary, f"vary must be {vary}, not {answer.vary}"


@pytest.mark.task(6, rule=CHECK)
@table("origins, page", ([PAGE], PAGE), (["https://b.example", PAGE], PAGE),
       (["https://*.example.com"], "https://a.b.example.com"),
       (["http://localhost:*"], "http://localhost:5173"))  # fmt: skip
def test_an_allowed_page_gets_its_own_origin_back(exercise, origins, page):
    expect_actual(exercise, {"origins": origins}, sent(exercise, page), {ACAO: page}, ["origin"])


@pytest.mark.task(6, rule="Fetch, HTTP responses")
@table("origins, method", (["https://evil.test"], "GET"), (["https://evil.test"], "POST"),
       (["null"], "POST"), ([PAGE, PAGE], "GET"), ([PAGE, "https://evil.test"], "GET"))  # fmt: skip
def test_another_page_gets_no_field_and_its_request_still_runs(exercise, origins, method):
    settings = {"credentials": True, "expose": ["X-Total"]}
    expect_actual(exercise, settings, sent(exercise, *origins, method=method), {}, ["origin"])


@pytest.mark.task(6, rule=CACHES)
def test_an_answer_without_origin_varies_too_for_a_cache_may_keep_it(exercise):
    expect_actual(exercise, {}, sent(exercise), {}, ["origin"])


@pytest.mark.task(6, rule=CACHES)
@table("origins", [], ["https://any.test"], ["null"])
def test_the_star_is_said_to_everybody_and_varies_with_nothing(exercise, origins):
    settings = {"origins": ["*"], "expose": ["X-Total"]}
    fields = {ACAO: "*", "Access-Control-Expose-Headers": "X-Total"}
    expect_actual(exercise, settings, sent(exercise, *origins), fields, [])


@pytest.mark.task(6, rule="Fetch, HTTP responses")
def test_credentials_and_exposed_names_go_with_the_response_and_lists_do_not(exercise):
    fields = {ACAO: PAGE, ACAC: "true", "Access-Control-Expose-Headers": "X-Total, ETag"}
    expect_actual(exercise, {**FULL, "expose": ["X-Total", "ETag"]}, sent(exercise, PAGE), fields, ["origin"])


@pytest.mark.task(6, rule="Fetch, HTTP requests")
def test_only_options_with_origin_and_a_requested_method_is_a_preflight(exercise):
    lines = asked(exercise, "PUT").lines
    sound = policy(exercise, **FULL)
    answer = exercise.decide(sound, exercise.Request("OPTIONS", lines))
    assert answer.status == 204, f"this is a preflight, answered 204; yours is {answer.status}"
    for what, method, kept in (
        ("no Origin", "OPTIONS", [line for line in lines if line[0] != "Origin"]),
        ("no Access-Control-Request-Method", "OPTIONS", [line for line in lines if "Request" not in line[0]]),
        ("another method", "GET", lines),
        ("another method", "options", lines),
    ):
        answer = exercise.decide(sound, exercise.Request(method, kept))
        assert answer.status is None, f"{method} with {what} is the handler's; yours answers {answer.status}"


@pytest.mark.task(6, rule="RFC 9110 §12.5.5")
@table("values, names, merged", ([], ["Origin"], "Origin"),
       (["Accept-Encoding"], ["Origin"], "Accept-Encoding, Origin"),
       (["accept , ORIGIN"], ["Origin"], "accept, ORIGIN"),
       (["Accept", "Accept-Language,accept"], ["Origin"], "Accept, Accept-Language, Origin"),
       ([" , "], ["Origin"], "Origin"), (["*"], ["Origin"], "*"), (["Accept, *"], ["Origin"], "*"),
       (["Accept"], [], "Accept"), ([], [], ""))  # fmt: skip
def test_vary_is_merged_with_the_handlers_own_name_by_name(exercise, values, names, merged):
    got = exercise.merge_vary(values, names)
    assert got == merged, f"merge_vary({values}, {names}) must be {merged!r}, not {got!r}"
