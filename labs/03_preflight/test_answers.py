"""The checks of lab 03, tasks 5 and 6: answer the preflight and the request.

Every expected answer is written out by hand; no other implementation makes it.
"""

from __future__ import annotations

import random
import time

import pytest
from cors_requests import ACAC, ACAH, ACAM, ACAO, PAGE, PREFLIGHT_VARY, asked, lowered, policy, sent

from labs.runner.checks import table

CHECK = "Fetch, CORS check"
ASK = "Fetch, CORS-preflight fetch"
CACHES = "Fetch, CORS protocol and HTTP caches"

WRONG_FIELDS = "the answer has other fields than it must have; those that differ are:"


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
    assert answer.fields == expected, WRONG_FIELDS


@pytest.mark.task(5, rule="Fetch, HTTP responses")
def test_a_list_that_is_not_configured_is_not_sent(exercise, steps):
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
def test_at_most_sixteen_empty_elements_are_skipped(exercise, steps, lines, status):
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
       ("DELETE", "Authorization", 403), ("DELETE", "\u212aind", 403))  # fmt: skip
def test_the_star_covers_every_token_but_authorization(exercise, steps, method, line, status):
    anything = {"origins": ["*"], "methods": ["*"], "headers": ["*"]}
    expect_preflight(exercise, steps, anything, asked(exercise, method, line), status)
    named = {**anything, "headers": ["*", "Authorization"]}
    answer = expect_preflight(exercise, steps, named, asked(exercise, "DELETE", "authorization,x-any"), 204)
    expected = {ACAO: "*", ACAM: "*", ACAH: "*, Authorization"}
    assert answer.fields == expected, WRONG_FIELDS


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
def test_the_reason_is_the_first_rule_that_the_browser_would_find_broken(
    exercise, steps, method, line, origin, first
):
    request = asked(exercise, method, line, origins=(origin,))
    answer = expect_preflight(exercise, steps, FULL, request, 403)
    assert answer.reason.startswith(first), f"{first} is checked first; your reason is {answer.reason!r}"


@pytest.mark.task(5, rule=CACHES)
@table("method, status", ("PUT", 204), ("DELETE", 403))
def test_both_answers_name_every_cors_request_field_in_vary(exercise, steps, method, status):
    answer = expect_preflight(exercise, steps, FULL, asked(exercise, method), status)
    assert set(lowered(answer.vary)) == PREFLIGHT_VARY, f"vary must be PREFLIGHT_VARY, not {answer.vary}"


@pytest.mark.task(5, rule="linear reading")
def test_the_time_for_a_hostile_list_grows_with_its_length_only(exercise, steps, seed):
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
    assert answer.fields == fields, WRONG_FIELDS
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
def test_a_page_that_is_not_allowed_gets_no_field_and_its_request_still_runs(exercise, origins, method):
    settings = {"credentials": True, "expose": ["X-Total"]}
    expect_actual(exercise, settings, sent(exercise, *origins, method=method), {}, ["origin"])


@pytest.mark.task(6, rule=CACHES)
def test_an_answer_without_origin_has_vary_because_a_cache_may_keep_it(exercise):
    expect_actual(exercise, {}, sent(exercise), {}, ["origin"])


@pytest.mark.task(6, rule=CACHES)
@table("origins", [], ["https://any.test"], ["null"])
def test_the_star_is_sent_to_every_page_without_vary(exercise, origins):
    settings = {"origins": ["*"], "expose": ["X-Total"]}
    fields = {ACAO: "*", "Access-Control-Expose-Headers": "X-Total"}
    expect_actual(exercise, settings, sent(exercise, *origins), fields, [])


@pytest.mark.task(6, rule="Fetch, HTTP responses")
def test_the_response_has_credentials_and_exposed_names_and_no_lists(exercise):
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
