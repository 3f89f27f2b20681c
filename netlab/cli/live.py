"""`netlab live`: the bench in the browser, over TLS with the learner's own root, on loopback alone.

The boards and the site are in `netlab.live`; here are options, the first line, and the browser.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import threading
import webbrowser

from netlab.cli.certs import provide
from netlab.cli.errors import UserError
from netlab.live.registry import MODULES, boards
from netlab.live.site import Site
from netlab.server.config import Timeouts
from netlab.server.running import serve
from netlab.server.server import Server
from netlab.tls.context import server_context

DRAIN = 1.0
"""Seconds from Ctrl-C until the pages' connections are cut: experiments need not end well for a page."""

TEXT_BROWSERS = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--port", type=int, default=0, help="the port on 127.0.0.1 (default: a free one)")
    add(
        "server",
        nargs="*",
        metavar="-- COMMAND",
        help='the server that the board of the wire watches, such as `-- uvicorn main:app`; "{port}" in it '
        "is a free port (default: netlab's own)",
    )
    add("--board", choices=MODULES, help="open the page of one board instead of the list")
    add("--no-browser", action="store_true", help="print the address, and open no browser")


def run(options: argparse.Namespace) -> int:
    """Serve until a signal. Raises UserError when the port cannot be had, or the command is none."""
    if options.server and shutil.which(options.server[0]) is None:
        raise UserError(
            f"-- {options.server[0]}: there is no such program: give its path, or add its folder to PATH"
        )
    if not 0 <= options.port <= 65535:
        raise UserError(f"--port {options.port}: give 0 (a free port) to 65535")
    made = provide(None)
    tls = server_context(made.chain, made.leaf_key)
    site = Site(boards(options.server), tls)

    def ready(server: Server) -> None:
        address = site.open_at(server.port) + (options.board or "")
        print(f"netlab live {address}", flush=True)
        if options.no_browser or not _open(address):
            print("open this address in a browser; Ctrl-C ends it and every experiment", flush=True)
        print(f"the browser must trust {made.root} (`netlab certs` says how)", flush=True)

    try:
        serve(
            site,
            ready=ready,
            host="127.0.0.1",
            port=options.port,
            tls=tls,
            timeouts=Timeouts(drain=DRAIN),
        )
    except OSError as error:
        raise UserError(f"--port {options.port}: {error.strerror or error}; give another port") from None
    return 0


def _open(address: str) -> bool:
    """Open it in a browser with a window; False where there is none.

    In a thread, which the end of this process does not wait for: some browsers stay in the foreground.
    """
    # BROWSER names a browser itself: an editor's on another machine needs no display here.
    places = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform != "darwin" and not any(os.environ.get(place) for place in places):
        return False
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return False
    name = getattr(found, "name", "")
    if os.path.basename(name) in TEXT_BROWSERS or (
        name and not shutil.which(name) and sys.platform != "darwin"
    ):
        return False
    threading.Thread(target=found.open, args=(address,), name="browser", daemon=True).start()
    return True
