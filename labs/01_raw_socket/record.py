"""Make recording.json anew: one captured fetch, for machines that may not capture. Needs root.

Run it from the project's folder: `sudo .venv/bin/python labs/01_raw_socket/record.py`
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1])]

import measure  # noqa: E402
import packets  # noqa: E402
import solution  # noqa: E402

from labs.runner.serving import serving  # noqa: E402
from netlab import sniffer  # noqa: E402


def capture(port: int) -> None:
    """Warm up, capture one fetch, write it down."""
    for _ in range(20):
        solution.fetch(measure.HOST, port, measure.PATH)
    (conversation,), captured = packets.watch(
        port, lambda: solution.fetch(measure.HOST, port, measure.PATH), 1
    )
    packets.save(FOLDER / "recording.json", packets.steps(conversation), captured[0])


def main() -> int:
    """Serve, capture; 2 when this user may not."""
    if reason := sniffer.unavailable():
        print(f"record: {reason}", file=sys.stderr)
        return 2
    with serving(FOLDER / "server.py") as server:
        capture(server.port)
    print(f"{FOLDER / 'recording.json'} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
