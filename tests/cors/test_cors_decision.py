"""One request, one decision: every case of the protocol, and what hostile requests cost."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.cors import (
    AccessControlConflict,
    Decision,
    HeaderList,
    Kind,
    PageRequest,
    Policy,
    PolicyError,
    decide,
    merge_vary,
    preflight_checks,
)
from netlab.cors.decision import MAX_EMPTY_ELEMENTS, MAX_NAMES, PREFLIGHT_VARY

PAGE = "https://app.example"
POLICY = Policy(
    origins=[PAGE, "https://*.example.com"],
    methods=["PUT", "PATCH"],
    request_headers=["Authorization", "Content-Type", "X-Trace"],
    expose_headers=["X-Total"],
    credentials=True,
    max_age=600,
)
OPEN = Policy(origins=["*"], methods=["*"], request_headers=["*"], expose_headers=["*"])
ACAO = "Access-Control-Allow-Origin"


class Lines:
    """A request's fields, counting how often they are looked at."""

    def __init__(self, *lines: tuple[str, str]) -> None:
        self.lines = lines
        self.looks = 0

    def get_all(self, name: str) -> tuple[str, ...]:
        self.looks += 1
        assert name == name.lower()
        return tuple(value for field, value in self.lines if field.lower() == name)


def actual(policy: Policy, *origins: str, method: str = "GET") -> Decision:
    return decide(policy, method, Lines(*(("Origin", origin) for origin in origins)))


def preflight(policy: Policy, method: str, *headers: str, origin: str = PAGE) -> Decision:
    lines = [("Origin", origin), ("Access-Control-Request-Method", method)]
    return decide(policy, "OPTIONS", Lines(*lines, *(("Access-Control-Request-Headers", h) for h in headers)))


def test_without_origin_the_decision_costs_one_look_and_is_built_once() -> None:
    lines = Lines(("Host", "x"))
    first = decide(POLICY, "GET", lines)
    assert lines.looks == 1
    assert first is decide(POLICY, "OPTIONS", Lines(("Access-Control-Request-Method", "PUT")))
    assert (first.kind, first.fields, first.vary, first.status) == (Kind.NOT_CORS, (), ("Origin",), None)


def test_a_listed_origin_may_read_the_response() -> None:
    decision = actual(POLICY, PAGE)
    assert decision.kind is Kind.ACTUAL_ALLOWED
    assert decision.fields == (
        (ACAO, PAGE),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "X-Total"),
    )
    assert decision.vary == ("Origin",)
    assert decision.status is None and not decision.preflight


def test_an_origin_below_a_wildcard_gets_its_own_name_and_never_the_pattern() -> None:
    decision = actual(POLICY, "https://a.b.example.com")
    assert decision.fields[0] == (ACAO, "https://a.b.example.com")


@pytest.mark.parametrize(
    ("origins", "reason"),
    [
        (["https://evilexample.com"], "not allowed"),
        (["https://app.example.evil.example"], "not allowed"),
        (["http://app.example"], "not allowed"),
        (["null"], "sandboxed"),
        (["https://APP.example"], "not an origin"),
        (["https://app.example/"], "not an origin"),
        ([""], "not an origin"),
        ([PAGE, PAGE], "2 Origin lines"),
        ([f"{PAGE}, {PAGE}"], "not an origin"),
        ([f"{PAGE} https://evil.example"], "not an origin"),
    ],
)
def test_another_origin_gets_no_field_but_the_cache_is_warned(origins: list[str], reason: str) -> None:
    decision = actual(POLICY, *origins, method="POST")
    assert decision.kind is Kind.ACTUAL_DENIED
    assert (decision.fields, decision.vary, decision.status) == ((), ("Origin",), None)
    assert reason in decision.reason
    assert "CORS check" in decision.step


def test_a_request_that_is_no_preflight_always_reaches_the_handler() -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        assert actual(POLICY, "https://evil.example", method=method).status is None


def test_options_without_a_requested_method_is_no_preflight() -> None:
    decision = decide(
        POLICY, "OPTIONS", Lines(("Origin", PAGE), ("Access-Control-Request-Headers", "x-trace"))
    )
    assert (decision.kind, decision.status) == (Kind.ACTUAL_ALLOWED, None)


def test_only_options_is_a_preflight() -> None:
    for method in ("GET", "options", "Options"):
        lines = Lines(("Origin", PAGE), ("Access-Control-Request-Method", "PUT"))
        assert decide(POLICY, method, lines).status is None


