"""What is wrong with the options of `serve`, all of it at once, and the values that are made of them.

The TLS options have a file of their own, `tlsoptions`.
"""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING

from netlab.cli import tlsoptions
from netlab.cli.errors import UserError
from netlab.http1.forwarded import TrustedProxies
from netlab.server.config import Timeouts

if TYPE_CHECKING:
    from netlab.cors import Policy


def mistakes(options: argparse.Namespace) -> list[str]:
    """What the options alone can get wrong: everything is named at once."""
    return [*_alone(options), *tlsoptions.mistakes(options), *_refused(options)]


def _alone(options: argparse.Namespace) -> list[str]:
    return [
        text
        for is_wrong, text in (
            (not 0 <= options.port <= 65535, f"--port {options.port} is no port: give 0 to 65535"),
            (options.workers < 1, f"--workers {options.workers}: give 1 or more"),
            (
                not 0 <= options.worker_timeout < math.inf,
                f"--worker-timeout {options.worker_timeout:g}: give seconds, or 0 for never",
            ),
            (
                options.log_file is not None and options.log_config is not None,
                "--log-file and --log-config: give one of the two",
            ),
            (
                options.listing and not options.dir,
                "--listing shows the folders of --dir PATH, which is missing",
            ),
            (
                options.uds is not None and bool(options.port),
                f"--uds {options.uds} and --port {options.port}: give one of the two",
            ),
            (options.uds == "", "--uds is empty: give the path of a Unix socket"),
            (
                options.uds_mode is not None and re.fullmatch("0?[0-7]{3}", options.uds_mode) is None,
                f"--uds-mode {options.uds_mode} is no mode: give three octal digits, such as 660",
            ),
            (
                options.uds_mode is not None and not options.uds,
                f"--uds-mode {options.uds_mode} is for a Unix socket: give --uds, too",
            ),
            (
                options.limit_concurrency is not None and options.limit_concurrency < 1,
                f"--limit-concurrency {options.limit_concurrency}: give 1 or more",
            ),
            (options.reload and options.workers > 1, "--reload and --workers: give one of the two"),
            (options.reload and bool(options.uds), "--reload and --uds: give --port in place of --uds"),
            (bool(options.reload_dir) and not options.reload, "--reload-dir needs --reload"),
            (
                options.fd is not None and bool(options.uds),
                f"--fd {options.fd} and --uds {options.uds}: give one of the two",
            ),
        )
        if is_wrong
    ]


def _refused(options: argparse.Namespace) -> list[str]:
    """What the values made of the options refuse."""
    wrong = []
    for make in (timeouts_of, trusted_proxies, cors_policy):
        try:
            make(options)
        except UserError as mistake:
            wrong.append(str(mistake))
    return wrong


def timeouts_of(options: argparse.Namespace) -> Timeouts | None:
    """The deadlines that the options set. Raises UserError."""
    if options.timeout_keep_alive is None:
        return None
    try:
        return Timeouts(idle=options.timeout_keep_alive)
    except ValueError as mistake:
        raise UserError(f"--timeout-keep-alive: {mistake}") from None


def trusted_proxies(options: argparse.Namespace) -> TrustedProxies | None:
    """The peers whose Forwarded fields are believed. Raises UserError."""
    if options.forwarded_allow_ips is None:
        return None
    try:
        return TrustedProxies(options.forwarded_allow_ips.split(","))
    except ValueError as mistake:
        raise UserError(f"--forwarded-allow-ips: {mistake}") from None


def cors_policy(options: argparse.Namespace) -> Policy | None:
    """The CORS policy; None without origins. Raises UserError."""
    if not options.cors_origin:
        if options.cors_credentials or options.cors_debug:
            option = "--cors-credentials" if options.cors_credentials else "--cors-debug"
            raise UserError(f"{option} needs at least one --cors-origin")
        return None
    from netlab.cors import Policy, PolicyError  # a server without CORS does not pay for it

    try:
        return Policy.for_origins(
            options.cors_origin, credentials=options.cors_credentials, debug=options.cors_debug
        )
    except PolicyError as mistake:
        raise UserError(" ".join(str(mistake).split())) from None
