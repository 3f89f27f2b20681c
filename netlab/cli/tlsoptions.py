"""The TLS options of `serve`: certificates, versions, session tickets, HSTS."""

from __future__ import annotations

import argparse
import ssl
import sys
from pathlib import Path
from typing import NamedTuple

from netlab.cli.errors import UserError
from netlab.server.server import Server

# Seconds after which session tickets are encrypted with new keys. With a stolen key, what was said under
# TLS 1.2 in that time can be read (RFC 5077 §5.5).
TICKET_KEYS = 12 * 3600.0

# Seconds in a year, which browsers' preload lists ask for.
YEAR = 31_536_000

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Tls(NamedTuple):
    """The server's context, and the root that a client must trust, where we know it. None: plain HTTP."""

    context: ssl.SSLContext | None
    root: Path | None


def add_options(group: argparse._ArgumentGroup) -> None:
    """Declare them."""
    add = group.add_argument
    add("--tls", action="store_true", help="TLS with the certificates of `netlab certs`, minted if need be")
    add("--cert", metavar="PEM", help="TLS with this certificate chain; SIGHUP loads it anew")
    add("--key", metavar="PEM", help="and this private key")
    add("--tls-max", choices=VERSIONS, metavar="VERSION", help="the newest TLS version spoken: 1.2 or 1.3")
    add("--no-tickets", action="store_true", help="no session tickets: every handshake is a full one")
    add(
        "--hsts",
        nargs="?",
        const=YEAR,
        type=int,
        metavar="SECONDS",
        help="browsers are to use https alone for this host, on every port, for so long (default: a year)",
    )


def mistakes(options: argparse.Namespace) -> list[str]:
    """What the TLS options alone can get wrong."""
    secure = bool(options.tls or options.cert)
    given = [
        name
        for name, is_given in (
            ("--tls-max", options.tls_max is not None),
            ("--no-tickets", options.no_tickets),
            ("--hsts", options.hsts is not None),
        )
        if is_given
    ]
    wrong = [f"{name} is about TLS: give --tls or --cert, too" for name in given if not secure]
    if bool(options.cert) != bool(options.key):
        missing = "--key" if options.cert else "--cert"
        wrong.append(f"--cert and --key belong together: {missing} is missing")
    if options.tls and options.cert:
        wrong.append("--tls takes the minted certificates, --cert names others: give one of the two")
    if options.hsts is not None and options.hsts < 0:
        wrong.append(f"--hsts {options.hsts}: give seconds, 0 to end it")
    return wrong


def make(options: argparse.Namespace) -> Tls:
    """The context that the options ask for. Raises UserError."""
    if not options.tls and not options.cert:
        return Tls(None, None)
    from netlab.tls.context import TICKETS, ConfigurationError, server_context

    chain, key, root = options.cert, options.key, None
    if options.tls:
        from netlab.cli.certs import provide

        minted = provide(None)
        did = "minted" if minted.minted else "found"
        where = minted.root.parent.resolve()
        print(f"netlab: certificates {did} in {where}; a client trusts root.pem there", file=sys.stderr)
        chain, key, root = minted.chain, minted.leaf_key, minted.root
    maximum = VERSIONS[options.tls_max] if options.tls_max else None
    tickets = 0 if options.no_tickets else TICKETS
    try:
        return Tls(server_context(chain, key, maximum=maximum, tickets=tickets), root)
    except ConfigurationError as mistake:
        raise UserError(str(mistake)) from None


def renew_ticket_keys(server: Server) -> None:
    """From now on, give this server new keys for its session tickets every TICKET_KEYS seconds.

    With several workers each has keys of its own from then on: a client that comes to another worker makes a
    full handshake.
    """

    def renew() -> None:
        if not server.draining:
            server.renew_ticket_keys()
            server.loop.call_later(TICKET_KEYS, renew)

    if server.tls is not None:
        server.loop.call_later(TICKET_KEYS, renew)