def test_a_preflight_is_answered_with_what_is_configured() -> None:
    decision = preflight(POLICY, "PUT", "x-trace")
    assert (decision.kind, decision.status) == (Kind.PREFLIGHT_ALLOWED, 204)
    assert decision.fields == (
        (ACAO, PAGE),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "PUT, PATCH"),
        ("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Trace"),
        ("Access-Control-Max-Age", "600"),
    )
    assert decision.vary == PREFLIGHT_VARY
    assert decision.fields == preflight(POLICY, "GET").fields


def test_the_success_status_can_be_200() -> None:
    assert preflight(Policy(origins=[PAGE], success_status=200), "GET").status == 200


def test_nothing_is_listed_that_is_not_configured() -> None:
    assert preflight(Policy(origins=[PAGE]), "POST").fields == ((ACAO, PAGE),)
    assert preflight(Policy(origins=[PAGE], max_age=0), "POST").fields[1:] == (
        ("Access-Control-Max-Age", "0"),
    )


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_safelisted_methods_pass_though_they_are_not_listed(method: str) -> None:
    assert preflight(POLICY, method).status == 204
    assert preflight(Policy(origins=[PAGE]), method).status == 204


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("DELETE", "not allowed"),
        ("put", "case-sensitive"),
        ("Patch", "case-sensitive"),
        ("get", "case-sensitive"),
        ("OPTIONS", "not allowed"),
        ("", "not a method"),
        ("PUT, DELETE", "not a method"),
        ("*", "not allowed"),
    ],
)
def test_a_method_is_compared_letter_by_letter(method: str, reason: str) -> None:
    decision = preflight(POLICY, method)
    assert (decision.kind, decision.status, decision.fields) == (Kind.PREFLIGHT_DENIED, 403, ())
    assert reason in decision.reason
    assert decision.step.endswith("step 7.5")
    assert decision.vary == PREFLIGHT_VARY


def test_a_doubled_request_method_is_refused() -> None:
    lines = [("Origin", PAGE), ("Access-Control-Request-Method", "PUT")]
    assert decide(POLICY, "OPTIONS", Lines(*lines, lines[1])).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [""],
        ["content-type"],
        ["Content-Type"],
        ["content-type,x-trace"],
        ["x-trace,content-type,authorization"],
        ["x-trace , \tcontent-type\t"],
        ["x-trace", "authorization"],
        ["x-trace,", ",authorization"],
        ["," * MAX_EMPTY_ELEMENTS + "x-trace"],
        ["x-trace"] + [""] * MAX_EMPTY_ELEMENTS,
        ["x-trace,x-trace"],
    ],
)
def test_listed_headers_pass_in_any_order_case_and_split(headers: list[str]) -> None:
    assert preflight(POLICY, "PUT", *headers).status == 204


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (["x-other"], "'x-other' is not allowed"),
        (["x-trace,x-other"], "'x-other' is not allowed"),
        (["x-trac"], "not allowed"),
        (["x-tracer"], "not allowed"),
        (["x trace"], "not a field name"),
        (["x-trace;q=1"], "not a field name"),
        (["x-trace\x0b"], "not a field name"),
        (["*"], "not allowed"),
        (["x-trace\u212a"], "not a field name"),
        (["," * (MAX_EMPTY_ELEMENTS + 1) + "x-trace"], "empty elements"),
        ([""] * (MAX_EMPTY_ELEMENTS + 1), "empty elements"),
        (["x-trace," * MAX_NAMES + "x-trace"], "names"),
        (["x-trace"] * (MAX_NAMES + 1), "names"),
    ],
)
def test_other_headers_are_refused_with_a_reason(headers: list[str], reason: str) -> None:
    decision = preflight(POLICY, "PUT", *headers)
    assert (decision.status, decision.fields) == (403, ())
    assert reason in decision.reason
    assert decision.step.endswith("step 7.7")


def test_a_letter_that_only_lowers_to_ascii_is_no_letter_of_a_name() -> None:
    policy = Policy(origins=[PAGE], request_headers=["X-Key"])
    assert preflight(policy, "GET", "x-key").status == 204
    assert preflight(policy, "GET", "x-\u212aey").status == 403  # KELVIN SIGN


def test_the_first_reason_is_the_one_that_the_browser_meets_first() -> None:
    assert "CORS check" in preflight(POLICY, "nope", "nope", origin="https://evil.example").step
    assert preflight(POLICY, "NOPE", "nope").step.endswith("7.5")
    assert preflight(POLICY, "PUT", "nope").step.endswith("7.7")


