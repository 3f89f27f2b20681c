"""The board of the siege: its figures are what the server counts itself, and nothing of it is left."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from netlab.live import besieged, honest
from netlab.live.board import Refused
from netlab.live.boards import siege
from netlab.live.children import python
from netlab.live.honest import Share, SiegePhase, Tally, verdict
from netlab.live.siegeattack import ATTACKS, PAUSE, Force
from netlab.live.siegeserver import DESCRIPTORS, SHORT
from tests.server.conftest import need

from .running import experiment_of

LAB = Path(__file__).parents[2] / "labs" / "14_siege"


# -- what honest clients got


def test_the_live_figures_cover_the_last_second_alone() -> None:
    tally = Tally()
    tally.record(SiegePhase.CALM, 10.0, 0.002)
    tally.record(SiegePhase.ATTACK, 10.5, 0.3)
    tally.record(SiegePhase.ATTACK, 10.9, None)
    assert tally.last_second(10.95) == (2 / 3, 0.3, honest.PATIENCE)
    assert tally.last_second(11.2) == (1 / 2, (0.3 + honest.PATIENCE) / 2, honest.PATIENCE)
    assert tally.last_second(12.0) is None


def test_a_client_that_met_the_end_of_a_phase_counts_for_neither() -> None:
    tally = Tally()
    tally.record(None, 1.0, 0.1)
    tally.record(SiegePhase.AFTER, 1.1, None)
    assert [share.came for share in tally.phases.values()] == [0, 0, 1]
    assert (tally.total.answered, tally.total.came) == (1, 2)


@pytest.mark.parametrize(
    ("answered", "came", "word"),
    [(9, 10, "survived"), (8, 10, "was hurt"), (5, 10, "was hurt"), (4, 10, "fell")],
)
def test_the_verdict_names_the_share_the_waits_and_what_was_ended(
    answered: int, came: int, word: str
) -> None:
    tally = Tally()
    for number in range(came):
        tally.record(SiegePhase.ATTACK, 1.0, 0.1 if number < answered else None)
    said = verdict("netlab", tally, {"408 Request Timeout": 1200, "reset": 3})
    assert said.startswith(f"netlab {word}: it answered {answered} of {came} ({answered * 10}%)")
    assert "half of them within 100 ms" in said
    assert "It ended 1,203 hostile connections (1,200 × 408 Request Timeout, 3 × reset)." in said


def test_a_server_that_no_honest_client_asked_has_no_verdict() -> None:
    assert verdict("uvicorn", Tally(), {}) == "uvicorn: no honest client came while it was under attack."
    assert str(Share()) == "none came"


# -- the attacks


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server whose every word the test says."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as sock:
        sock.settimeout(20)
        yield sock


@contextlib.contextmanager
def force(listener: socket.socket, name: str, count: int = 1) -> Iterator[Force]:
    """Hostile connections that have come once."""
    one = Force(listener.getsockname()[1], ATTACKS[name], count)
    try:
        one.tick(0.0)
        yield one
    finally:
        one.close()


def test_a_slow_head_drips_one_byte_a_tick(listener: socket.socket) -> None:
    with force(listener, "head") as one, listener.accept()[0] as sock:
        one.tick(0.1)
        first = sock.recv(4096)
        one.tick(0.2)
        assert first == ATTACKS["head"].opening
        assert sock.recv(4096) == b"a"
        assert one.told() == {"connected": 1, "tried": 1, "ended": {}}


@pytest.mark.parametrize(
    ("last_words", "why"),
    [
        (b"HTTP/1.1 408 Request Timeout\r\n\r\n", "408 Request Timeout"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "closed without an error response"),
        (b"", "closed without an error response"),
    ],
)
def test_what_the_server_said_last_is_why_it_ended_and_the_attacker_comes_back(
    listener: socket.socket, last_words: bytes, why: str
) -> None:
    with force(listener, "silent") as one:
        with listener.accept()[0] as sock:
            sock.sendall(last_words)
        while not one.ended:
            one.tick(1.0)
        assert one.ended == {why: 1}
        one.tick(1.0 + PAUSE / 2)
        assert one.tried == 1
        one.tick(1.0 + PAUSE)
        assert one.tried == 2
        listener.accept()[0].close()


def test_a_reset_is_noticed_by_an_attacker_that_reads_nothing(listener: socket.socket) -> None:
    with force(listener, "reader") as one:
        with listener.accept()[0] as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not one.ended:
            one.tick(1.0)
        assert one.ended == {"reset": 1}


def test_a_port_without_a_server_refuses(listener: socket.socket) -> None:
    one = Force(listener.getsockname()[1], ATTACKS["head"], 2)
    listener.close()
    one.tick(0.0)
    one.tick(0.1)
    assert one.ended == {"refused": 2}
    one.close()


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_says_what_it_sends_and_what_ends_it(name: str) -> None:
    attack = ATTACKS[name]
    assert attack.words and attack.lesson.endswith(".")
    one = Force(9, attack, 0)
    assert one._opening.startswith(b"\x16\x03") if attack.tls else one._opening == attack.opening


# -- the servers


def test_the_board_besieges_under_the_lab_s_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(LAB))
    siege_servers = __import__("siege_servers")
    assert siege_servers.DESCRIPTORS == DESCRIPTORS
    assert {name: getattr(SHORT, name) for name in siege_servers.SHORT} == siege_servers.SHORT


def test_the_learner_s_loop_comes_before_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABS_WORK", str(tmp_path))
    assert [side.name for side in besieged.loops()] == ["lab's loop"]
    own = tmp_path / "14_siege" / "exercise.py"
    own.parent.mkdir()
    own.touch()
    assert [side.name for side in besieged.loops()] == ["your loop", "lab's loop"]
    assert besieged.loops()[0].arguments[-1] == str(own)


async def test_a_siege_for_which_the_descriptors_do_not_suffice_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda which: (256, 256))
    siege.check_room(64)
    with pytest.raises(Refused, match="needs 442 descriptors in a process, and 256 are allowed here"):
        async with experiment_of(siege.BOARD, hostile=126) as running:
            await running.ended()


def test_a_peer_that_is_not_installed_is_said_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    for name, repair in (("uvicorn", "pip install uvicorn"), ("nginx", "apt-get install nginx")):
        side = besieged.peer(name, ())
        assert side.name == "asyncio" and f"needs {name} ({repair})" in side.words


@pytest.mark.soak
async def test_a_loop_that_does_not_start_is_said_and_the_reference_stands_in(tmp_path: Path) -> None:
    own = tmp_path / "exercise.py"
    own.write_text("def turn(loop): raise NotImplementedError('task 7')\n", encoding="utf-8")
    (reference,) = [side for side in besieged.loops() if side.name == "lab's loop"]
    mine = besieged.Contestant("your loop", "", (*reference.arguments[:-1], str(own)))
    async with besieged.first_that_answers([mine, reference], None) as one:
        assert one.name == "lab's loop" and "your loop" in one.side.words
    with pytest.raises(Refused, match="your loop"):
        async with besieged.besieged(mine, None):
            pass


@pytest.mark.parametrize("name", ["siegeserver", "siegeattack"])
def test_a_child_of_the_siege_ends_with_its_standard_input(name: str) -> None:
    arguments = ["asyncio"] if name == "siegeserver" else ["silent", "0", "60", "9"]
    with subprocess.Popen(
        python(f"netlab.live.{name}", *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline()
        child.stdin.close()
        assert child.wait(20) == 0


# -- the whole board


def children() -> list[psutil.Process]:
    """Those of this process that run a module of the board. A child of Chromium may end meanwhile."""
    found = []
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found += [each] * ("netlab.live" in "".join(each.cmdline()))
    return found


@pytest.mark.soak
async def test_without_an_attack_each_client_is_answered_and_the_server_counts_as_many() -> None:
    async with experiment_of(siege.BOARD, hostile=0, seconds=1, rate=8) as running:
        feed = await running.ended()
    for counts in feed.values["counts"].values():
        answered, came = counts["total"]
        assert answered == came > 8 * 4
    own = feed.values["counts"]["netlab"]["own"]
    assert own["requests"] == feed.values["counts"]["netlab"]["total"][0] + 1  # the first, which started it
    assert not children()


@pytest.mark.soak
@pytest.mark.parametrize("attack", ["head", "handshake"])
async def test_nginx_answers_honest_clients_before_an_attack_and_after_it(attack: str) -> None:
    """Over TLS, too. Without nginx the siege goes on with asyncio's streams, and the test has no subject."""
    need("nginx", "nginx")
    async with experiment_of(siege.BOARD, attack=attack, peer="nginx", seconds=2, hostile=20) as running:
        feed = await running.ended()
    counts = feed.values["counts"]["nginx"]
    for phase in ("calm", "after"):
        answered, came = counts[phase]
        assert answered == came > 0
    assert not children()


