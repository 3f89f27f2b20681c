"""The evidence of lab 15: the assembled server before the judge, the siege, the probe and the bench.

Beside it stand netlab and the peers that are installed. Each server is a process of its own. The certificate
(certificate.py) says what the server withstands; QUICK=1 plays a part and writes none.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
from assembled import PARTS
from certificate import write_certificate
from wire_judge import LEFT_TO_NETLAB

from labs.runner import plots
from labs.runner.checking.capstone_parts import Parts
from labs.runner.evidence import Measurement, Plot, Run, Table, Verdict
from netlab.check.run import jobs, run
from netlab.check.target import target_of
from netlab.check.verdict import CaseVerdict, Result, summary

FOLDER = Path(__file__).resolve().parent
YOURS = "the assembled server"
SLOW = ("limits/slow-head",)  # as long as the server gives a head: the siege shows the same in a second
HOSTILE, NEWCOMERS, PATIENCE = 126, 10, 1.4
IDLE = 60  # connections of the probe
ASKED = 1000  # requests of the bench
GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class Found:
    """What was seen of one server."""

    verdicts: list[CaseVerdict] = field(default_factory=list)
    answered: float = 0.0  # percent of honest clients, under the siege
    idle: float = 0.0  # KiB for each idle connection
    speed: float = 0.0  # requests a second, one client

    def kept(self, requirement: str) -> tuple[int, int]:
        """How many cases of MUST ("must") or SHOULD passed, of those that were played."""
        counted = summary(self.verdicts)[requirement]
        return counted["passed"], counted["passed"] + counted["failed"]


def besieger() -> ModuleType:
    """Lab 14's besieger, from its own folder."""
    path = FOLDER.parent / "14_siege" / "besieger.py"
    spec = importlib.util.spec_from_file_location("capstone_besieger", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules["capstone_besieger"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def command(measured: Run, name: str, *, short: bool) -> list[str]:
    """How a server is started; the first line that it prints ends in its port, or holds its address."""
    if name == YOURS:
        own = [] if measured.mine else ["--reference"]
        limits = ["--short", "--descriptors", "128"] if short else []
        code = str(Path(measured.code.__file__ or "").resolve())
        return [str(FOLDER / "serve.py"), "--code", code, *own, *limits]
    if name == "netlab" and not short:
        return ["-m", "netlab", "serve"]
    solution = str(FOLDER.parent / "14_siege" / "solution.py")
    return [str(FOLDER.parent / "14_siege" / "siege_servers.py"), name, solution, str(measured.certs)]


@contextlib.contextmanager
def server(measured: Run, name: str, *, short: bool = False) -> Iterator[tuple[int, int]]:
    """A server's port and process."""
    root = str(FOLDER.parents[1])
    arguments = [sys.executable, *command(measured, name, short=short)]
    with subprocess.Popen(
        arguments, cwd=root, env={**os.environ, "PYTHONPATH": root}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as child:  # fmt: skip
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            port = re.search(r"(?:127\.0\.0\.1:|^)([0-9]+)", line)
            if port is None:
                raise RuntimeError(f"{name} did not start")
            yield int(port[1]), child.pid
        finally:
            child.kill()


def judged(port: int, quick: bool) -> list[CaseVerdict]:
    """What `netlab check` says."""
    target = target_of(f"http://127.0.0.1:{port}/", timeout=1.0, origin="https://app.example")
    only = ["framing", "host", "fields"] if quick else []
    return asyncio.run(run(target, jobs(only, [] if quick else SLOW)))


def besieged(measured: Run, name: str) -> float:
    """Percent of honest clients that are answered behind slow heads."""
    siege = besieger()
    attack = siege.Attack("slow head", b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a")
    with server(measured, name, short=True) as (port, pid):
        siege.newcomer(port, None, 10)
        return float(siege.Siege(port, pid, attack, HOSTILE, None).run(NEWCOMERS, PATIENCE).answered)


def send(connection: socket.socket, request: str) -> tuple[bytes, bool]:
    """One request and its whole answer, by Content-Length."""
    connection.sendall(request.encode())
    data = b""
    while True:
        if hasattr(socket, "TCP_QUICKACK"):  # else a server without TCP_NODELAY waits for our delayed ACK
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionResetError("the server closed before its answer")
        data += piece
        head, end, content = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        if end and length and len(content) >= int(length[1]):
            return content, b"connection: close" not in head.lower()


def benched(measured: Run, parts: Parts, port: int) -> float:
    """Requests a second of one client, over lab 11's pool."""
    pool = parts["pool"].Pool(
        lambda host: socket.create_connection(("127.0.0.1", port), 10), lambda connection: connection.close()
    )
    measured.code.ask_all(pool, "a", [GET] * 20, send)
    start = time.perf_counter()
    measured.code.ask_all(pool, "a", [GET] * ASKED, send)
    taken = time.perf_counter() - start
    for connection in list(pool.places):
        connection.close()
    return ASKED / taken


def probed(port: int, pid: int) -> float:
    """KiB of the process's own memory for each idle connection that was answered once."""
    process = psutil.Process(pid)
    with contextlib.ExitStack() as stack:
        connections = []
        for count in range(2 * IDLE):
            if count == IDLE:
                before = process.memory_full_info().uss
            connections.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 10)))
            send(connections[-1], GET)
        return max(0.0, (process.memory_full_info().uss - before) / IDLE / 1024)


def seen(measured: Run, parts: Parts, name: str) -> Found:
    """Everything that one server goes through."""
    found = Found()
    measured.say(f"{name}: the judge")
    with server(measured, name) as (port, pid):
        found.speed = benched(measured, parts, port)
        if name == YOURS or not measured.quick:
            found.verdicts = judged(port, measured.quick)
    if not measured.quick:
        with server(measured, name) as (port, pid):
            found.idle = probed(port, pid)
    measured.say(f"{name}: the siege")
    found.answered = besieged(measured, name)
    return found


def own_parts(measured: Run) -> dict[str, Path]:
    """The learner's parts, if the learner's code is measured."""
    if not measured.mine:
        return {}
    from serve import own_parts as done

    return done(list(PARTS))


def measure(measured: Run) -> Measurement:
    """One server after the other, then the certificate."""
    own = own_parts(measured)
    parts = Parts(FOLDER.parent, [f"{slug}={path}" for slug, path in own.items()])
    peers = ["uvicorn"] if importlib.util.find_spec("uvicorn") else []
    names = [YOURS, "netlab", *peers, *([] if measured.quick and peers else ["http.server"])]
    found = {name: seen(measured, parts, name) for name in names}
    wrong = {} if measured.quick else whole_with_wrong(measured)
    passed, played = found[YOURS].kept("must")
    stands = found[YOURS].answered >= 50
    verdict = Verdict.TRUE if passed == played and stands else Verdict.TRUE_ONLY_IF
    result = Measurement(
        figures=figures(found, wrong),
        verdict=verdict,
        condition="" if verdict is Verdict.TRUE else "the rules that no lab builds are left to netlab",
        headline=headline(found, measured),
        tables=[beside(found, measured), broken(found[YOURS]), *shown(wrong), whose(own)],
        plots=[Plot("Requests a second, one client", plots.svg(lambda axes: draw(axes, found)))],
        notes=notes(measured),
    )
    if not measured.quick:
        page = FOLDER.parent / "report" / "certificate.html"
        write_certificate(page, result, "Your own server" if measured.mine else "The reference's server")
    return result


def whole_with_wrong(measured: Run) -> dict[str, tuple[list[str], int]]:
    """The wrong programs of the seven labs in the place of their part, in a process of its own."""
    measured.say("the wrong programs of seven labs, each in the whole")
    script = [sys.executable, str(FOLDER / "whole_with_wrong.py")]
    done = subprocess.run(script, capture_output=True, text=True, check=True, timeout=400)
    counted: dict[str, tuple[list[str], int]] = json.loads(done.stdout)
    return counted


def figures(found: dict[str, Found], wrong: dict[str, tuple[list[str], int]]) -> dict[str, float | int | str]:
    """The numbers by name."""
    passed, played = found[YOURS].kept("must")
    said: dict[str, float | int | str] = {
        "must_kept_percent": round(100 * passed / played, 1),
        "must_kept": passed,
        "must_played": played,
    }
    for name, each in found.items():
        plain = name.replace(" ", "_").replace(".", "_")
        said[f"{plain}_requests_per_second"] = round(each.speed)
        said[f"{plain}_answered_under_siege_percent"] = round(each.answered)
    if wrong:
        said["wrong_programs_shown"] = sum(len(names) for names, _ in wrong.values())
        said["wrong_programs"] = sum(of for _, of in wrong.values())
    return said


def headline(found: dict[str, Found], measured: Run) -> str:
    """One line."""
    passed, played = found[YOURS].kept("must")
    ours, netlabs = found[YOURS], found["netlab"]
    return (
        f"{measured.owner} assembled server keeps {passed} of the {played} MUST cases played; "
        f"{ours.answered:.0f} % of honest clients are answered behind {HOSTILE} slow heads; "
        f"one client gets {ours.speed:,.0f} answers a second (netlab: {netlabs.speed:,.0f})"
    )


def beside(found: dict[str, Found], measured: Run) -> Table:
    """One row a server."""
    rows = []
    for name, each in found.items():
        cells = ["–", "–"]
        if each.verdicts:
            cells = ["{} of {}".format(*each.kept(requirement)) for requirement in ("must", "should")]
        idle = "–" if measured.quick else f"{each.idle:.1f}"
        rows.append([name, *cells, f"{each.answered:.0f} %", idle, f"{each.speed:,.0f}"])
    columns = ["server", "MUST kept", "SHOULD kept", "answered under siege", "KiB an idle connection"]
    return Table("The server beside others", [*columns, "requests/s"], rows)


def broken(ours: Found) -> Table:
    """What the judge holds against the server, and where it comes from."""
    failed = [one for one in ours.verdicts if one.outcome is Result.FAILED and one.requirement == "must"]
    rows = [
        [one.title, one.section, LEFT_TO_NETLAB.get(one.name.partition("/")[2], one.why)] for one in failed
    ]
    return Table("MUST cases that the server breaks", ["case", "rule", "why"], rows)


def shown(wrong: dict[str, tuple[list[str], int]]) -> list[Table]:
    """How far the whole shows what is wrong in a part."""
    rows = [[PARTS[lab], of, len(names), of - len(names)] for lab, (names, of) in wrong.items()]
    columns = ["lab", "wrong programs", "shown by the whole's wire cases", "by its own lab's tests alone"]
    return [Table("Wrong programs in the place of their part", columns, rows)] if rows else []


def whose(own: dict[str, Path]) -> Table:
    """Which parts are the learner's."""
    rows = [[text, "the learner's" if slug in own else "the reference's"] for slug, text in PARTS.items()]
    return Table("The parts", ["part", "whose"], rows)


def notes(measured: Run) -> list[str]:
    """What a reader of the tables should know."""
    said = [
        "the servers of the siege may open 128 files, and those with deadlines have short ones, as in lab 14"
    ]
    if measured.quick:
        said.append(
            "QUICK=1: the judge plays framing, host and fields, and only the assembled server; left out are "
            "the probe, http.server beside uvicorn, the wrong programs and the certificate"
        )
    else:
        said.append("left out: the judge's slow head (the siege shows it) and TLS (lab 14's loop has none)")
        said.append("the certificate: labs/report/certificate.html")
    return said


def draw(axes: Any, found: dict[str, Found]) -> None:
    """A bar for each server."""
    names = list(found)
    axes.barh(range(len(names)), [found[name].speed for name in names], color=plots.COLOURS[0])
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("requests a second, one client")