def test_the_wildcard_is_the_same_answer_for_everyone_and_varies_with_nothing() -> None:
    shared = ((ACAO, "*"), ("Access-Control-Expose-Headers", "*"))
    for decision in (actual(OPEN), actual(OPEN, PAGE), actual(OPEN, "null"), actual(OPEN, "x", "y")):
        assert (decision.fields, decision.vary, decision.status) == (shared, (), None)
    decision = preflight(OPEN, "DELETE", "x-any,x-thing", origin="null")
    assert decision.status == 204
    assert decision.fields == (
        (ACAO, "*"),
        ("Access-Control-Allow-Methods", "*"),
        ("Access-Control-Allow-Headers", "*"),
    )


def test_authorization_is_never_under_the_wildcard() -> None:
    for asked in ("authorization", "Authorization", "x-a,authorization"):
        decision = preflight(OPEN, "GET", asked)
        assert decision.status == 403
        assert "by name" in decision.reason and decision.step.endswith("7.6")
    named = Policy(origins=["*"], request_headers=["*", "Authorization"])
    decision = preflight(named, "GET", "authorization,x-any")
    assert decision.status == 204
    assert ("Access-Control-Allow-Headers", "*, Authorization") in decision.fields


def test_even_under_the_wildcard_names_and_methods_are_tokens() -> None:
    assert preflight(OPEN, "GET", "x a").status == 403
    assert preflight(OPEN, "P UT").status == 403


def test_a_closed_policy_shares_nothing_and_varies_with_nothing() -> None:
    closed = Policy.closed()
    assert actual(closed, PAGE).fields == () == actual(closed, PAGE).vary
    assert preflight(closed, "GET").status == 403
    assert "no CORS policy covers this path" in preflight(closed, "GET").reason


@given(
    st.sampled_from([POLICY, OPEN, Policy.closed()]), st.text(), st.text(), st.lists(st.text(), max_size=3)
)
def test_whatever_is_asked_the_answer_is_whole_and_printable(
    policy: Policy, origin: str, method: str, headers: list[str]
) -> None:
    for decision in (preflight(policy, method, *headers, origin=origin), actual(policy, origin)):
        assert decision.reason.isascii() and decision.reason.isprintable() and len(decision.reason) < 300
        granted = decision.kind in (Kind.PREFLIGHT_ALLOWED, Kind.ACTUAL_ALLOWED)
        assert bool(decision.fields) is granted
        for _name, value in decision.fields:
            assert value == "*" or "\n" not in value


LISTED = ["authorization", "content-type", "x-trace"]
PIECE = st.sampled_from([*LISTED, "X-Trace", "x-other", "", " ", "a b", "\tx-trace "])


@given(st.lists(st.lists(PIECE, max_size=30), max_size=4))
def test_the_request_list_is_read_as_a_plain_reading_of_the_rule_would(lines: list[list[str]]) -> None:
    pieces = [piece.strip(" \t") for line in lines for piece in (line or [""])]
    empty = pieces.count("")
    expected = empty <= MAX_EMPTY_ELEMENTS and all(p.lower() in LISTED for p in pieces if p)
    assert (preflight(POLICY, "PUT", *(",".join(line) for line in lines)).status == 204) is expected


