"""The scope of a request whose head, or field section, has come before."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from netlab.asgi.scope import Mount, Scopes
from netlab.http1.framing import NO_CONTENT
from netlab.http1.messages import RequestHead
from tests.asgi.conftest import answer, http_only, serving

Scope = dict[str, Any]


async def test_an_app_that_changes_its_headers_changes_no_other_requests() -> None:
    @http_only
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen = len(scope["headers"])
        scope["headers"].append((b"x-mine", b"1"))
        await answer(send, b"%d" % seen)

    async with serving(app) as served:
        wire = await served.client()
        for target in ("/1", "/2", "/3", "/4", "/4", "/4", "/4"):
            wire.get(target, "GET", "X-Same: for each target")
            assert (await wire.response())[2] == b"2", target


# Few lines, so that the same ones come again in another order, with a Cookie in any place, twice, or empty.
LINES = st.sampled_from(
    ["Host: a", "X-B:  \tb ", "Cookie: one=1", "Cookie: two=\xe9", "Cookie:\t", "Cookie: ", "Cookie:",
     "cookie: low=1", "Cookies: no", "X: Cookie: no", "Cookie:  \tspaced=1\t"]
)  # fmt: skip


def head_of(lines: list[str]) -> RequestHead:
    section = "".join(f"{line}\r\n" for line in lines) + "\r\n"
    return RequestHead().begin("GET", "/", 1, section, NO_CONTENT, True)


@given(st.lists(st.lists(LINES, max_size=5), max_size=12))
def test_headers_are_those_of_the_request_whatever_came_before(sections: list[list[str]]) -> None:
    scopes = Scopes(Mount(""))
    for section in sections + sections:  # a section is kept from its second time on
        head = head_of(section)
        assert scopes._headers(head) == head.raw_lines()


def test_a_section_with_another_cookie_is_known_and_no_cookie_is_kept() -> None:
    scopes = Scopes(Mount(""))
    for number in range(4):
        scopes._headers(head_of(["Host: a", f"Cookie: seen={number}", "X-Same: yes"]))
    [(section, (lines, place))] = scopes._sections.items()
    assert "seen" not in section and (lines[place], place) == ((b"cookie", b""), 1)
    assert lines[::2] == ((b"host", b"a"), (b"x-same", b"yes"))
