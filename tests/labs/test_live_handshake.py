"""Lab 07 live (`make serve-07`): records arrive as lines of JSON, opened, in the order of the handshake."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import netlab
from netlab.tls import authority

LAB = Path(__file__).parents[2] / "labs" / "07_handshake"


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(LAB))
    for name in ("serve", "handshakes"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("serve")


async def told(session: netlab.Session, url: str) -> list[dict[str, Any]]:
    async with session.post(url) as response:
        assert response.status == 200
        return [json.loads(line) for line in (await response.read()).splitlines()]


async def test_the_page_gets_each_record_opened_and_the_key_schedule(live: Any, tmp_path: Path) -> None:
    authority.ensure(tmp_path)
    async with live.stage(tmp_path) as usual:
        app = live.Live({"full": usual, "resumed": usual})
        async with netlab.Server(app.answer, port=0) as server, netlab.Session() as session:
            (refused,) = await told(session, f"{server.url}/connect/resumed")
            assert "press “connect: full” first" in refused["problem"]
            full = await told(session, f"{server.url}/connect/full")
            resumed = await told(session, f"{server.url}/connect/resumed")
            async with session.get(f"{server.url}/connect/other") as response:
                assert response.status == 404
    rungs = [rung for line in full for rung in line["rungs"]]
    assert "client: handshake: client_hello" in rungs[0]
    assert any("certificate_verify" in rung for rung in rungs)
    assert not any("Not decrypted" in rung for rung in rungs)
    assert full[-1]["schedule"]
    again = [rung for line in resumed for rung in line["rungs"]]
    assert not any("certificate" in rung.split("</summary>")[0] for rung in again)
    numbers = [part.split('"')[0] for rung in rungs + again for part in rung.split(' id="b')[1:]]
    assert len(numbers) == len(set(numbers)), "each field of the page has a number of its own"


def test_the_page_has_a_button_for_each_connection(live: Any) -> None:
    page = live.page()
    assert all(f'data-kind="{kind}"' in page for kind in ("full", "resumed", "retried", "old"))
    assert "/* style */" not in page
    assert "/* script */" not in page