@pytest.mark.soak
@pytest.mark.parametrize("attack", ATTACKS)
async def test_netlab_survives_what_a_server_without_deadlines_does_not(attack: str) -> None:
    async with experiment_of(siege.BOARD, attack=attack, peer="asyncio", seconds=4) as running:
        feed = await running.ended()
    counts = feed.values["counts"]
    assert sum(counts["netlab"]["ended"].values()) > 0
    assert not feed.values["verdict"][0].startswith("netlab fell")
    if attack != "endless":  # asyncio's stream reader has a limit of its own
        assert not counts["asyncio"]["ended"]
        assert feed.values["verdict"][-1].startswith("asyncio fell")


@pytest.mark.soak
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("view", ["light", "phone"])
async def test_the_page_shows_the_verdict_and_the_server_s_own_count(
    view: str, opened: Callable[..., Any]
) -> None:
    async with opened("siege", view=view) as board:
        assert await board.axe() == []
        await board.start(attack="head", seconds=3)
        await board.ended(seconds=40)
        feed = board.lane.feed.values
        counts = feed["counts"]["netlab"]
        card = board.tab.locator(".cards .card").first
        answered, came = counts["attack"]
        assert f"{answered} of {came} ({answered / came:.0%})" in await card.inner_text()
        own = counts["own"]
        assert f"{own['accepted']:,} connections, {own['requests']:,} requests" in await card.inner_text()
        answered, came = counts["total"]
        # The server answers the client that starts it, too, and perhaps one that has just given up.
        assert answered + 1 <= own["requests"] <= came + 1
        assert own["accepted"] >= own["requests"] + sum(counts["ended"].values())
        shown = await board.tab.locator(".verdict li").all_inner_texts()
        assert shown == feed["verdict"] and not shown[0].startswith("netlab fell")
        assert await board.axe() == []
        assert await board.too_wide() <= 0
    assert not children()


@pytest.mark.soak
@pytest.mark.asyncio(loop_scope="session")
async def test_stop_ends_the_attack_and_every_server(opened: Callable[..., Any]) -> None:
    async with opened("siege") as board:
        await board.start(seconds=60)
        await board.tab.locator(".marked").first.wait_for()
        async with asyncio.timeout(20):
            while len(children()) < 4:  # three servers, and the attack
                await asyncio.sleep(0.05)
        await board.tab.locator("#stop").focus()
        await board.tab.keyboard.press("Enter")
        await board.ended("stopped")
        assert not children()
