"""Our Session against servers that we did not write, plain and over TLS. Table: netlab/client/INTEROP.md."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from netlab.client import ClientError
from netlab.tls.authority import Certificates
from netlab.tls.context import client_context
from tests.client.interop import __main__ as command
from tests.client.interop import checks
from tests.kit import peers

# In `make test` three that start at once; `make soak` has all of them.
QUICK = ("nginx", "Node", "http.server")


@pytest.fixture(scope="module")
def certificates(minted: Certificates) -> Certificates:
    return minted


async def tried(name: str, certificates: Certificates, tls: bool, wanted: dict[str, checks.Check]) -> None:
    """Start the server and run the checks; all that went wrong is told at once."""
    peer = peers.PEERS[name]
    try:
        peer.require()
    except peers.Lacking as lack:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name}: {lack}")
    wrong = []
    with peers.start(peer, certificates, tls=tls) as running:
        async with checks.relayed(running, client_context(certificates.root)) as place:
            for title, check in wanted.items():
                try:
                    await check(place)
                except Exception as error:
                    if (name, title) in checks.SERVERS_OWN and isinstance(error, ClientError):
                        continue
                    wrong.append(f"{title}: {error!r}")
    assert not wrong, wrong


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("name", QUICK)
async def test_the_client_and_a_server_on_every_machine(
    name: str, tls: bool, certificates: Certificates
) -> None:
    await tried(name, certificates, tls, checks.FAST | (checks.SECURE if tls else {}))


@pytest.mark.soak
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("name", [name for name in peers.PEERS if name not in QUICK])
async def test_the_client_and_every_other_server(name: str, tls: bool, certificates: Certificates) -> None:
    await tried(name, certificates, tls, checks.FAST | (checks.SECURE if tls else {}))


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("name", peers.PEERS)
async def test_200_mib_go_down_and_up_with_their_checksum(
    name: str, tls: bool, certificates: Certificates
) -> None:
    await tried(name, certificates, tls, checks.LARGE)


def test_the_page_has_each_server_and_each_check() -> None:
    lines = [line for line in command.PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert lines[0] == "| " + " | ".join(["server", *command.TITLES]) + " |"
    assert [line.split()[1] for line in lines[2:]] == list(peers.PEERS)
    assert command.FAILED not in command.PAGE.read_text("utf-8")


def test_a_server_that_is_not_here_is_said_and_not_passed(certificates: Certificates) -> None:
    peer = replace(peers.PEERS["nginx"], program="nginx-that-is-not-here")
    _, said, *others = command.row(peer, certificates)
    assert said == "not tried on this machine: needs nginx-that-is-not-here (apt-get install nginx-light)"
    assert not any(others) and len(others) == len(command.TITLES) - 1


async def test_a_check_that_fails_is_in_the_table_as_failed() -> None:
    async def wrong(_: checks.Tried) -> str:
        raise AssertionError("other content")

    assert command.FAILED + "other content" in await command.outcome("nginx", "chunked up", wrong(None))  # type: ignore[arg-type]
