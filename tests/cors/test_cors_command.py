"""`python -m netlab cors explain`: copied requests, mistakes in one line, the verdict as exit status."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from netlab.__main__ import main
from netlab.cli.pasted import PasteError, read_pasted

ARGUMENTS = ["cors", "explain", "--page", "https://app.example", "--url", "https://api.example/items"]

CHROMIUM_FETCH = """fetch("https://api.example/items/1", {
  "headers": {
    "accept": "*/*",
    "accept-language": "en-US,en;q=0.9",
    "authorization": "Bearer abc",
    "content-type": "application/json",
    "priority": "u=1, i",
    "sec-fetch-mode": "cors"
  },
  "referrer": "https://app.example/",
  "body": "{\\"a\\":1}",
  "method": "PUT",
  "mode": "cors",
  "credentials": "include"
});"""

FIREFOX_FETCH = """await fetch("https://api.example/items", {
    "credentials": "omit",
    "headers": {"User-Agent": "Mozilla/5.0", "Accept": "*/*", "X-Trace": "1"},
    "referrer": "https://app.example:8443/page?q",
    "method": "GET",
    "mode": "cors"
});"""

CHROMIUM_CURL = """curl 'https://api.example/items' \\
  -X 'DELETE' \\
  -H 'accept: */*' \\
  -H 'origin: https://app.example' \\
  -b 'session=1' \\
  -H 'referer: https://app.example/' \\
  -H 'user-agent: Mozilla/5.0' \\
  -H 'content-type: application/json' \\
  --data-raw $'{"name":"O\\'Neil \\u00e9\\n"}' \\
  --compressed ;
