"""`python -m netlab certs`: mint what is due, say what was made, and print the commands that check it."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from netlab.cli.errors import UserError
from netlab.tls import authority
from netlab.tls.folder import certificates_folder

_PORT = 8443  # any will do: the same one in every command printed


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="the folder (default: certs/ of a netlab checkout; elsewhere netlab/certs in $XDG_DATA_HOME, "
        "which is ~/.local/share if it is not set)",
    )
    parser.add_argument(
        "--renew",
        action="store_true",
        help="mint all of them anew, the root too: every client must then trust the new root",
    )


def run(options: argparse.Namespace) -> int:
    """Mint or keep, then print."""
    made = provide(options.out, renew=options.renew)
    print("\n".join(_report(made)))
    return 0


def provide(folder: Path | None, renew: bool = False) -> authority.Certificates:
    """The certificates of a folder, minted if they are due; the notes go to standard error.

    Args:
        folder: None: the checkout's, or the user's own.
        renew: mint all of them anew.

    Raises:
        UserError: they cannot be had; one line with the repair.
    """
    place = folder or certificates_folder()
    try:
        made = authority.mint(place) if renew else authority.ensure(place)
    except OSError as error:
        reason = error.strerror or error
        where = f"--out {folder}" if folder else str(place)
        raise UserError(f"{where}: no certificates can be kept there: {reason}; name another folder")
    except authority.AuthorityError as error:
        raise UserError(str(error))
    for note in made.notes:
        print(f"netlab: note: {note}", file=sys.stderr)
    return made


def _report(made: authority.Certificates) -> Iterator[str]:
    yield f"minted: {', '.join(made.minted)}" if made.minted else "all is good: nothing minted"
    yield f"folder: {made.root.parent.resolve()}"
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
