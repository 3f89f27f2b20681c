"""`python -m netlab certs`: mint what is due, say what was made, and print the commands that check it."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from netlab.cli.errors import UserError
from netlab.tls import authority

_PORT = 8443  # any will do: the same one in every command printed


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--out", type=Path, default=authority.FOLDER, metavar="DIR", help="the folder (default: %(default)s)"
    )
    parser.add_argument(
        "--renew",
        action="store_true",
        help="mint all of them anew, the root too: whoever trusts the old root must trust the new one",
    )


def run(options: argparse.Namespace) -> int:
    """Mint or keep, then print."""
    try:
        made = authority.mint(options.out) if options.renew else authority.ensure(options.out)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"--out {options.out}: no certificates can be kept there: {reason}; name another folder"
        )
    print("\n".join(_report(made)))
    return 0


def _report(made: authority.Certificates) -> Iterator[str]:
    yield f"minted: {', '.join(made.minted)}" if made.minted else "all is good: nothing minted"
    yield ""
    for path, role in (
        (made.root, "trust this one, and only it"),
        (made.intermediate, "signed by the root, signs the leaf"),
        (made.leaf, "the server's own"),
    ):
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        yield f"  {path!s:<28} until {certificate.not_valid_after_utc:%Y-%m-%d}   {role}"
    yield f"  {made.chain!s:<28} {'leaf + intermediate':<18} what a server sends"
    yield f"  {made.leaf_key!s:<28} {'mode 0600':<18} what a server signs with; never give it away"
    yield ""
    root, chain, key = (shlex.quote(str(path)) for path in (made.root, made.chain, made.leaf_key))
    yield "check the files, serve with them, and check the server:"
    yield ""
    intermediate, leaf = shlex.quote(str(made.intermediate)), shlex.quote(str(made.leaf))
    yield f"  openssl verify -x509_strict -CAfile {root} -untrusted {intermediate} {leaf}"
    yield f"  python -m netlab serve --port {_PORT} --cert {chain} --key {key}"
    yield f"  curl --cacert {root} https://localhost:{_PORT}/"
    yield (
        f"  openssl s_client -connect localhost:{_PORT} -CAfile {root} "
        "-verify_hostname localhost -verify_return_error -brief </dev/null"
    )
