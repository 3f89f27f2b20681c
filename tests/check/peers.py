"""`python -m tests.check.peers`: judge four servers with netlab check and write netlab/check/PEERS.md.

Here: how the four are started, and the tables. `suite.toml` has what a public suite says of the same servers.
No verdict is found here. The page's sentences stand in `PAGE`.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import netlab
from netlab.check.run import jobs, run
from netlab.check.target import target_of
from netlab.check.verdict import CaseVerdict, Result, summary
from netlab.tls.authority import mint
from tests.check.peerspage import PAGE
from tests.kit.peers.table import Peer, Site, find, start

PEERS_PAGE = Path(netlab.__file__).parent / "check" / "PEERS.md"
SUITE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "suite.toml").read_text("utf-8"))
APP = "tests.check.reading:app"

_NGINX = """
daemon off;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
{run_as}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp; fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
    server {{ listen 127.0.0.1:{port}; location / {{ default_type text/plain; return 200 OK; }} }}
}}
"""


def _nginx(site: Site) -> list[str]:
    text = site.fill(_NGINX, run_as=f"user {getpass.getuser()};" if os.geteuid() == 0 else "")
    return [find("nginx", "nginx-light"), "-p", str(site.folder), "-c", site.write("nginx.conf", text)]


def _uvicorn(site: Site) -> list[str]:
    options = ["--http", "httptools", "--port", str(site.port), "--log-level", "critical"]
    return [sys.executable, "-m", "uvicorn", APP, *options]


def _granian(site: Site) -> list[str]:
    options = ["--interface", "asgi", "--port", str(site.port), "--log-level", "critical"]
    return [sys.executable, "-m", "granian", APP, *options]


def _hypercorn(site: Site) -> list[str]:
    return [
        sys.executable,
        "-m",
        "hypercorn",
        APP,
        "--bind",
        f"127.0.0.1:{site.port}",
        "--log-level",
        "critical",
    ]


JUDGED: dict[str, Peer] = {
    "u": Peer("uvicorn", _uvicorn, package="uvicorn"),
    "g": Peer("granian", _granian, package="granian"),
    "h": Peer("hypercorn", _hypercorn, package="hypercorn"),
    "n": Peer("nginx", _nginx, "nginx", "nginx-light", version=("-v",)),
}
Judged = dict[str, list[CaseVerdict]]
"""The verdicts on each server, by its letter."""


def judge(letter: str, folder: Path) -> list[CaseVerdict]:
    """Start a server and judge it, as `netlab check` does. Raises Lacking."""
    with start(JUDGED[letter], mint(folder)) as running:
        target = target_of(f"http://127.0.0.1:{running.port}/", timeout=2.0)
        return asyncio.run(run(target, jobs(skip=["slow-head", "cors", "tls"])))


def broken(verdicts: Iterable[CaseVerdict], requirement: str) -> set[str]:
    """The names of the cases of "must" or "should" that failed."""
    return {v.name for v in verdicts if v.outcome is Result.FAILED and v.requirement == requirement}


def steady(names: set[str]) -> set[str]:
    """Without the half-close: granian answers it or closes first, as chance has it."""
    return {name for name in names if not name.startswith("half-close/")}


# -- the tables -------------------------------------------------------------------------------------------


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _head(*names: str) -> list[str]:
    return [_row(names), _row("---" for _ in names)]


def _names() -> list[str]:
    return [peer.name for peer in JUDGED.values()]


def summary_table(judged: Judged) -> Iterator[str]:
    """Passed of tried, for MUST and for SHOULD."""
    yield from _head("server", "MUST broken", "SHOULD not followed", "policy: other than netlab")
    for letter, verdicts in judged.items():
        counted = summary(verdicts)
        cells = (f"{c['failed']} of {c['failed'] + c['passed']}" for c in counted.values())
        yield _row([JUDGED[letter].label, *cells])


def broken_table(judged: Judged, requirement: str) -> Iterator[str]:
    """One row for each case that a server breaks, by section."""
    failed = {letter: broken(verdicts, requirement) for letter, verdicts in judged.items()}
    listed = {
        v.name: v for verdicts in judged.values() for v in verdicts if v.name in set().union(*failed.values())
    }
    yield from _head("section", "case", *_names())
    for verdict in sorted(listed.values(), key=lambda v: (v.section, v.name)):
        marks = ("✗" if verdict.name in failed[letter] else "" for letter in judged)
        yield _row([verdict.section, f"`{verdict.name}`", *marks])


def _found(judged: Judged, letter: str, case: str) -> CaseVerdict:
    return next(v for v in judged[letter] if v.name == case or v.name.partition("/")[2] == case)


def differences(judged: Judged) -> dict[str, str]:
    """The suite's cases with the servers on which it and netlab check disagree: "gh"; "" where they agree."""
    return {
        name: "".join(
            letter
            for letter in judged
            if (letter in fails) is not (_found(judged, letter, ours).outcome is Result.FAILED)
        )
        for name, ours, fails, _ in SUITE["cases"]
    }


