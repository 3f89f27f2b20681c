"""`python -m netlab certs`: mint what is due, say what was made, which names it covers, and how to trust it.

`certs serve` shows broken certificates instead, each on a port of its own: see `gallery`.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from netlab.cli import trust
from netlab.cli.errors import UserError
from netlab.tls import authority
from netlab.tls.folder import certificates_folder
from netlab.tls.issue import KeyKind

_PORT = 8443  # any will do: the same one in every command printed


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add(
        "action",
        nargs="?",
        choices=("serve",),
        metavar="serve",
        help="show broken certificates, each on a port of its own, with an index page",
    )
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="the folder (default: certs/ of a netlab checkout; elsewhere netlab/certs in $XDG_DATA_HOME, "
        "which is ~/.local/share if it is not set)",
    )
    add(
        "--renew",
        action="store_true",
        help="mint all of them anew, the root too: every client must then trust the new root",
    )
    add(
        "--keys",
        choices=[kind.value for kind in KeyKind if kind is not KeyKind.RSA_1024],
        help="the kind of the leaf's key; a leaf with another kind is minted anew (default: keep, or P-256)",
    )
    add("--client", metavar="NAME", help="make a certificate for a client of this name, too")
    add(
        "--port",
        type=int,
        help="with serve: the index page's port; the cases take the next ones (default: free ones)",
    )


def run(options: argparse.Namespace) -> int:
    """Mint or keep, then print; or serve."""
    if options.port is not None and options.action != "serve":
        raise UserError("--port belongs to `certs serve`: write python -m netlab certs serve --port N")
    made = provide(options.out, renew=options.renew, keys=KeyKind(options.keys) if options.keys else None)
    if options.action == "serve":
        from netlab.cli import gallery

        return gallery.run(made, options.port or 0)
    print("\n".join(_report(made)))
    if options.client is not None:
        print("\n".join(_client(made, options.client)))
    return 0


def provide(folder: Path | None, renew: bool = False, keys: KeyKind | None = None) -> authority.Certificates:
    """The certificates of a folder, minted if they are due; the notes go to standard error.

    Args:
        folder: None: the checkout's, or the user's own.
        renew: mint all of them anew.
        keys: the kind of the leaf's key; None: as it is, or P-256.

    Raises:
        UserError: they cannot be had; one line with the repair.
    """
    try:
        place = folder or certificates_folder()
    except RuntimeError:  # neither $HOME nor an entry of this user's in the system's list
        raise UserError(
            "this user has no home folder: set XDG_DATA_HOME to a folder for certificates"
        ) from None
    try:
        made = authority.mint(place, keys=keys) if renew else authority.ensure(place, keys=keys)
    except OSError as error:
        reason = error.strerror or error
        where = f"--out {folder}" if folder else str(place)
        repair = "name another folder" if folder else "set XDG_DATA_HOME to a folder that can be written"
        raise UserError(f"{where}: no certificates can be kept there: {reason}; {repair}")
    except authority.AuthorityError as error:
        raise UserError(str(error))
    for note in made.notes:
        print(f"netlab: note: {note}", file=sys.stderr)
    return made


# -- what is printed ---------------------------------------------------------------------------------


def _report(made: authority.Certificates) -> Iterator[str]:
    yield f"minted: {', '.join(made.minted)}" if made.minted else "all is good: nothing minted"
    yield f"folder: {made.root.parent.resolve()}"
    yield f"names:  {', '.join(_names(made.leaf))}"
    yield ""
    yield from _files(made)
    yield ""
    yield "check the files, serve with them, and check the server:"
    yield ""
    yield from _checks(made)
    yield ""
    yield "make a client trust the root (the server above runs; Ctrl-C ends it):"
    yield ""
    for client, command in trust.commands(made.root.resolve(), f"https://localhost:{_PORT}/"):
        yield f"  {client}"
        yield f"    {command}"


def _client(made: authority.Certificates, name: str) -> Iterator[str]:
    """Make the client's certificate, and say how it is used. Raises UserError."""
    try:
        chain, key = authority.mint_client(made.root.parent, name)
    except (ValueError, authority.AuthorityError) as error:
        raise UserError(f"--client: {error}") from None
    except OSError as error:
        raise UserError(f"--client {name}: cannot be written: {error.strerror or error}") from None
    files = (made.root, made.leaf, made.intermediate, made.leaf_key)
    root, leaf, intermediate, leaf_key = (shlex.quote(str(path)) for path in files)
    shown = f"--cert {shlex.quote(str(chain))} --key {shlex.quote(str(key))}"
    yield ""
    yield f"a certificate for the client {name}: a server that asks for one, and the client:"
    yield ""
    yield (
        f"  openssl s_server -accept {_PORT} -cert {leaf} -cert_chain {intermediate} -key {leaf_key} "
        f"-CAfile {root} -Verify 2 -verify_return_error -www"
    )
    yield f"  curl --cacert {root} {shown} https://localhost:{_PORT}/"


def _names(leaf: Path) -> list[str]:
    """The names and addresses that a client may ask for."""
    certificate = x509.load_pem_x509_certificate(leaf.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def _files(made: authority.Certificates) -> Iterator[str]:
    for path, role in (
        (made.root, "trust this one, and only it"),
        (made.intermediate, "signed by the root, signs the leaf"),
        (made.leaf, "the server's own"),
    ):
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        yield f"  {path!s:<28} until {certificate.not_valid_after_utc:%Y-%m-%d}   {role}"
    yield f"  {made.chain!s:<28} {'leaf + intermediate':<18} what a server sends"
    yield f"  {made.leaf_key!s:<28} {'mode 0600':<18} what a server signs with; never give it away"


def _checks(made: authority.Certificates) -> Iterator[str]:
    root, chain, key, intermediate, leaf = (
        shlex.quote(str(path))
        for path in (made.root, made.chain, made.leaf_key, made.intermediate, made.leaf)
    )
    yield f"  openssl verify -x509_strict -CAfile {root} -untrusted {intermediate} {leaf}"
    yield f"  python -m netlab serve --port {_PORT} --cert {chain} --key {key}"
    yield (
        f"  openssl s_client -connect localhost:{_PORT} -CAfile {root} "
        "-verify_hostname localhost -verify_return_error -brief </dev/null"
    )
