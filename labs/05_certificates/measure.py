"""The evidence of lab 05: the chain broken in every way of netlab's table, and what three clients say to it.

The root and the intermediate are made by the code under measure, and its `ask` reads out every verdict. Each
verdict is that of a real handshake on loopback. Two things are played between two contexts in memory (see
`playing`): handshakes that fail although the chain is good, and the claim itself, which asks whether the
public key is in the bytes on the wire.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from playing import play

from labs.runner import plots
from labs.runner.evidence import Measurement, NotShown, Plot, Run, Table, Verdict
from netlab import tls
from netlab.tls import breakage, cases, issue

HOSTS = ("localhost", "127.0.0.1", "::1")
VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True)
class Row:
    """One chain, and what was said to it."""

    name: str
    wrong: str
    rule: str
    default: Any  # the code's Verdict: of ssl.create_default_context
    hardened: Any  # the same: of netlab.tls.client_context, given the revocation list if there is one
    curl: int | None  # exit status; None without curl
    told: str  # what the server learned from the hardened client
    expected: int

    @property
    def default_accepts(self) -> bool:
        """Whether Python's default client went on."""
        return bool(self.default.code == 0)


@dataclass(frozen=True)
class Bench:
    """Where the chains are laid out, and the authorities that they are broken from."""

    run: Run
    folder: Path
    good: breakage.Hierarchy
    now: datetime

    def lay_out(self, case: breakage.Breakage | breakage.Failure) -> tuple[breakage.Served, cases.Files]:
        """Break the chain, and write the files of the case into a folder of its own."""
        served = case.make(self.good, self.now)
        return served, cases.write(served, self.good, Path(tempfile.mkdtemp(dir=self.folder)))

    def row(self, case: breakage.Breakage) -> Row:
        """Break the chain, show it to the three clients."""
        _, files = self.lay_out(case)
        code = self.run.code
        with code.serving(files.chain, files.key) as server:
            default = code.ask(server.address, case.host, cases.python_client(files))
            hardened = code.ask(server.address, case.host, cases.netlab_client(files))
            status = curl(files.root, case.host, server.address[1])
        told = server.told[1].replace("_", " ")
        return Row(case.name, case.wrong, case.rule, default, hardened, status, told, case.default)

    def mended(self, case: breakage.Breakage) -> tuple[str, str, str]:
        """Of a chain that Python's default client accepts: the line that makes it look, its verdict then."""
        _, files = self.lay_out(case)
        code = self.run.code
        if files.crls:
            line = "verify_flags |= VERIFY_CRL_CHECK_LEAF"
            context = code.client_that_asks(files.root, files.crls[0])
        else:
            line = "hostname_checks_common_name = False"
            context = ssl.create_default_context(cafile=files.root)
            context.hostname_checks_common_name = False
        with code.serving(files.chain, files.key) as server:
            said = code.ask(server.address, case.host, context)
        return case.name, line, f"{said.code} {said.message}"

    def failure(self, case: breakage.Failure) -> tuple[str, str, str, str]:
        """A handshake that fails although the chain is good: what each side then knows."""
        served, files = self.lay_out(case)
        try:
            server = cases.server_side(served, files)
        except tls.ConfigurationError:
            return case.name, case.wrong, "no server to connect to", "refuses to load the two files"
        played = play(cases.netlab_client(files), server, case.host)
        return case.name, case.wrong, played.client, played.server


def curl(root: Path, host: str, port: int) -> int | None:
    """curl's exit status, None if it is not installed."""
    if shutil.which("curl") is None:
        return None
    command = ["curl", "--silent", "--ipv4", "--noproxy", "*", "--max-time", "10", "--cacert", str(root)]
    command += ["--resolve", f"{host}:{port}:127.0.0.1"]
    return subprocess.run(
        [*command, f"https://{host}:{port}/"], stdout=subprocess.DEVNULL, check=False
    ).returncode


# -- the measurement ----------------------------------------------------------------------------------