def suite_table(judged: Judged) -> Iterator[str]:
    """One row for each case of the suite: which of the two says that a server fails."""
    differ = differences(judged)
    yield from _head("the suite's case", "netlab's case", "level", *_names(), "why they differ")
    for name, ours, fails, reason in SUITE["cases"]:
        cells = []
        for letter in judged:
            failed = _found(judged, letter, ours).outcome is Result.FAILED
            cells.append(("both" if failed else "suite") if letter in fails else ("netlab" if failed else ""))
        level = _found(judged, "u", ours).level
        yield _row([name, f"`{ours}`", level, *cells, reason if differ[name] else ""])


def others_table() -> Iterator[str]:
    """What the suite's other cases ask, how many they are, and the groups of netlab check that ask it."""
    yield from _head("what they ask", "cases", "groups of netlab check")
    for asked, groups, names in SUITE["others"]:
        yield _row([asked, str(len(names.split())), groups])


def rows_of(page: str, letter: str) -> set[str]:
    """The MUST cases that the page lists as broken by a server."""
    table = page.partition("## MUST")[2].partition("## SHOULD")[0]
    column = list(JUDGED).index(letter) + 2
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines() if "`" in line
    ]
    return {cells[1].strip("`") for cells in rows if len(cells) > column and cells[column] == "✗"}


def page(judged: Judged) -> str:
    """PEERS.md."""
    said = SUITE["versions"], SUITE["failing"], SUITE["earlier"]
    figures = ", ".join("{} {} ({})".format(*(table[letter] for table in said)) for letter in JUDGED)
    agreed = [name for name, letters in differences(judged).items() if not letters]
    return PAGE.format(
        summary="\n".join(summary_table(judged)),
        must="\n".join(broken_table(judged, "must")),
        should="\n".join(broken_table(judged, "should")),
        table="\n".join(suite_table(judged)),
        reasons="\n".join(f"- **{name}**: {text}" for name, text in SUITE["reasons"].items()),
        scored=SUITE["scored"],
        suite=SUITE["suite"],
        figures=figures,
        netlab=SUITE["failing"]["l"],
        agreed=len(agreed),
        listed=len(SUITE["cases"]),
        others="\n".join(others_table()),
        rest=sum(len(names.split()) for _, _, names in SUITE["others"]),
    )


def main() -> int:
    """Judge the four and write the page."""
    with tempfile.TemporaryDirectory(prefix="netlab-judged-") as name:
        judged = {letter: judge(letter, Path(name) / letter) for letter in JUDGED}
    PEERS_PAGE.write_text(page(judged), "utf-8")
    for name, letters in differences(judged).items():
        reason = next(case[3] for case in SUITE["cases"] if case[0] == name)
        if bool(letters) is not bool(reason):
            print(f"{name}: they differ on {letters or 'no server'}, and the reason is {reason or 'missing'}")
    print(f"wrote {PEERS_PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
