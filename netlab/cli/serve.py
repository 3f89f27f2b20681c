"""`python -m netlab serve`: the server from the command line.

Here the options become a server. `serveoptions` says what is wrong with them. What an app is, `interface`
tells; `apps` imports it; `banner` says at the start what is served; `logs` writes the access log; `reload`
starts the server anew when a file changes; `activation` speaks with systemd.
"""

from __future__ import annotations

import argparse
import errno
import logging
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

from netlab.cli import activation, tlsoptions
from netlab.cli.apps import AsgiOptions, Interface, adapt, load
from netlab.cli.banner import banner, kind_of_app
from netlab.cli.errors import UserError
from netlab.cli.logs import Format, access_log, takes_access_lines
from netlab.cli.serveoptions import cors_policy, mistakes, timeouts_of, trusted_proxies
from netlab.probes import hooks
from netlab.server.limited import Limited
from netlab.server.linelog import LineHandler, LineLog
from netlab.server.server import Server

# Options of other servers, and what to do here: shown when one of them is given.
INSTEAD = {
    "--env-file": "left out: the shell does it, `set -a; . ./.env; set +a` before the command",
    "--factory": "give --interface asgi-factory (a function without arguments is taken for one anyway)",
    "--bind": "give --host and --port, or --uds",
    "-b": "give --host and --port, or --uds",
    "-w": "give --workers",
    "--proxy-headers": "give --forwarded-allow-ips with the addresses of your proxies",
    "--no-proxy-headers": "that is the default: no peer is believed",
    "--ssl-keyfile": "give --key",
    "--ssl-certfile": "give --cert",
    "--log-level": "give a logging configuration with --log-config",
    "--no-access-log": "that is the default; --access-log turns it on",
    "--app-dir": "run the command in that folder",
    "--http": "netlab has one HTTP implementation, its own",
    "--loop": "netlab runs on asyncio's own loop",
    "--ws": "netlab serves no WebSocket (see netlab/asgi/README.md)",
    "--timeout-graceful-shutdown": "30 s; a second signal ends at once",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of `serve`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    _what(parser.add_argument_group("what is served"))
    _where(parser.add_argument_group("where"))
    _how(parser.add_argument_group("how"))
    _shown(parser.add_argument_group("what is logged"))


_EPILOG = """behind nginx, to have the client's address, scheme and host in your app:
  netlab serve myapp:app --port 8000 --forwarded-allow-ips 127.0.0.1
  location / {
      proxy_pass http://127.0.0.1:8000;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Forwarded "";
  }

--env-file is left out: the shell does it (set -a; . ./.env; set +a)."""


def _what(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("app", nargs="?", metavar="APP", help="module:name of a handler or ASGI app (default: demonstration)")
    add(
        "--interface",
        choices=[each.value for each in Interface],
        default="auto",
        help="what APP is; auto looks at its parameters",
    )
    add("--dir", metavar="PATH", help="serve the files of this folder, hidden ones left out, not an app")
    add("--listing", action="store_true", help="with --dir: show what a folder without index.html contains")
    add("--root-path", metavar="PREFIX", default="", help="ASGI: the path that the app is mounted under")
    add(
        "--lifespan",
        choices=("auto", "on", "off"),
        default="auto",
        help="ASGI: auto runs an app without lifespan, too; on requires it; off does not ask",
    )


def _where(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    add("--port", type=int, default=0, help="port to listen on (default 0: a free one)")
    add("--uds", metavar="PATH", help="listen on a Unix socket instead")
    add("--uds-mode", metavar="MODE", help="its permissions in octal, such as 660 (default: as umask says)")
    add(
        "--fd",
        type=int,
        metavar="N",
        help="serve on this descriptor, a socket that listens already (systemd's is found without it)",
    )
    tlsoptions.add_options(group)
    add(
        "--forwarded-allow-ips",
        metavar="LIST",
        help="peers whose X-Forwarded-For, -Proto, -Host and Forwarded are believed: addresses, networks, "
        "'unix', or '*' for all; separated by commas (default: none)",
    )


def _how(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--cors-origin", metavar="ORIGIN", action="append", default=[], help="an origin that may read answers"
    )
    add("--cors-credentials", action="store_true", help="and may send credentials")
    add(
        "--cors-debug",
        action="store_true",
        help="let the browser's console name what was refused in a preflight; not for production",
    )
    add("--workers", type=int, default=1, metavar="N", help="processes that share the port (default 1)")
    add(
        "--worker-timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="replace a worker whose event loop has stood still for so long; 0: never (default 60)",
    )
    add(
        "--limit-concurrency",
        type=int,
        metavar="N",
        help="requests under way in one process; further ones get 503 (default: no limit)",
    )
    add(
        "--timeout-keep-alive",
        type=float,
        metavar="SECONDS",
        help="how long an idle connection stays open (default 75)",
    )
    add("--reload", action="store_true", help="start anew when a Python file changes (needs netlab[reload])")
    add(
        "--reload-dir",
        metavar="PATH",
        action="append",
        default=[],
        help="with --reload: a folder to watch (default: the current one)",
    )


def _shown(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--access-log", action="store_true", help="a line on standard error for each response")
    add("--log-file", metavar="PATH", help="write log lines to this file; SIGUSR1 opens it anew")
    add(
        "--access-log-format",
        choices=[each.value for each in Format],
        metavar="FORMAT",
        help="short (default), combined (as Apache and nginx write it), or json; turns --access-log on",
    )
    add(
        "--log-config",
        metavar="FILE",
        help="configure Python's logging: JSON or TOML for dictConfig, or INI; access lines go to the logger "
        "netlab.access, if it takes INFO or --access-log is given",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    if wrong := mistakes(options):
        raise UserError("; ".join(wrong))
    sock = _given_socket(options)
    if options.reload and sock is None:
        from netlab.cli.reload import run_reloading

        try:
            return run_reloading(options.host, options.port, options.reload_dir, options.argv)
        except OSError as error:
            raise UserError(_why_not(error, options)) from None
    if options.log_config is not None:
        from netlab.cli.logconfig import configure_logging

        configure_logging(options.log_config)
    tls, root = tlsoptions.make(options)
    settings = _settings(options, tls, sock)
    hooks.offer()  # only when `netlab probe` started us: it may ask for a garbage collection
    app, served = _served(options)
    try:
        _run(app, options, settings, lambda url: _say(url, served, root))
    except OSError as error:
        raise UserError(_why_not(error, options)) from None
    return 0


def _say(url: str, served: str, root: Path | None) -> None:
    """The server listens: tell the terminal, and the service manager."""
    banner(url, served, root)
    activation.notify("READY=1")


def _settings(
    options: argparse.Namespace, tls: ssl.SSLContext | None, sock: socket.socket | None
) -> dict[str, Any]:
    """The options of Server."""
    settings: dict[str, Any] = {
        "host": None if options.uds or sock is not None else options.host,
        "port": options.port if sock is None else 0,
        "uds": options.uds,
        "uds_mode": None if options.uds_mode is None else int(options.uds_mode, 8),
        "tls": tls,
        "hsts": options.hsts,
        "cors": cors_policy(options),
        "access_log": None,
    }
    lines = None if options.log_config is not None else _line_log(options.log_file)
    if options.access_log or options.access_log_format or (options.log_config and takes_access_lines()):
        settings["access_log"] = access_log(Format(options.access_log_format or "short"), lines)
    if (timeouts := timeouts_of(options)) is not None:
        settings["timeouts"] = timeouts
    if (forwarded := trusted_proxies(options)) is not None:
        settings["forwarded"] = forwarded
    if options.cors_debug:
        print(
            "netlab: --cors-debug: a refused preflight tells every allowed origin which methods and headers "
            "are allowed; not for production",
            file=sys.stderr,
        )
    if sock is not None:
        settings["sock"] = sock
    return settings


def _given_socket(options: argparse.Namespace) -> socket.socket | None:
    """The socket of --fd, or the one that systemd has opened; None when netlab opens its own."""
    if options.fd is not None:
        return activation.listening(options.fd, f"--fd {options.fd}")
    sock = activation.activated()
    if sock is not None:
        given = [name for name in ("port", "uds", "reload") if getattr(options, name)]
        if given:
            raise UserError(f"systemd has opened the socket (LISTEN_FDS): leave out --{given[0]}")
    return sock


def _line_log(path: str | None) -> LineLog:
    """Where access lines and what netlab and the app log go, without ever making the server wait."""
    try:
        lines = LineLog(path)
    except OSError as error:
        raise UserError(f"--log-file {path}: {error.strerror}") from None
    # The handler that Python's logging has where the app configures none: an app's own settings stay.
    logging.lastResort = LineHandler(lines)
    return lines


def _run(app: Any, options: argparse.Namespace, settings: dict[str, Any], say: Any) -> None:
    from netlab.server.running import StartupFailed, serve

    shown = app
    if options.limit_concurrency is not None:
        app = Limited(app, options.limit_concurrency)

    def each(server: Server) -> None:
        if not options.no_tickets:
            tlsoptions.renew_ticket_keys(server)
        if hasattr(shown, "server"):
            shown.server = server

    def ready(server: Server) -> None:
        each(server)
        say(server.url)

    try:
        if options.workers == 1:
            serve(app, ready=ready, **settings)
        else:
            from netlab.prefork.supervisor import serve_workers

            timeout = options.worker_timeout or None
            serve_workers(app, options.workers, ready=say, each=each, worker_timeout=timeout, **settings)
    except StartupFailed as failure:
        # Frameworks give a whole traceback; its last line says what went wrong.
        raise UserError(f"the app cannot start: {str(failure).strip().splitlines()[-1]}") from None


def _served(options: argparse.Namespace) -> tuple[Any, str]:
    """The handler, and what the banner says of it."""
    if options.dir:
        return _folder(options), f"the files of {Path(options.dir).resolve()}"
    if options.app is None:
        from netlab.cli.demonstration import Demonstration

        return Demonstration(), "the demonstration app: /, /echo, /stream?mib=1, /sleep?s=1, /stats"
    handler = _adapt(load(options.app), options)
    return handler, f"{options.app}, {kind_of_app(handler)}"


def _adapt(found: Any, options: argparse.Namespace | None = None) -> Any:
    """The handler for what APP names. Raises UserError, which names APP."""
    if options is None:
        return adapt(found)
    try:
        return adapt(found, Interface(options.interface), AsgiOptions(options.root_path, options.lifespan))
    except ValueError as error:
        raise UserError(f"--root-path: {error}") from None
    except UserError as mistake:
        raise UserError(f"APP {options.app!r}: {mistake}") from None


def _folder(options: argparse.Namespace) -> Any:
    """The handler of --dir."""
    from netlab.server.files import Folder

    if options.app:
        raise UserError(f"--dir and APP {options.app!r}: give one of the two")
    try:
        return Folder(options.dir, listing=options.listing)
    except ValueError as mistake:
        raise UserError(f"--dir: {mistake}") from None


def _why_not(error: OSError, options: argparse.Namespace) -> str:
    """One line for an address that cannot be had."""
    if options.uds:
        if error.errno == errno.EADDRINUSE:
            return f"{options.uds} is there already, {error.strerror}: give another --uds PATH"
        return f"cannot listen on {options.uds}: {error.strerror or error}"
    where = f"{options.host}:{options.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use: stop the other program, or give another --port (0 takes a free one)"
    if error.errno == errno.EACCES:
        return f"no permission to listen on {where}: ports below 1024 need root; give another --port"
    return f"cannot listen on {where}: {error.strerror or error}"
