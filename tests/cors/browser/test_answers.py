"""Answers that no policy of ours would give: Chromium and the model of Fetch agree on what to make of them.

Every server that people write by hand gives answers such as these. They reach the errors that a well-formed
policy never causes, and the corners of the grammar: lists in two lines, other case, space, what is malformed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

import netlab
from netlab.cors import HeaderList, PageRequest, cors_check, preflight_checks
from netlab.cors.browser.fetch_model import REDIRECTS, preflight_reasons, settled

from .differences import DIFFERENCES, Difference
from .matrix import SEED
from .world import Outcome, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

COUNT = 900

ORIGIN = (
    ("{page}",), ("{page}",), ("{page}",), ("*",), ("*",), (), ("https://app.example",), ("null",), ("",),
    ("{page}/",), ("{page}, {page}",), ("{page}", "{page}"), ("{page} https://app.example",), ("https://*",),
    ("app.example",), ("HTTPS://LOCALHOST",), ("*, *",), ("{page},",), ("mailto:app",), ("https:",), ("**",),
    ("{page}x",), ("http://",), ("https://a b",), ("https://[::1",), ("*", "*"), ("file:///x",), ("x://y",),
)  # fmt: skip
CREDENTIALS = (
    ("true",),
    ("true",),
    (),
    ("True",),
    ("false",),
    ("true", "true"),
    ("1",),
    (" true ",),
    ("true,",),
)
METHODS = (
    (), (), (), ("PUT",), ("PUT, DELETE",), ("GET", "PUT"), ("put",), ("*",), ("*",), ("PUT,*",), ("",),
    (",, PUT ,",), ("PUT DELETE",), ("P@T",), ('"PUT"',), ("Patch",), ("POST, GET, OPTIONS",), ("PUT;",),
    ("PATCH\t,\tPUT",), ("DELETE, PURGE, patch",), ("**",),
)  # fmt: skip
HEADERS = (
    (), ("Content-Type",), ("content-type,AUTHORIZATION",), ("x-one", "Content-Type"), ("*",), ("*",),
    ("*, Authorization",), ("",), (", X-One ,,",), ("X-One Content-Type",), ("X(One)",),
    ("x-two, x-one, content-type",),
    ("X-One:",), ("authorization, x-one, x-two, content-type",), ("X-One\t, content-type",), ("**",),
)  # fmt: skip
STATUS = (200,) * 12 + (204,) * 12 + (201, 206, 299, 300, 302, 304, 307, 400, 403, 404, 405, 500, 503)

ASKED_METHODS = (
    "GET",
    "GET",
    "POST",
    "POST",
    "PUT",
    "PUT",
    "DELETE",
    "PATCH",
    "patch",
    "OPTIONS",
    "PURGE",
    "put",
)
ASKED_HEADERS: tuple[tuple[tuple[str, str], ...], ...] = (
    (), (), (), (), (("Content-Type", "application/json"),), (("Authorization", "Bearer abc"),),
    (("X-One", "1"),),
    (("X-One", "1"), ("Content-Type", "application/json")), (("authorization", "Bearer abc"), ("X-TWO", "2")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and what is answered to its preflight and to itself."""

    number: int
    request: dict[str, Any]
    status: int
    preflight: tuple[tuple[str, str], ...]
    actual: tuple[tuple[str, str], ...]

    def fields(self, preflight: bool, page: str) -> HeaderList:
        """The field lines of an answer. A redirect says where to."""
        lines = self.preflight if preflight else self.actual
        if preflight and self.status in REDIRECTS:
            lines = (*lines, ("Location", "/elsewhere"))
        return HeaderList((name, value.format(page=page).strip()) for name, value in lines)