def measure(run: Run) -> Measurement:
    """Break the chain that `run.code` makes, ask three clients, then look for the key on the wire."""
    now, code = datetime.now(UTC), run.code
    root = code.make_root("the lab's root", now)
    intermediate = code.make_intermediate("the lab's intermediate", root, now)
    good = breakage.Hierarchy(
        issue.Issued(root.certificate, root.key), issue.Issued(intermediate.certificate, intermediate.key)
    )
    unbroken = _leaf_of(code, intermediate)
    control = replace(
        breakage.CONTROL,
        name="(nothing)",
        wrong="the chain as the code under measure makes it",
        make=unbroken,
    )
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(run, Path(scratch), good, now)
        run.say("the chain before it is broken")
        first = bench.row(control)
        if first.hardened.code or first.default.code:
            raise NotShown(
                f"needs a chain that is accepted before it is broken; this one: {first.hardened.message}"
            )
        rows = []
        for case in breakage.BREAKAGES:
            run.say(f"breaking the chain: {case.name}")
            rows.append(bench.row(case))
        tables = _other_tables(bench, {row.name for row in rows if row.default_accepts})
        run.say("looking for the public key on the wire")
        seen = {version: _key_in_clear(bench, control, version) for version in VERSIONS}
    return _measured(first, rows, tables, seen)


def _leaf_of(code: Any, intermediate: Any) -> breakage.Recipe:
    """The recipe of the unbroken chain: a leaf by the code under measure."""

    def make(good: breakage.Hierarchy, now: datetime) -> breakage.Served:
        leaf = code.make_leaf(HOSTS, intermediate, now)
        return breakage.Served((leaf.certificate, intermediate.certificate), leaf.key)

    return make


def _other_tables(bench: Bench, accepted: set[str]) -> list[Table]:
    say = bench.run.say
    mended = [bench.mended(case) for case in breakage.BREAKAGES if case.name in accepted]
    say("a matter of form")
    formal = [bench.row(case) for case in breakage.FORMALITIES]
    say("odd, and accepted")
    # The lab's own small server asks no client for a certificate: that row is played in memory, below.
    odd = [case for case in breakage.ACCEPTED[1:] if case.name != "client certificate"]
    accepts = [bench.row(case) for case in odd]
    say("handshakes that fail although the chain is good")
    failures = [bench.failure(case) for case in breakage.FAILURES]
    return [_mends(mended), _formalities(formal), _odd(accepts), _failures(failures)]


def _key_in_clear(bench: Bench, case: breakage.Breakage, version: str) -> bool:
    """Whether the leaf's public key stands in the bytes that the server sends, as any onlooker sees them."""
    served, files = bench.lay_out(case)
    only = VERSIONS[version]
    server = tls.server_context(files.chain, files.key, minimum=only, maximum=only)
    client = tls.client_context(files.root, minimum=only, maximum=only)
    point = served.key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return point in play(client, server, "localhost").sent_by_server


# -- the verdict --------------------------------------------------------------------------------------


def _measured(control: Row, rows: Sequence[Row], more: Sequence[Table], seen: dict[str, bool]) -> Measurement:
    accepted = [row.name for row in rows if row.default_accepts]
    by_netlab = [row.name for row in rows if row.hardened.code == 0]
    by_curl = [row.name for row in rows if row.curl == 0]
    figures: dict[str, float | int | str] = {
        "broken_chains": len(rows),
        "accepted_by_default": len(accepted),
        "accepted_by_netlab": len(by_netlab),
        "distinct_verify_codes": len({row.hardened.code for row in rows}),
        "key_in_clear_in_tls_1_2": int(seen["TLS 1.2"]),
        "key_in_clear_in_tls_1_3": int(seen["TLS 1.3"]),
    }
    if control.curl is not None:
        figures["accepted_by_curl"] = len(by_curl)
    verdict, condition = _verdict(seen)
    headline = (
        f"{len(rows) - len(accepted)} of {len(rows)} broken chains are refused by Python's default client; "
        f"it accepts: {', '.join(accepted) or 'none'}. "
        f"The key crosses the wire in clear in {' and '.join(v for v in VERSIONS if seen[v]) or 'no version'}"
    )
    return Measurement(
        figures=figures,
        verdict=verdict,
        condition=condition,
        headline=headline,
        tables=[_reasons([control, *rows]), _clients([control, *rows]), *more],
        plots=_picture([control, *rows]),
        notes=_notes(rows, control),
    )


