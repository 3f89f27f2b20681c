"""`python -m netlab certs serve`: each row of `tls.breakage` on a port of its own, and an index page.

A browser, curl, or a client that the reader writes can be tried on each. All certificates are made when the
command starts, and again twice a day, so that none fails for another reason than its own. The page itself
is in `gallery_page`.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import netlab
from netlab.cli import gallery_page
from netlab.cli.errors import UserError
from netlab.cli.gallery_case import Case, Row, slug_of
from netlab.tls import breakage, cases, issue
from netlab.tls.authority import Certificates
from netlab.tls.context import ConfigurationError

HOST = "127.0.0.1"
RENEW = 12 * 3600.0  # seconds; no certificate here is made for less than a day

_TEXT = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
_HTML = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
_JSON = {"content-type": "application/json", "cache-control": "no-store"}
_PEM = {"content-type": "application/x-pem-file", "cache-control": "no-store"}


class Gallery:
    """The app of the index page; its cases start and stop with it."""

    def __init__(
        self, good: breakage.Hierarchy, folder: Path, first_port: int = 0, shown: Sequence[Row] | None = None
    ) -> None:
        """Show cases below the authorities `good`, with their files in `folder`.

        Args:
            first_port: the index page's port, the cases take the next ones; 0: free ports.
            shown: the rows; None: all of them.
        """
        self.good = good
        self.folder = folder
        self.root = folder / "root.pem"
        self.first_port = first_port
        self.shown = tuple(rows() if shown is None else shown)
        self.cases: list[Case] = []
        self._renewal: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Make every case, and listen for it. Raises OSError when a port is in use."""
        self.root.write_bytes(issue.pem(self.good.root.certificate))
        now = datetime.now(UTC)
        for number, row in enumerate(self.shown):
            case = self._make(row, now)
            self.cases.append(case)
            if case.context is not None:
                port = self.first_port + 1 + number if self.first_port else 0
                case.server = netlab.Server(_Answer(case), host=HOST, port=port, tls=case.context)
                await case.server.start()
        self._renewal = asyncio.create_task(self._renew())

    async def shutdown(self) -> None:
        """Close every case."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
        await asyncio.gather(*(case.server.stop(1) for case in self.cases if case.server))

    def _make(self, row: Row, now: datetime) -> Case:
        served = row.make(self.good, now)
        files = cases.write(served, self.good, self.folder / slug_of(row))
        case = Case(row, files, files.root if served.root else self.root)
        try:
            case.context = cases.server_side(served, case.files)
        except ConfigurationError:
            return case
        case.context.sslsocket_class = _noting(case.note)
        return case

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            self.renew(datetime.now(UTC))

    def renew(self, now: datetime) -> None:
        """Make the certificates of every case anew; the next handshake shows the new ones."""
        for case in self.cases:
            case.files = cases.write(case.row.make(self.good, now), self.good, self.folder / case.slug)
            if case.context is not None:
                case.context.load_cert_chain(case.files.chain, case.files.key)

    # -- the index page's app ------------------------------------------------------------------------------

    async def __call__(self, request: netlab.Request) -> netlab.Response:
        """The page, the cases and what their servers were told as JSON, the root, and each case's files."""
        path = request.path
        if path == "/":
            return netlab.Response(200, gallery_page.render(self.cases, self.root).encode(), _HTML)
        if path == "/told.json":
            told = {case.slug: case.told for case in self.cases}
            return netlab.Response(200, json.dumps(told).encode(), _JSON)
        if path == "/cases.json":
            listed = [case.to_json() for case in self.cases]
            return netlab.Response(200, json.dumps(listed, indent=1).encode(), _JSON)
        if path == "/root.pem":
            return netlab.Response(200, self.root.read_bytes(), _PEM)
        for case in self.cases:
            for file in case.downloads():
                if path == f"/{case.slug}/{file.name}":
                    return netlab.Response(200, file.read_bytes(), _PEM)
        return netlab.Response(404, b"no such page: the list is at /\n", _TEXT)


class _Answer:
    """The app of one case: what a client reads that accepted it."""

    def __init__(self, case: Case) -> None:
        self.case = case

    async def __call__(self, request: netlab.Request) -> netlab.Response:
        return netlab.Response(200, gallery_page.reached(self.case.row).encode(), _TEXT)


def _noting(note: Callable[[str], None]) -> type[ssl.SSLSocket]:
    """A socket class whose handshakes are noted: "accepted", or the reason, such as the client's alert."""

    class Noting(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            try:
                super().do_handshake(block)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except OSError as error:
                note(_ending(error))
                raise
            note(_stamped("accepted"))

    return Noting


def _ending(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _stamped(f"{error.verify_code} {error.verify_message}")
    if isinstance(error, ssl.SSLEOFError | ConnectionError):
        return _stamped("closed without an alert")
    reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return _stamped(str(reason).rpartition("ALERT_")[2].lower().replace("_", " "))


def _stamped(ended: str) -> str:
    return f"{time.strftime('%H:%M:%S')} {ended}"


def rows() -> Iterator[Row]:
    """Every row, in the order of the page."""
    yield from breakage.ACCEPTED
    yield from breakage.BREAKAGES
    yield from breakage.FORMALITIES
    yield from breakage.FAILURES


def run(made: Certificates, port: int) -> int:
    """Serve until a signal. Raises UserError when a port cannot be had."""
    if not 0 <= port <= 65535 - 100:
        raise UserError(
            f"--port {port}: give 0 (free ports) or a port up to 65435: the cases take the next ones"
        )
    good, root = _authorities(made)

    def ready(server: netlab.Server) -> None:
        shown = sum(case.server is not None for case in gallery.cases)
        print(f"netlab shows {shown} certificates; the list: http://{HOST}:{server.port}/", flush=True)
        print(f"a client that trusts {root or gallery.root} meets each one's own reason", flush=True)

    with tempfile.TemporaryDirectory(prefix="netlab-certs-") as folder:
        gallery = Gallery(good, Path(folder), port)
        try:
            netlab.serve(gallery, host=HOST, port=port, ready=ready)
        except OSError as error:
            raise UserError(
                f"a port from {port} on cannot be had: {error.strerror or error}; give another --port"
            )
    return 0


def _authorities(made: Certificates) -> tuple[breakage.Hierarchy, Path | None]:
    """The user's own authorities and their root's file, which clients may trust already.

    If a key was put away: new authorities, and no file.
    """
    try:
        root, intermediate = (
            issue.Issued(x509.load_pem_x509_certificate(pem.read_bytes()), _key(key))
            for pem, key in ((made.root, made.root_key), (made.intermediate, made.intermediate_key))
        )
    except (OSError, ValueError, TypeError):
        print("netlab: root.key is not in the folder: the cases have a root of their own", flush=True)
        return breakage.hierarchy(datetime.now(UTC)), None
    return breakage.Hierarchy(root, intermediate), made.root.resolve()


def _key(file: Path) -> issue.Key:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, issue.Key):
        raise ValueError("not a kind of key that netlab mints")
    return key
