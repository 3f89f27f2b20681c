"""What an app costs alone and under a server: both answer the request, and the table's arithmetic.

No instruction is counted here: that takes valgrind and minutes.
"""

from __future__ import annotations

import shutil

import pytest

from tests.bench import appcost
from tests.bench.instructions import Failed


@pytest.mark.parametrize(("kind", "name"), [("alone", "json"), ("netlab", "asgi"), ("netlab", "json")])
def test_every_request_of_a_batch_is_answered(kind: str, name: str) -> None:
    appcost.drive(kind, name, 2, [])


def test_a_process_that_ends_too_early_is_told() -> None:
    with pytest.raises(Failed, match="the server has ended too early"):
        appcost.drive("netlab", "asgi", 1, ["false"])


def test_a_row_says_how_far_a_server_can_come_at_all() -> None:
    assert appcost.line("FastAPI", 400, 450, 495).split() == ["FastAPI", "400", "450", "495", "1.10", "1.24"]


def test_the_requests_have_the_length_that_they_say() -> None:
    head, _, body = appcost.POST.partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head


def test_an_app_that_does_not_exist_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert appcost.run(["flask"]) == 2
    said = capsys.readouterr().err
    assert said == "no app is called 'flask'; the apps are asgi, starlette, fastapi, json\n"


def test_without_valgrind_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert appcost.run([]) == 0
    assert "needs valgrind (apt-get install valgrind)" in capsys.readouterr().out
