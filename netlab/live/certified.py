"""Certificates of one experiment: files for its servers, in a folder that is gone afterwards."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from netlab.tls import cases, recipes
from netlab.tls.cases import Files
from netlab.tls.issue import KeyKind


@contextlib.contextmanager
def certified() -> Iterator[Files]:
    """A chain and its key for localhost and 127.0.0.1, with the root that a client must trust."""
    now = datetime.now(UTC)
    good = recipes.hierarchy(now)
    served = recipes.keys_of(KeyKind.P256)(good, now)
    with tempfile.TemporaryDirectory(prefix="netlab-live-") as folder:
        yield cases.write(served, good, Path(folder))
