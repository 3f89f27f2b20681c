"""Which key-agreement groups TLS offers and accepts: the curves, no finite fields (RFC 8446 §4.2.7).

OpenSSL by itself accepts ffdhe8192. A client that names it alone costs the server 91 ms of CPU time with a
ClientHello of 1.2 kB, which it can send again and again; with X25519 it is 0.1 ms. TLS 1.2 is not concerned:
`context.CIPHERS` has no finite-field key exchange.

Python 3.15 can say it for a context (`SSLContext.set_groups`). Before that only OpenSSL's own configuration
can, a file named by OPENSSL_CONF, and OpenSSL reads it once: when `ssl` or `hashlib` is first imported.
`python -m netlab` sees to it. A program of your own does one of these:

    from netlab.tls.groups import restrict_groups
    restrict_groups()  # the first lines of the program, before any other import

    OPENSSL_CONF=groups.cnf python your_program.py  # the file's lines: `python -m netlab.tls.groups`

No OpenSSL is touched at import: this module imports neither ssl nor hashlib.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

GROUPS = ("X25519", "P-256", "P-384")

# X25519 and ML-KEM-768 in one, safe against a quantum computer; since OpenSSL 3.5, whose own favourite it is.
HYBRID, HYBRID_SINCE = "X25519MLKEM768", 0x30500000

# Sections of our own, where the system's file has none.
_OWN = ("netlab_init", "netlab_ssl", "netlab_defaults")

# Files that one configuration may include: a file that includes itself has to end somewhere.
_MOST_FILES = 50


def group_list(openssl: int) -> str:
    """The groups, in OpenSSL's notation, that a version (`ssl.OPENSSL_VERSION_NUMBER`) can have."""
    return ":".join((HYBRID, *GROUPS) if openssl >= HYBRID_SINCE else GROUPS)


def apply(context: ssl.SSLContext) -> None:
    """Restrict one context, where Python can."""
    if hasattr(context, "set_groups"):
        import ssl

        context.set_groups(group_list(ssl.OPENSSL_VERSION_NUMBER))


def restrict_groups() -> bool:
    """Restrict every context of this process that is made from now on.

    Returns True if that is so. False: `ssl` or `hashlib` was imported already, or this Python's OpenSSL
    cannot be asked. The environment is afterwards as it was.
    """
    if sys.version_info >= (3, 15):
        return True  # `apply` does it, for each context
    if {"_ssl", "_hashlib"} & sys.modules.keys():
        return False
    openssl = _openssl()
    if openssl is None:
        return False
    version, folder = openssl
    before = os.environ.get("OPENSSL_CONF")
    system = Path(before) if before is not None else folder / "openssl.cnf"
    # A pipe is a file that needs no place on a disk.
    reading, writing = os.pipe()
    try:
        os.write(writing, configuration(system, group_list(version)).encode())
        os.close(writing)
        os.environ["OPENSSL_CONF"] = f"/dev/fd/{reading}"
        import ssl  # noqa: F401  # OpenSSL reads its configuration here
    finally:
        os.close(reading)
        if before is None:
            os.environ.pop("OPENSSL_CONF", None)
        else:
            os.environ["OPENSSL_CONF"] = before
    return True


def _openssl() -> tuple[int, Path] | None:
    """Version and configuration folder of Python's OpenSSL, asked without initialising it."""
    import ctypes

    spec = importlib.util.find_spec("_ssl")
    try:
        # Loading the module's library is not importing the module: none of its code runs.
        library = ctypes.CDLL(spec.origin if spec is not None and spec.has_location else None)
        library.OpenSSL_version_num.restype = ctypes.c_ulong
        library.OpenSSL_version.restype = ctypes.c_char_p
        number = int(library.OpenSSL_version_num())
        said = library.OpenSSL_version(4)  # OPENSSL_DIR
    except (OSError, AttributeError):
        return None
    return number, Path(said.decode().partition('"')[2].rstrip('"'))


def configuration(system: Path, groups: str) -> str:
    """An OpenSSL configuration: the system's own file and, for every TLS context, these groups.

    A section that stands in a file twice is one section, and its later lines win (config(5)). So ours repeat
    the names that the system's file has chosen.
    """
    found = _read(system)
    init = found.get(("", "openssl_conf"), _OWN[0])
    ssl_section = found.get((init, "ssl_conf"), _OWN[1])
    defaults = found.get((ssl_section, "system_default"), _OWN[2])
    include = [f".include {system}"] if system.is_file() else []
    lines = (
        f"openssl_conf = {init}", *include,
        f"[{init}]", f"ssl_conf = {ssl_section}",
        f"[{ssl_section}]", f"system_default = {defaults}",
        f"[{defaults}]", f"Groups = {groups}",
    )  # fmt: skip
    return "\n".join(lines) + "\n"


def _read(system: Path) -> dict[tuple[str, str], str]:
    """(section, name) → value, of a file and those that it includes; the section before any is named ""."""
    found: dict[tuple[str, str], str] = {}
    section = ""
    for line in _lines(system, [_MOST_FILES]):
        line = line.partition("#")[0].strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif "=" in line:
            name, _, value = line.partition("=")
            found[section, name.strip()] = value.strip().strip("\"'")
    return found


def _lines(path: Path, files_left: list[int]) -> Iterator[str]:
    """The lines of a file, with those of an included file or folder in their place."""
    files_left[0] -= 1
    if files_left[0] < 0:
        return
    with contextlib.suppress(OSError):
        for line in path.read_text(errors="replace").splitlines():
            if not line.lstrip().startswith(".include"):
                yield line
                continue
            included = Path(line.partition(".include")[2].lstrip(" \t=").strip().strip("\"'"))
            for each in sorted(included.glob("*.c*nf")) if included.is_dir() else [included]:
                yield from _lines(each, files_left)


def _print_configuration() -> None:
    openssl = _openssl()
    if openssl is None:
        sys.exit("this Python's OpenSSL cannot be asked for its version")
    version, folder = openssl
    print(configuration(folder / "openssl.cnf", group_list(version)), end="")


if __name__ == "__main__":
    _print_configuration()
