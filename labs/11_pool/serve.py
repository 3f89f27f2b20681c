"""`make serve-11`: netlab's pool under load, drawn live in the browser; its lanes, its queue, its sliders.

    .venv/bin/python labs/11_pool/serve.py [--port N] [--no-browser]

It is the board "pool" of `make live`. Your own pool is checked and measured by `make lab-11`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "netlab", "live", "--board", "pool", *sys.argv[1:]]
    os.execv(sys.executable, command)
