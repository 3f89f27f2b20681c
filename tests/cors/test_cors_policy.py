"""A policy is right, or it is refused with every mistake at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from netlab.cors import Mistake, Policy, PolicyError, Routes

PAGE = ["https://app.example"]


def mistakes_of(**settings: Any) -> list[Mistake]:
    with pytest.raises(PolicyError) as caught:
        Policy(**{"origins": PAGE, **settings})
    return list(caught.value.mistakes)


def test_a_policy_opens_nothing_that_it_was_not_told_to_open() -> None:
    policy = Policy(origins=PAGE)
    assert (policy.methods, policy.request_headers, policy.expose_headers) == ((), (), ())
    assert policy.credentials is False
    assert policy.max_age is None
    with pytest.raises(TypeError):
        Policy()  # type: ignore[call-arg]


def test_a_policy_is_frozen_and_compares_by_its_settings() -> None:
    policy = Policy(origins=PAGE, methods=["PUT"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.credentials = True  # type: ignore[misc]
    assert policy == Policy(origins=tuple(PAGE), methods=("PUT",))
    assert hash(policy) == hash(Policy(origins=tuple(PAGE), methods=("PUT",)))


def test_a_list_changed_afterwards_does_not_change_the_policy() -> None:
    given = ["https://app.example"]
    policy = Policy(origins=given)
    given.append("https://evil.example")
    assert policy.origins == ("https://app.example",)


# Setting, what is given, words of the reason, words of the repair.
REFUSED: list[tuple[str, Any, str, str]] = [
    ("origins", [], "no origin", "https://app.example"),
    ("origins", "https://app.example", "one string is no list", "['https://app.example']"),
    ("origins", b"*", "one string is no list", "[b'*']"),
    ("origins", None, "not a list", '["..."]'),
    ("origins", {"https://app.example": 1}, "not a list", '["..."]'),
    ("origins", [7, "https://app.example"], "a string", "quotes"),
    ("origins", ["*", "https://app.example"], "void", '["*"]'),
    ("origins", ["null"], "sandboxed", "origin of its own"),
    ("origins", ["https://*.com"], "everybody can register", "https://*.example.com"),
    ("methods", "PUT", "one string is no list", "['PUT']"),
    ("methods", ["put"], "case-sensitive", "write PUT"),
    ("methods", ["Delete"], "case-sensitive", "write DELETE"),
    ("methods", ["P UT"], "not a method", '"PUT"'),
    ("methods", [""], "not a method", '"PUT"'),
    ("methods", ["PUT\n"], "not a method", '"PUT"'),
    ("methods", ["PUT,DELETE"], "not a method", '"PUT"'),
    ("methods", ["TRACE"], "forbidden method", "leave it out"),
    ("methods", ["connect"], "forbidden method", "leave it out"),
    ("methods", ["*", "PUT"], "void", '["*"]'),
    ("request_headers", "X-A", "one string is no list", "['X-A']"),
    ("request_headers", ["X A"], "not a field name", "Content-Type"),
    ("request_headers", ["X-A:"], "not a field name", "Content-Type"),
    ("request_headers", ["X-Ä"], "not a field name", "Content-Type"),
    ("request_headers", ["Cookie"], "forbidden request-header", "leave it out"),
    ("request_headers", ["Sec-Fetch-Mode"], "forbidden request-header", "leave it out"),
    ("request_headers", ["proxy-x"], "forbidden request-header", "leave it out"),
    ("request_headers", ["Access-Control-Allow-Origin"], "response header", "leave it out"),
    ("request_headers", ["*", "X-A"], "covers it", "Authorization alone"),
    ("expose_headers", ["Set-Cookie"], "forbidden response-header", "leave it out"),
    ("expose_headers", ["a,b"], "not a field name", "X-Request-Id"),
    ("expose_headers", ["Access-Control-Allow-Origin"], "CORS itself", "leave it out"),
    ("expose_headers", ["*", "X-A"], "covers it", "leave it out"),
    ("credentials", "false", "neither true nor false", "without quotes"),
    ("credentials", 1, "neither true nor false", "without quotes"),
    ("credentials", None, "neither true nor false", "without quotes"),
    ("max_age", -1, "negative", "write 0"),
    ("max_age", 86_401, "no browser keeps", "86400"),
    ("max_age", "600", "whole number", "600"),
    ("max_age", 1.5, "whole number", "600"),
    ("max_age", True, "whole number", "600"),
    ("success_status", 201, "204 or 200", "204"),
    ("success_status", 403, "204 or 200", "204"),
    ("success_status", True, "204 or 200", "204"),
    ("insecure_origins_with_credentials", "no", "neither true nor false", "without quotes"),
]  # fmt: skip


@pytest.mark.parametrize(("setting", "given", "reason", "repair"), REFUSED)
def test_each_mistake_names_its_setting_value_reason_repair_and_step(
    setting: str, given: Any, reason: str, repair: str
) -> None:
    (mistake,) = mistakes_of(**{setting: given})
    assert mistake.setting == setting
    assert reason in mistake.reason
    assert repair in mistake.repair
    assert mistake.step
    assert mistake.value.isprintable() and "\n" not in mistake.value


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_settings() -> None:
    mistakes = mistakes_of(
        origins=["https://app.example/", "null"],
        methods=["put", "TRACE"],
        request_headers=["Cookie"],
        expose_headers=["Set-Cookie"],
        credentials="yes",
        max_age=-5,
        success_status=302,
    )
    settings = [mistake.setting for mistake in mistakes]
    assert settings == [
        "origins", "origins", "methods", "methods", "request_headers", "expose_headers", "credentials",
        "max_age", "success_status",
    ]  # fmt: skip


def test_the_error_reads_as_a_list_of_repairs() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(origins=["https://app.example/"], max_age=-5)
    lines = str(caught.value).splitlines()
    assert lines[0] == "2 mistakes in the CORS policy:"
    assert "origins: 'https://app.example/'" in lines[1] and "write https://app.example " in lines[1]
    assert "max_age: -5" in lines[2]


@pytest.mark.parametrize("setting", ["origins", "methods", "request_headers", "expose_headers"])
def test_credentials_refuse_the_wildcard_everywhere(setting: str) -> None:
    assert Policy(**{"origins": PAGE, setting: ["*"]})
    (mistake,) = mistakes_of(**{setting: ["*"], "credentials": True})
    assert mistake.setting == setting
    assert "no wildcard" in mistake.reason
    assert "by name" in mistake.repair


@pytest.mark.parametrize("origin", ["http://app.example", "http://*.app.example", "chrome-extension://abc"])
def test_credentials_for_an_insecure_origin_take_an_explicit_word(origin: str) -> None:
    (mistake,) = mistakes_of(origins=[origin], credentials=True)
    assert "network path" in mistake.reason
    assert "insecure_origins_with_credentials" in mistake.repair
    assert Policy(origins=[origin], credentials=True, insecure_origins_with_credentials=True)
    assert Policy(origins=[origin])


@pytest.mark.parametrize(
    "origin", ["http://localhost:*", "http://127.0.0.1:8000", "http://[::1]", "https://a.example"]
)
def test_credentials_for_a_secure_origin_need_no_further_word(origin: str) -> None:
    assert Policy(origins=[origin], credentials=True).credentials


def test_credentials_are_not_given_to_all_tenants_of_a_shared_domain() -> None:
    (mistake,) = mistakes_of(origins=["https://*.github.io"], credentials=True)
    assert "strangers" in mistake.reason
    assert "https://yours.github.io" in mistake.repair
    assert Policy(origins=["https://*.github.io"])
    assert Policy(origins=["https://yours.github.io"], credentials=True)


@pytest.mark.parametrize("settings", [
    {"methods": ["PUT", "PATCH", "patch", "CHICKEN", "GET", "OPTIONS"]},
    {"methods": ["*"]},
    {"request_headers": ["Content-Type", "X-A", "Range"]},
    {"request_headers": ["*", "Authorization"]},
    {"expose_headers": ["ETag", "Cache-Control"]},
    {"max_age": 0}, {"max_age": 86_400},
    {"success_status": 200},
    {"origins": ["*"]},
    {"origins": {"https://a.example", "https://b.example"}},
])  # fmt: skip
def test_what_the_standard_allows_is_allowed(settings: dict[str, Any]) -> None:
    assert Policy(**{"origins": PAGE, **settings})


def test_the_policy_of_the_command_line_is_the_documented_one() -> None:
    policy = Policy.for_origins(["https://app.example"], credentials=True)
    assert policy.methods == ("PUT", "PATCH", "DELETE")
    assert policy.request_headers == ("Authorization", "Content-Type")
    assert policy.credentials and policy.max_age == 600
    assert Policy.for_origins(["*"]).origins == ("*",)
    with pytest.raises(PolicyError):
        Policy.for_origins(["*"], credentials=True)


def test_a_table_of_settings_becomes_a_policy() -> None:
    policy = Policy.from_mapping({"origins": ["https://app.example"], "methods": ["PUT"], "max_age": 5})
    assert policy == Policy(origins=PAGE, methods=["PUT"], max_age=5)


def test_unknown_settings_are_reported_beside_the_other_mistakes() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping({"origins": ["null"], "method": ["PUT"], "colour": "red"})
    first, second, third = caught.value.mistakes
    assert (first.setting, first.repair) == ("method", "write methods")
    assert second.setting == "colour" and "success_status" in second.repair
    assert third.setting == "origins"
    with pytest.raises(PolicyError, match="no origin is listed"):
        Policy.from_mapping({})


def test_a_path_gets_the_policy_of_its_longest_prefix() -> None:
    site, api, admin = (Policy(origins=[f"https://{name}.example"]) for name in ("site", "api", "admin"))
    routes = Routes({"/": site, "/api": api, "/api/admin/": admin})
    expected = {
        "/": site, "/index": site, "/apiary": site, "/ap": site,
        "/api": api, "/api/": api, "/api/users": api, "/api/administrator": api,
        "/api/admin": admin, "/api/admin/users": admin,
    }  # fmt: skip
    assert {path: routes.policy_for(path) for path in expected} == expected


@pytest.mark.parametrize(
    "path",
    ["*", "", "/other", "/apiary", "/api/../admin", "/api/./x", "/api//x", "//api", "/api/..", "/api\\..\\x"],
)
def test_a_path_that_is_not_covered_or_not_clear_is_closed(path: str) -> None:
    assert Routes({"/api": Policy(origins=["*"])}).policy_for(path) == Policy.closed()


def test_a_policy_stands_for_all_its_paths() -> None:
    policy = Policy(origins=PAGE)
    assert policy.policy_for("/any/thing") is policy


def test_all_mistakes_of_a_table_are_reported_at_once() -> None:
    policy = Policy(origins=PAGE)
    with pytest.raises(PolicyError) as caught:
        Routes({"api": policy, "/a?b": policy, "/a/../b": policy, "/c": "open"})  # type: ignore[dict-item]
    reasons = " | ".join(mistake.reason for mistake in caught.value.mistakes)
    assert [
        word for word in ("slash", "decoded path", "never matches", "no Policy") if word not in reasons
    ] == []
    with pytest.raises(PolicyError, match="the same path"):
        Routes({"/api": policy, "/api/": policy})
