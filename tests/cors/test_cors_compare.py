"""netlab beside other servers: the same judge, a sentence for each difference, the command's report."""

from __future__ import annotations

from itertools import product

import pytest

from netlab.__main__ import main
from netlab.cors import PageRequest, Policy, Routes, explain
from netlab.cors.browser.compare import SENTENCES, Comparison, compare, play
from netlab.cors.others import SERVERS, netlab_answer
from tests.cors.others import API, PAGE, POLICIES, REQUESTS

ARGUMENTS = ["cors", "explain", "--page", PAGE, "--url", API, "--allow-origin", PAGE]
JSON = (("Content-Type", "application/json"),)


def compared(name: str, policy: Policy | Routes, **request: object) -> Comparison:
    return compare(SERVERS[name], policy, PageRequest(**{"page": PAGE, "url": API, **request}))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", POLICIES)
def test_netlabs_own_exchange_ends_as_explain_says(name: str) -> None:
    for request in REQUESTS:
        own = play(request, lambda method, fields: netlab_answer(POLICIES[name], method, fields))
        told = explain(POLICIES[name], request)
        assert (own.readable, own.handled, own.preflight is not None) == (
            told.readable, told.handled, told.preflight,
        ), request  # fmt: skip


MODES = [
    PageRequest(page=page, url=API, method=method, headers=headers, mode=mode, credentials=credentials)
    for page, method, headers, mode, credentials in product(
        (PAGE, "https://api.example"),
        ("GET", "POST"),
        ((), (("Authorization", "x"),)),
        ("cors", "no-cors", "same-origin"),
        ("omit", "include"),
    )
]


@pytest.mark.parametrize("server", SERVERS)
def test_each_difference_has_its_sentence_and_each_sentence_is_met(server: str) -> None:
    told = {
        difference
        for policy in POLICIES.values()
        for request in (*REQUESTS, *MODES)
        for difference in compare(SERVERS[server], policy, request).differences
    }
    assert told == set(SENTENCES[server].values())


@pytest.mark.parametrize("server", SERVERS)
def test_no_server_lets_a_page_read_that_the_policy_does_not_list(server: str) -> None:
    for policy in POLICIES.values():
        for request in REQUESTS:
            if compare(SERVERS[server], policy, request).theirs.readable:
                assert "*" in policy.origins or request.page in policy.rules.origins


def test_starlette_refuses_a_post_of_json_unless_post_is_listed() -> None:
    policy = Policy(origins=[PAGE], methods=["PUT"], request_headers=["Content-Type"])
    run = compared("starlette", policy, method="POST", headers=JSON)
    assert (run.own.readable, run.theirs.readable) == (True, False)
    assert run.theirs.preflight is not None and run.theirs.preflight.status == 400
    listed = Policy(origins=[PAGE], methods=["PUT", "POST"], request_headers=["Content-Type"])
    assert compared("starlette", listed, method="POST", headers=JSON).theirs.readable


def test_express_allows_every_header_and_put_where_the_policy_names_none() -> None:
    run = compared("express", Policy(origins=[PAGE]), method="PUT", headers=(("X-Any", "1"),))
    assert (run.own.readable, run.theirs.readable, run.theirs.handled) == (False, True, True)


def test_nginx_without_always_hides_the_handlers_errors() -> None:
    run = compared("nginx", Policy(origins=[PAGE]))
    assert run.theirs.readable and any("`always`" in text for text in run.differences)


def test_the_policy_of_the_path_counts() -> None:
    routes = Routes({"/items": Policy(origins=[PAGE])})
    assert compared("express", routes).theirs.readable
    assert not compared("express", routes, url="https://api.example/other").theirs.readable


def test_a_policy_with_debug_is_compared_by_its_plain_refusal() -> None:
    run = compared("express", Policy(origins=[PAGE], debug=True), method="PROPFIND")
    assert run.own.preflight is not None and run.own.preflight.status == 403


@pytest.mark.parametrize("server", SERVERS)
def test_the_command_prints_netlab_first_and_then_the_server(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ARGUMENTS, "--server", server]) == 0
    out = capsys.readouterr().out
    own, _, theirs = out.partition(f"\n{server}: ")
    assert "verdict: the page may read the response" in own
    assert "verdict: the page may read the response" in theirs
    assert "answer to the request: the status of the handler" in theirs
    assert "what differs from netlab" in theirs or "nothing differs from netlab" in theirs


def test_several_servers_are_told_once_each_and_the_status_stays_netlabs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [*ARGUMENTS, "--method", "PUT", "--server", "express", "--server", "NGINX"]
    assert main([*arguments, "--server", "nginx"]) == 1
    out = capsys.readouterr().out
    assert out.count("\nexpress: ") == out.count("\nnginx: ") == 1
    assert "with netlab: the page may not read the response; the request itself was never sent" in out


def test_an_unknown_server_is_one_clear_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ARGUMENTS, "--server", "apache"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert "--server apache" in told.err and "starlette, express, nginx" in told.err