def _lines(name: str, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((f"Access-Control-Allow-{name}", value) for value in values)


def cases() -> list[Case]:
    """Answers drawn from the lists above; most allow the origin, to get further."""
    rng = random.Random(SEED)
    found = []

    def origin() -> tuple[str, ...]:
        return rng.choice(ORIGIN[:4] if rng.random() < 0.6 else ORIGIN)

    for number in range(COUNT):
        preflight = (
            *_lines("Origin", origin()),
            *_lines("Credentials", rng.choice(CREDENTIALS)),
            *_lines("Methods", rng.choice(METHODS)),
            *_lines("Headers", rng.choice(HEADERS)),
        )
        actual = (*_lines("Origin", origin()), *_lines("Credentials", rng.choice(CREDENTIALS)))
        request = {
            "method": rng.choice(ASKED_METHODS),
            "headers": rng.choice(ASKED_HEADERS),
            "credentials": rng.choice(("same-origin", "include", "same-origin", "omit")),
        }
        if request["method"] in ("POST", "PUT", "PATCH") and request["credentials"] != "omit":
            request["upload_listener"] = rng.random() < 0.3
        found.append(Case(number, request, rng.choice(STATUS), preflight, actual))
    return found


def by_model(case: Case, request: PageRequest, differences: Iterable[Difference] = ()) -> tuple[bool, str]:
    """Readable, and the error's name; by the standard, or as Chromium reads it."""
    taken, _ = settled(request)
    if preflight_reasons(taken):
        asked, fields = taken, case.fields(True, request.page)
        for difference in differences:
            asked, fields = difference.reading(asked, fields)
        *_, last = preflight_checks(asked, case.status, fields)
        if not last.passed:
            return False, last.error
    check = cors_check(taken, case.fields(False, request.page))
    return check.passed, check.error


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(stage: Stage) -> list[tuple[Case, Outcome]]:
    """Every case, played once in the browser."""
    drawn = cases()

    async def app(request: netlab.Request) -> netlab.Response:
        case, page = drawn[int(request.path[1:])], request.fields["origin"]
        asked = "access-control-request-method" in request.fields
        return netlab.Response(case.status if asked else 200, b"", case.fields(asked, page))

    async with stage(app=app) as w:
        requests = [PageRequest(page=w.app, url=w.url(f"/{case.number}"), **case.request) for case in drawn]
        return list(zip(drawn, await w.ask(requests), strict=True))


async def test_browser_and_model_agree_on_answers_written_by_hand(played: list[tuple[Case, Outcome]]) -> None:
    disagreements = []
    for case, outcome in played:
        browser, model = (outcome.readable, outcome.error), by_model(case, outcome.request, DIFFERENCES)
        if browser != model:
            disagreements.append(f"{case}:\n  browser {browser}\n  model   {model}")
    assert not disagreements, f"{len(disagreements)} of {COUNT} disagree:\n" + "\n".join(disagreements)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
async def test_each_difference_between_chromium_and_the_standard_is_still_one(
    played: list[tuple[Case, Outcome]], difference: Difference
) -> None:
    others = [other for other in DIFFERENCES if other is not difference]
    shown = [
        case
        for case, outcome in played
        if by_model(case, outcome.request, others) != by_model(case, outcome.request, DIFFERENCES)
    ]
    assert shown, f"no case shows it any more; if Chromium has changed, strike it out: {difference.argument}"


async def test_every_error_that_an_answer_can_cause_is_among_them(played: list[tuple[Case, Outcome]]) -> None:
    errors = Counter(outcome.error for _, outcome in played)
    of_a_check = {"MissingAllowOriginHeader", "WildcardOriginNotAllowed", "InvalidAllowCredentials",
                  "MultipleAllowOriginValues", "AllowOriginMismatch", "InvalidAllowOriginValue"}  # fmt: skip
    expected = {"", *of_a_check, *(f"Preflight{error}" for error in of_a_check),
                "PreflightInvalidStatus", "PreflightDisallowedRedirect",
                "MethodDisallowedByPreflightResponse", "HeaderDisallowedByPreflightResponse",
                "InvalidAllowMethodsPreflightResponse", "InvalidAllowHeadersPreflightResponse"}  # fmt: skip
    assert set(errors) == expected, errors
