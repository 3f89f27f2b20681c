"""The ciphers of older suites by their name in the suite, wherever this version of cryptography keeps them.

`cryptography` moves ciphers that nothing should use any more to its module `decrepit`, some in each version.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = (
    "cryptography.hazmat.primitives.ciphers.algorithms",
    "cryptography.hazmat.decrepit.ciphers.algorithms",
)
_CLASSES = {"AES": "AES", "3DES": "TripleDES", "CAMELLIA": "Camellia", "SEED": "SEED", "IDEA": "IDEA"}


def _algorithm(name: str) -> Any:
    for home in reversed(_HOMES):
        try:
            found = getattr(importlib.import_module(home), name, None)
        except ImportError:
            continue
        if found is not None:
            return found
    raise LookupError(f"this version of cryptography has no {name}")


def block(cipher: str, key: bytes) -> Any:
    """A block cipher; cipher as in `suites` ("AES_128_CBC"). Raises LookupError when it is not there."""
    return _algorithm(_CLASSES[cipher.partition("_")[0]])(key)


def stream(key: bytes) -> Any:
    """RC4 with a key. Raises LookupError when it is not there."""
    return _algorithm("ARC4")(key)
