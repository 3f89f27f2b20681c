"""Idle clients of one server, in a process of their own: `python -m netlab.live.idleclients URL [ROOT]`.

Each line of the standard input is a number of clients to reach; the answer is a line with the number that
stands, and the limit that ended it, if one did. The end of the standard input ends them all.
"""

from __future__ import annotations

import sys

from netlab.probes.clients import Herd, Stopped, Target, raise_descriptor_limit
from netlab.tls.context import client_context


def main(url: str, root: str | None) -> None:
    """Obey until the input ends."""
    room = raise_descriptor_limit()
    target = Target.parse(url, client_context(root) if root is not None else None)
    with Herd(target) as herd:
        for line in sys.stdin:
            limit = ""
            try:
                herd.grow(min(int(line), room))
                if int(line) > room:
                    limit = f"the probe may open no more than {room} connections (ulimit -n)"
            except Stopped as end:
                limit = str(end)
            print(f"{len(herd)} {limit}".rstrip(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