def _verdict(seen: dict[str, bool]) -> tuple[Verdict, str]:
    clear, hidden = ([version for version in VERSIONS if seen[version] is state] for state in (True, False))
    if not hidden:
        return Verdict.TRUE, ""
    if not clear:
        return Verdict.TRUE_ONLY_IF, "you connect to the server yourself: on the wire it is encrypted"
    how = f"the connection is {' or '.join(clear)}, or you connect yourself"
    return Verdict.TRUE_ONLY_IF, f"{how}: {' and '.join(hidden)} encrypts the certificate"


def _said(verdict: Any) -> str:
    return f"{verdict.code}" if verdict.code else "accepted"


def _exit(status: int | None) -> str:
    return {None: "not asked", 0: "accepted"}.get(status, f"refused ({status})")


def _reasons(rows: Sequence[Row]) -> Table:
    return Table(
        "Why each chain is refused (by netlab's client, which checks all it can)",
        ("broken", "what is wrong", "rule", "code", "the verifier's words"),
        [(row.name, row.wrong, row.rule, row.hardened.code, row.hardened.message) for row in rows],
    )


def _clients(rows: Sequence[Row]) -> Table:
    return Table(
        "Which client refuses it (verify code), and what the server is told (TLS alert, RFC 8446 §6.2)",
        ("broken", "Python's default", "netlab's client", "curl (exit status)", "the server is told"),
        [
            (
                row.name,
                _said(row.default),
                _said(row.hardened),
                _exit(row.curl),
                row.told,
            )
            for row in rows
        ],
    )


def _mends(mended: Sequence[tuple[str, str, str]]) -> Table:
    return Table(
        "What Python's default client accepts, and the one line that makes it look",
        ("broken", "the line", "its verdict then"),
        mended,
    )


def _formalities(rows: Sequence[Row]) -> Table:
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}'s default"
    return Table(
        "A matter of form: refused only when RFC 5280 is read strictly (Python does so from 3.13 on)",
        ("broken", "what is wrong", python, "strict", "the verifier's words"),
        [
            (row.name, row.wrong, _said(row.default), _said(row.hardened), row.hardened.message)
            for row in rows
        ],
    )


def _odd(rows: Sequence[Row]) -> Table:
    return Table(
        "It looks odd, and a client that reads the rules accepts it",
        ("chain", "what is odd", "Python's default", "netlab's client", "curl (exit status)"),
        [(row.name, row.wrong, _said(row.default), _said(row.hardened), _exit(row.curl)) for row in rows],
    )


def _failures(rows: Sequence[tuple[str, str, str, str]]) -> Table:
    return Table(
        "The chain is good, and the handshake fails (OpenSSL's reason on each side)",
        ("case", "what is wrong", "the client knows", "the server knows"),
        rows,
    )


def _notes(rows: Sequence[Row], control: Row) -> list[str]:
    notes = [f"Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}"]
    notes += [
        f"{row.name}: code {row.default.code} here, {row.expected} where this lab was written"
        for row in rows
        if row.default.code != row.expected
    ]
    if control.curl is None:
        notes.append("curl not shown on this machine: needs curl (apt-get install curl)")
    elif control.curl:
        notes.append(
            f"curl refuses the unbroken chain too (exit status {control.curl}): its column says nothing"
        )
    return notes


def _picture(rows: Sequence[Row]) -> list[Plot]:
    columns = ["Python's default", "netlab's client"]
    cells = [[_said(row.default), _said(row.hardened)] for row in rows]
    if rows[0].curl is not None:
        columns.append("curl")
        for row, line in zip(rows, cells, strict=True):
            line.append("accepted" if row.curl == 0 else "refused")

    def draw(axes: Any) -> None:
        for y, (row, line) in enumerate(zip(rows, cells, strict=True)):
            for x, said in enumerate(line):
                # Right is: the control accepted, all else refused.
                right = (said == "accepted") is (row is rows[0])
                axes.barh(y, 0.96, left=x, height=0.88, color=plots.GREEN if right else plots.RED)
                axes.text(x + 0.48, y, said, ha="center", va="center", color="white")
        axes.set_yticks(range(len(rows)), [row.name for row in rows])
        axes.set_xticks([x + 0.48 for x in range(len(columns))], columns)
        axes.xaxis.tick_top()
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(False)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)

    return [
        Plot(
            "What each client says to each chain (red: it says the wrong thing)", plots.svg(draw, height=7.4)
        )
    ]
