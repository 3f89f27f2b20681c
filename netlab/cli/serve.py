"""`python -m netlab serve`: the server from the command line."""

from __future__ import annotations

import argparse
import errno
import importlib
import inspect
import os
import ssl
import sys
import time
from typing import Any

from netlab.cli.errors import UserError
from netlab.http1.messages import RequestHead
from netlab.probes import hooks
from netlab.server.connection import Connection
from netlab.server.exchange import Response
from netlab.server.server import Server


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of `serve`."""
    add = parser.add_argument
    add("app", nargs="?", metavar="APP", help="module:name of a handler or ASGI app (default: demonstration)")
    add("--dir", metavar="PATH", help="serve the files of this folder, hidden ones left out, not an app")
    add("--listing", action="store_true", help="with --dir: show what a folder without index.html contains")
    add("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    add("--port", type=int, default=0, help="port to listen on (default 0: a free one)")
    add("--uds", metavar="PATH", help="listen on a Unix socket instead")
    add("--tls", action="store_true", help="TLS with the certificates of `netlab certs`, minted if need be")
    add("--cert", metavar="PEM", help="TLS with this certificate chain")
    add("--key", metavar="PEM", help="and this private key")
    add(
        "--cors-origin", metavar="ORIGIN", action="append", default=[], help="an origin that may read answers"
    )
    add("--cors-credentials", action="store_true", help="and may send credentials")
    add("--workers", type=int, default=1, metavar="N", help="processes that share the port (default 1)")
    add("--access-log", action="store_true", help="a line on standard error for each response")


def run(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    if not 0 <= options.port <= 65535:
        raise UserError(f"--port {options.port} is no port: give 0 to 65535")
    if options.workers < 1:
        raise UserError(f"--workers {options.workers}: give 1 or more")
    if options.listing and not options.dir:
        raise UserError("--listing shows the folders of --dir PATH, which is missing")
    if options.uds and options.port:
        raise UserError(f"--uds {options.uds} and --port {options.port}: give one of the two")
    tls, cors = _tls(options), _cors(options)
    hooks.offer()  # only when `netlab probe` started us: it may ask for a garbage collection
    app = _folder(options) if options.dir else _app(options.app)
    settings: dict[str, Any] = {
        "host": options.host,
        "port": options.port,
        "uds": options.uds,
        "tls": tls,
        "cors": cors,
        "access_log": _log_access if options.access_log else None,
    }
    try:
        _run(app, options.workers, settings)
    except OSError as error:
        raise UserError(_why_not(error, options)) from None
    return 0


def _run(app: Any, workers: int, settings: dict[str, Any]) -> None:
    from netlab.server.running import StartupFailed, serve

    def each(server: Server) -> None:
        if hasattr(app, "server"):
            app.server = server

    def say(url: str) -> None:
        print(f"netlab serving {url}", flush=True)

    def ready(server: Server) -> None:
        each(server)
        say(server.url)

    try:
        if workers == 1:
            serve(app, ready=ready, **settings)
        else:
            from netlab.server.workers import serve_workers

            serve_workers(app, workers, ready=say, each=each, **settings)
    except StartupFailed as failure:
        # Frameworks give a whole traceback; its last line says what went wrong.
        raise UserError(f"the app cannot start: {str(failure).strip().splitlines()[-1]}") from None


def _app(name: str | None) -> Any:
    """The handler that is named, or the demonstration app."""
    if name is None:
        from netlab.cli.demonstration import Demonstration

        return Demonstration()
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise UserError(f"APP {name!r} is not module:name, such as myapp:app")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UserError(f"APP {name!r}: no module named {error.name!r} from {os.getcwd()}") from None
    except Exception as error:
        raise UserError(f"APP {name!r}: importing it failed: {type(error).__name__}: {error}") from None
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise UserError(f"APP {name!r}: {module_name} has no callable {attribute!r}")
    return _adapt(found)


def _folder(options: argparse.Namespace) -> Any:
    """The handler of --dir."""
    from netlab.server.files import Folder

    if options.app:
        raise UserError(f"--dir and APP {options.app!r}: give one of the two")
    try:
        return Folder(options.dir, listing=options.listing)
    except ValueError as mistake:
        raise UserError(f"--dir: {mistake}") from None


def _adapt(app: Any) -> Any:
    """An ASGI app takes (scope, receive, send), a netlab handler one request."""
    call = app if inspect.isfunction(app) or inspect.ismethod(app) else type(app).__call__
    try:
        parameters = [p for p in inspect.signature(call).parameters.values() if p.default is p.empty]
    except (TypeError, ValueError):
        return app
    wanted = len([p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)])
    own = 0 if inspect.isfunction(app) or inspect.ismethod(app) else 1
    if wanted - own == 3:
        from netlab.asgi import AsgiHandler

        return AsgiHandler(app)
    return app


def _tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    if bool(options.cert) != bool(options.key):
        missing = "--key" if options.cert else "--cert"
        raise UserError(f"--cert and --key belong together: {missing} is missing")
    if options.tls and options.cert:
        raise UserError("--tls takes the minted certificates, --cert names others: give one of the two")
    if not options.tls and not options.cert:
        return None
    from netlab.tls.context import ConfigurationError, server_context

    chain, key = options.cert, options.key
    if options.tls:
        from netlab.cli.certs import provide

        minted = provide(None)
        did = "minted" if minted.minted else "found"
        where = minted.root.parent.resolve()
        print(f"netlab: certificates {did} in {where}; a client trusts root.pem there", file=sys.stderr)
        chain, key = minted.chain, minted.leaf_key
    try:
        return server_context(chain, key)
    except ConfigurationError as mistake:
        raise UserError(str(mistake)) from None


def _cors(options: argparse.Namespace) -> Any:
    if not options.cors_origin:
        if options.cors_credentials:
            raise UserError("--cors-credentials needs at least one --cors-origin")
        return None
    from netlab.cors import Policy, PolicyError

    try:
        return Policy.for_origins(options.cors_origin, credentials=options.cors_credentials)
    except PolicyError as mistake:
        raise UserError(" ".join(str(mistake).split())) from None


def _why_not(error: OSError, options: argparse.Namespace) -> str:
    """One line for an address that cannot be had."""
    if options.uds:
        if error.errno == errno.EADDRINUSE:
            return (
                f"{options.uds} is there already and no socket of a stopped server: give another --uds PATH"
            )
        return f"cannot listen on {options.uds}: {error.strerror or error}"
    where = f"{options.host}:{options.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use: stop the other program, or give another --port (0 takes a free one)"
    if error.errno == errno.EACCES:
        return f"no permission to listen on {where}: ports below 1024 need root; give another --port"
    return f"cannot listen on {where}: {error.strerror or error}"


def _log_access(connection: Connection, head: RequestHead, response: Response) -> None:
    """One line, fields that a client controls written so that no control octet reaches a terminal."""
    when = time.strftime("%H:%M:%S")
    agent = head.fields.get("user-agent") or "-"
    line = f"{when} {connection.peer or '-'} {head.method} {head.target} {response.status} {agent[:120]!r}"
    print(line.encode("ascii", "backslashreplace").decode(), file=sys.stderr)