HOSTILE: dict[str, Callable[[int], str]] = {
    "commas": lambda n: "," * n,
    "one long name": lambda n: "x" * n,
    "white space": lambda n: " " * n + "x-trace",
    "a listed name again and again": lambda n: "x-trace," * (n // 8),
    "white space between": lambda n: ("x-trace" + " " * 50 + ",") * (n // 58),
    "almost a token": lambda n: "!" * n + " ",
    "tabs and names": lambda n: "\tx-trace\t," * (n // 10),
}


SMALL, LARGE = 1 << 17, 1 << 20


def grows_no_faster_than_its_input(ask: Callable[[int], object]) -> bool:
    """Eight times the octets cost this thread about eight times the work; a square law would cost 64 times.

    Generous: 24 times passes, and the floor of a millisecond keeps the grain of the clock out of it.
    """

    def cost(octets: int) -> float:
        best = float("inf")
        for _ in range(3):
            started = time.thread_time()
            ask(octets)
            best = min(best, time.thread_time() - started)
        return max(best, 0.001)

    return cost(LARGE) < 24 * cost(SMALL)


@pytest.mark.parametrize("shape", HOSTILE)
@pytest.mark.parametrize("policy", [POLICY, OPEN], ids=["listed", "wildcard"])
def test_reading_the_request_list_is_linear_at_worst(policy: Policy, shape: str) -> None:
    lines = {octets: HOSTILE[shape](octets) for octets in (SMALL, LARGE)}
    assert grows_no_faster_than_its_input(lambda octets: preflight(policy, "PUT", lines[octets]))


@pytest.mark.parametrize("piece", ["a.", "-", "a", ":1", "[", "https://"])
def test_a_long_origin_is_refused_in_linear_time_and_not_repeated_whole(piece: str) -> None:
    origins = {octets: "https://" + piece * (octets // len(piece)) for octets in (SMALL, LARGE)}
    assert grows_no_faster_than_its_input(lambda octets: actual(POLICY, origins[octets]))
    assert actual(POLICY, origins[LARGE]).kind is Kind.ACTUAL_DENIED
    assert len(actual(POLICY, origins[LARGE]).reason) < 200


def test_apply_adds_fields_and_merges_vary_into_one_line() -> None:
    decision = actual(POLICY, PAGE)
    given_fields = [
        ("Content-Type", "text/plain"),
        ("vary", "Accept-Encoding, origin"),
        ("X-A", "1"),
        ("Vary", "Accept"),
    ]
    assert decision.apply(given_fields) == [
        ("Content-Type", "text/plain"),
        ("X-A", "1"),
        *decision.fields,
        ("Vary", "Accept-Encoding, origin, Accept"),
    ]
    assert actual(POLICY).apply([]) == [("Vary", "Origin")]
    assert actual(OPEN).apply([]) == list(actual(OPEN).fields)


@pytest.mark.parametrize(
    ("values", "names", "merged"),
    [
        ([], [], ""),
        ([], ["Origin"], "Origin"),
        (["Accept"], [], "Accept"),
        (["Accept"], ["Origin"], "Accept, Origin"),
        (["ORIGIN"], ["Origin"], "ORIGIN"),
        (["a, b", "B,c"], ["Origin"], "a, b, c, Origin"),
        ([" , ,\t"], ["Origin"], "Origin"),
        (["*"], ["Origin"], "*"),
        (["Accept", "*"], ["Origin"], "*"),
    ],
)
def test_vary_is_merged_name_by_name(values: list[str], names: list[str], merged: str) -> None:
    assert merge_vary(values, names) == merged


@pytest.mark.parametrize(
    "name", ["Access-Control-Allow-Origin", "access-control-max-age", "ACCESS-CONTROL-X"]
)
@pytest.mark.parametrize("origins", [(), (PAGE,), ("https://evil.example",)])
def test_a_handler_that_speaks_for_cors_itself_is_refused(name: str, origins: tuple[str, ...]) -> None:
    with pytest.raises(AccessControlConflict, match="leave CORS fields to the policy"):
        actual(POLICY, *origins).apply([(name, "*")])


LOUD = Policy.from_mapping({
    "origins": [PAGE], "methods": ["PUT"], "request_headers": ["X-Trace"], "credentials": True,
    "max_age": 600, "debug": True,
})  # fmt: skip


@pytest.mark.parametrize(("method", "header", "error"), [
    ("DELETE", "x-trace", "MethodDisallowedByPreflightResponse"),
    ("PUT", "x-other", "HeaderDisallowedByPreflightResponse"),
])  # fmt: skip
def test_with_debug_the_browser_names_the_method_or_the_header_that_was_refused(
    method: str, header: str, error: str
) -> None:
    page = PageRequest(
        page=PAGE, url="https://api.example/x", method=method, headers=((header, "1"),), credentials="include"
    )
    decision = preflight(LOUD, method, header)
    checks = preflight_checks(page, decision.status or 0, HeaderList(decision.fields))
    assert [check.error for check in checks if not check.passed] == [error]
    assert decision.kind is Kind.PREFLIGHT_DENIED
    assert "Access-Control-Max-Age" not in dict(decision.fields), "the next attempt asks again"
    assert preflight(Policy(origins=[PAGE]), method, header).fields == (), "off by default"


def test_with_debug_a_refused_origin_learns_nothing() -> None:
    decision = preflight(LOUD, "PUT", origin="https://evil.example")
    assert (decision.status, decision.fields) == (403, ())
    assert preflight(LOUD, "PUT", "x-trace").kind is Kind.PREFLIGHT_ALLOWED


@pytest.mark.parametrize("given", ["true", 1, None])
def test_debug_is_true_or_false(given: object) -> None:
    with pytest.raises(PolicyError, match="debug"):
        Policy(origins=[PAGE], debug=given)  # type: ignore[arg-type]