"""


def test_a_request_copied_as_fetch_is_read() -> None:
    pasted = read_pasted(CHROMIUM_FETCH)
    assert (pasted.url, pasted.method) == ("https://api.example/items/1", "PUT")
    assert (pasted.page, pasted.credentials, pasted.mode) == ("https://app.example", "include", "cors")
    names = [name for name, _ in pasted.headers]
    assert names == ["accept", "accept-language", "authorization", "content-type", "sec-fetch-mode"]
    assert "priority" in pasted.notes[0]


def test_firefox_writes_it_with_await() -> None:
    pasted = read_pasted(FIREFOX_FETCH)
    assert (pasted.method, pasted.page, pasted.credentials) == ("GET", "https://app.example:8443", "omit")
    assert pasted.headers == [("Accept", "*/*"), ("X-Trace", "1")]


def test_a_bare_fetch_is_a_get_and_a_text_is_text_plain() -> None:
    assert read_pasted('fetch("https://api.example/")').method == "GET"
    pasted = read_pasted('fetch("https://api.example/", {"method": "POST", "body": "x"})')
    assert pasted.headers == [("Content-Type", "text/plain;charset=UTF-8")]


def test_a_request_copied_as_curl_is_read() -> None:
    pasted = read_pasted(CHROMIUM_CURL + "curl 'https://b.example'")
    assert (pasted.url, pasted.method) == ("https://api.example/items", "DELETE")
    assert (pasted.page, pasted.credentials) == ("https://app.example", "include")
    assert pasted.headers == [("accept", "*/*"), ("content-type", "application/json")]


@pytest.mark.parametrize(
    ("text", "method", "content_type"),
    [
        ("curl https://a.example", "GET", None),
        ("curl -I https://a.example", "HEAD", None),
        ("curl -XPUT https://a.example", "PUT", None),
        ("curl --request=PUT https://a.example", "PUT", None),
        ("curl https://a.example -d x", "POST", "application/x-www-form-urlencoded"),
        ("curl https://a.example --data-raw x -H 'Content-Type: a/b'", "POST", "a/b"),
        ("curl https://a.example --json '{}'", "POST", "application/json"),
        ("curl https://a.example -F a=b", "POST", "multipart/form-data"),
        ("curl -s -o file --url https://a.example", "GET", None),
    ],
)
def test_curl_means_what_curl_does(text: str, method: str, content_type: str | None) -> None:
    pasted = read_pasted(text)
    told = {name.lower(): value for name, value in pasted.headers}
    assert (pasted.url, pasted.method) == ("https://a.example", method)
    assert told.get("content-type") == content_type


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "Copy as fetch"),
        ("wget https://a.example", "Copy as fetch"),
        ("fetch('https://a.example')", "double quotes"),
        ('fetch("https://a.example", {method: "PUT"})', "double quotes"),
        ('fetch("https://a.example", 7)', "takes an address"),
        ('fetch("https://a.example", {"headers": 7})', "headers"),
        ('fetch("https://a.example"', "takes an address"),
        ("curl -H 'x: y'", "no address"),
        ("curl 'https://a.example", "quotes"),
        ("curl https://a.example -H", "lacks its value"),
        ('curl ^"https://a.example^"', "bash"),
    ],
)
def test_another_text_is_refused_in_one_line(text: str, word: str) -> None:
    with pytest.raises(PasteError) as caught:
        read_pasted(text)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_readable_response_is_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ARGUMENTS, "--allow-origin", "https://app.example"]) == 0
    out = capsys.readouterr().out
    assert "must the browser ask first" in out
    assert out.endswith("verdict: the page may read the response\n")


def test_a_withheld_response_is_status_1_with_the_first_change(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--method", "PUT", "--header", "Content-Type: application/json", "--credentials", "include"]
    assert main([*ARGUMENTS, *asked, "--allow-origin", "https://app.example"]) == 1
    out = capsys.readouterr().out
    assert "the request itself was never sent" in out
    assert "Chromium calls it PreflightMissingAllowOriginHeader" in out
    assert '  first change of the policy that helps: methods = ["PUT"]\n' in out
    assert '  then: request_headers = ["Content-Type"]\n' in out
    assert out.endswith("  then: credentials = true\n")


def test_policy_and_request_come_from_files_and_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        'origins = ["https://app.example"]\nmethods = ["PUT"]\ncredentials = true\n'
        'request_headers = ["Content-Type", "Authorization"]\n'
    )
    copied = tmp_path / "copied.txt"
    copied.write_text(CHROMIUM_FETCH)
    assert main(["cors", "explain", "--policy", str(policy), "--request", str(copied)]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(CHROMIUM_FETCH))
    flags = ["--page", "https://evil.example"]
    assert main(["cors", "explain", "--policy", str(policy), "--request", "-", *flags]) == 1
    assert 'origins = ["https://app.example", "https://evil.example"]' in capsys.readouterr().out


def test_a_file_can_hold_a_policy_for_each_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[routes."/items"]\norigins = ["*"]\n\n[routes."/items/secret"]\norigins = ["https://a.example"]\n'
    )
    assert main([*ARGUMENTS, "--policy", str(policy)]) == 0
    assert main([*ARGUMENTS, "--policy", str(policy), "--url", "https://api.example/items/secret"]) == 1
    assert main([*ARGUMENTS, "--policy", str(policy), "--url", "https://api.example/other"]) == 1
    assert "no CORS policy covers this path" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cors"], ["ACTION"]),
        (["cors", "explain"], ["no policy", "--policy FILE"]),
        (["cors", "explain", "--allow-origin", "*"], ["no request", "--url"]),
        (["cors", "explain", "--allow-origin", "*", "--url", "https://a.example"], ["--page"]),
        (
            [*ARGUMENTS, "--allow-origin", "*", "--page", "app.example"],
            ["--page 'app.example'", "https://app.example"],
        ),
        ([*ARGUMENTS, "--allow-origin", "*", "--url", "ftp://x"], ["--url", "http"]),
        ([*ARGUMENTS, "--allow-origin", "*", "--header", "x"], ["--header 'x'", "NAME: VALUE"]),
        (
            [*ARGUMENTS, "--allow-origin", "null", "--max-age", "-5"],
            ["origins: 'null'", "max_age: -5", "write 0"],
        ),
        ([*ARGUMENTS, "--allow-origin", "*", "--allow-credentials"], ["with credentials", "by name"]),
        ([*ARGUMENTS, "--policy", "nowhere.toml"], ["nowhere.toml", "No such file"]),
        ([*ARGUMENTS, "--policy", "x", "--allow-origin", "*"], ["exclude each other"]),
        ([*ARGUMENTS, "--allow-origin", "*", "--request", "nowhere.txt"], ["nowhere.txt", "No such file"]),
    ],
)
def test_a_users_mistake_is_one_clear_line_and_status_2(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("netlab: ") and err.count("\n") == 1
    assert [word for word in words if word not in err] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("origins = [", ["not TOML"]),
        ('orgins = ["*"]', ["orgins", "write origins"]),
        ("[routes.api]\norigins = ['*']\n", ["'api'", "slash"]),
        ("[routes.'/a']\norigins = ['null']\n[routes.'/b']\nmax_age = -1\n", ["'null'", "max_age: -1"]),
        ("routes = 7\n", ["routes: 7", "no such setting"]),
    ],
)
def test_a_mistake_in_the_file_names_the_file(
    content: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(content)
    assert main([*ARGUMENTS, "--policy", str(policy)]) == 2
    err = capsys.readouterr().err
    assert "policy.toml" in err and err.count("\n") == 1
    assert [word for word in words if word not in err] == []


def test_whatever_json_follows_fetch_it_is_read_or_refused() -> None:
    for options in (
        None,
        [],
        "x",
        {"headers": [["a", "b"]]},
        {"headers": [["a"]]},
        {"method": 7},
        {"referrer": 1},
    ):
        text = f'fetch("https://a.example", {json.dumps(options)})'
        try:
            assert read_pasted(text).url == "https://a.example"
        except PasteError as error:
            assert "\n" not in str(error)
