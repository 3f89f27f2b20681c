"""`make serve-05`: every chain of this lab on a port of its own, with a page that lists them.

It is `python -m netlab certs serve`, with the certificates of this checkout.
"""

from __future__ import annotations

import sys
from pathlib import Path

from netlab.__main__ import main

CERTS = Path(__file__).resolve().parents[2] / "certs"

if __name__ == "__main__":
    sys.exit(main(["certs", "serve", "--out", str(CERTS), *sys.argv[1:]]))
