"""Which objects are alive, for tests of what must not wait for the garbage collector."""

from __future__ import annotations

import gc


def living(kind: type) -> int:
    """How many objects of a class exist. They must be of a kind that the collector knows of: most are."""
    return sum(issubclass(type(each), kind) for each in gc.get_objects())
