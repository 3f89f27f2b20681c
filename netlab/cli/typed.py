"""URLs as users type them: a host, perhaps a port, a path or a query, and no scheme."""

from __future__ import annotations

import re

_BARE = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.%\w]+\])(?::[0-9]+)?(?:[/?#].*)?\Z", re.DOTALL)


def with_scheme(url: str) -> str:
    """The URL, with http:// where it is a host and what may follow it; else as it is."""
    return f"http://{url}" if _BARE.match(url) else url
