"""The scope of a request whose head, or field section, has come before."""

from __future__ import annotations

from typing import Any

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
