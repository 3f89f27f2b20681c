"""The explanation agrees with the parts it is made of, and its repairs work."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.cors import Change, Explanation, PageRequest, Policy, PolicyError, Routes, explain

PAGE, API = "https://app.example", "https://api.example/items"


def told(policy: Policy | Routes, **request: Any) -> Explanation:
    return explain(policy, PageRequest(**{"page": PAGE, "url": API, **request}))


def made(policy: Policy, changes: tuple[Change, ...]) -> Policy:
    for change in changes:
        policy = dataclasses.replace(policy, **dict(change.settings))
    return policy


def test_an_allowed_simple_request_runs_and_is_read() -> None:
    run = told(Policy(origins=[PAGE]))
    assert (run.preflight, run.handled, run.readable, run.error, run.changes) == (False, True, True, "", ())
    assert all(step.passed for step in run.steps)
    assert [step.side for step in run.steps] == [
        "browser",
        "browser",
        "server",
        "server",
        "server",
        "browser",
    ]


def test_a_denied_simple_request_runs_all_the_same() -> None:
    run = told(Policy(origins=["https://other.example"]), method="POST")
    assert (run.preflight, run.handled, run.readable) == (False, True, False)
    assert run.error == "MissingAllowOriginHeader"
    assert run.first_change == Change((("origins", ["https://other.example", PAGE]),))


def test_a_denied_preflight_keeps_the_request_from_running() -> None:
    run = told(Policy(origins=[PAGE]), method="PUT", headers=(("Content-Type", "application/json"),))
    assert (run.preflight, run.handled, run.readable) == (True, False, False)
    refused = next(step for step in run.steps if not step.passed)
    assert (refused.side, refused.section) == ("server", "Fetch, CORS-preflight fetch, step 7.5")
    assert run.error == "PreflightMissingAllowOriginHeader"


def test_the_changes_are_told_in_order_and_each_is_needed() -> None:
    policy = Policy(origins=["https://other.example"])
    headers = (("Content-Type", "application/json"), ("X-A", "1"))
    request = {"method": "put", "headers": headers, "credentials": "include"}
    run = told(policy, **request)
    names = [name for change in run.changes for name, _ in change.settings]
    assert names == ["origins", "methods", "request_headers", "request_headers", "credentials"]
    assert told(made(policy, run.changes), **request).readable
    for count in range(len(run.changes)):
        assert not told(made(policy, run.changes[:count]), **request).readable


def test_credentials_with_a_wildcard_take_one_change_that_names_what_it_stood_for() -> None:
    policy = Policy(origins=["*"], methods=["*"], request_headers=["*"], expose_headers=["*"])
    request = {"method": "PUT", "headers": (("X-A", "1"), ("Accept", "*/*")), "credentials": "include"}
    run = told(policy, **request)
    assert run.error == "PreflightWildcardOriginNotAllowed"
    (change,) = run.changes
    assert dict(change.settings) == {
        "origins": [PAGE], "credentials": True, "methods": ["PUT"], "request_headers": ["X-A"],
        "expose_headers": [],
    }  # fmt: skip
    assert told(made(policy, run.changes), **request).readable


def test_authorization_under_a_wildcard_is_named() -> None:
    run = told(Policy(origins=["*"], request_headers=["*"]), headers=(("Authorization", "x"),))
    assert str(run.first_change) == 'request_headers = ["*", "Authorization"]'


def test_a_method_in_the_wrong_case_may_be_the_pages_mistake() -> None:
    run = told(Policy(origins=[PAGE], methods=["PATCH"]), method="patch")
    assert str(run.first_change) == 'methods = ["PATCH", "patch"] (or let the page send PATCH)'


@pytest.mark.parametrize(
    ("policy", "request_", "word"),
    [
        (Policy(origins=[PAGE]), {"page": "null"}, "every sandboxed frame sends null"),
        (Policy(origins=[PAGE], credentials=True), {"page": "http://app.example"}, "no safe change"),
    ],
)
def test_where_no_change_is_safe_none_is_made(policy: Policy, request_: dict[str, Any], word: str) -> None:
    run = told(policy, **request_)
    assert run.first_change is not None and run.first_change.settings == ()
    assert word in str(run.first_change)


def test_no_policy_helps_what_the_browser_refuses_itself() -> None:
    for request in ({"method": "TRACE"}, {"mode": "same-origin"}, {"mode": "no-cors", "method": "POST"}):
        run = told(Policy(origins=["*"]), **request)
        assert not run.readable and run.changes == ()
    assert told(Policy(origins=["*"]), mode="no-cors", method="POST").handled
    assert not told(Policy(origins=["*"]), mode="same-origin").handled


def test_within_an_origin_cors_has_no_say() -> None:
    run = told(Policy.closed(), page="https://api.example", method="DELETE", credentials="include")
    assert run.readable and not run.preflight
    assert "CORS has no say" in run.steps[-1].outcome


def test_a_table_of_routes_is_asked_for_the_policy_of_the_path() -> None:
    routes = Routes({"/items": Policy(origins=[PAGE])})
    assert told(routes).readable
    assert told(routes, url="https://api.example/items/a%20b?q").readable
    other = told(routes, url="https://api.example/other")
    assert not other.readable and str(other.first_change) == f'origins = ["{PAGE}"]'


def test_a_url_of_another_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="http"):
        told(Policy(origins=[PAGE]), url="ftp://api.example/")


ORIGINS = st.sampled_from(
    [["*"], [PAGE], ["https://other.example"], ["https://*.example.com", "http://localhost:*"]]
)
NAMES = st.sampled_from(
    [[], ["*"], ["X-A"], ["Content-Type", "X-B"], ["*", "Authorization"], ["Authorization"]]
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    given_settings = {
        "origins": draw(ORIGINS),
        "methods": draw(st.sampled_from([[], ["*"], ["PUT"], ["PUT", "patch"]])),
        "request_headers": draw(NAMES),
        "credentials": draw(st.booleans()),
        "max_age": draw(st.sampled_from([None, 0, 600])),
    }
    try:
        return Policy(**given_settings)
    except PolicyError:
        return Policy(**{**given_settings, "credentials": False})


REQUESTS = st.builds(
    PageRequest,
    page=st.sampled_from([PAGE, "https://a.example.com", "http://localhost:3000", "https://b.test", "null"]),
    url=st.just(API),
    method=st.sampled_from(["GET", "POST", "PUT", "put", "patch", "PATCH", "DELETE"]),
    headers=st.lists(
        st.sampled_from([
            ("X-A", "1"), ("X-B", "2"), ("Authorization", "x"), ("Accept", "text/html"), ("Accept", "a:b"),
            ("Content-Type", "application/json"), ("Content-Type", "text/plain"), ("Range", "bytes=0-1"),
        ]),
        max_size=3,
    ).map(tuple),
    credentials=st.sampled_from(["omit", "same-origin", "include"]),
    upload_listener=st.booleans(),
)  # fmt: skip


@settings(max_examples=300)
@given(policies(), REQUESTS)
def test_the_server_says_yes_exactly_where_the_browser_will(policy: Policy, request: PageRequest) -> None:
    """Our 204 is one that the browser accepts, and our 403 one that no configured answer would have saved.

    Only credentials set the two apart: the server cannot see the credentials mode of a preflight.
    """
    run = explain(policy, request)
    server_no = [step for step in run.steps if step.side == "server" and not step.passed]
    browser_no = [step for step in run.steps if step.side == "browser" and not step.passed]
    assert run.readable is (not browser_no)
    assert bool(run.error) is bool(browser_no)
    if server_no:
        assert browser_no
    elif browser_no:
        assert request.credentials == "include"
        assert not policy.credentials


@settings(max_examples=300)
@given(policies(), REQUESTS)
def test_the_changes_make_it_readable_or_say_why_not(policy: Policy, request: PageRequest) -> None:
    run = explain(policy, request)
    if run.readable:
        assert run.changes == ()
        return
    assert run.changes
    if run.changes[-1].settings:
        assert explain(made(policy, run.changes), request).readable
    else:
        assert request.page == "null" or "no safe change" in run.changes[-1].note
