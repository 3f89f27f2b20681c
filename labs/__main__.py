"""`python -m labs COMMAND [NN]`: the commands behind `make labs` and `make lab-NN`."""

from __future__ import annotations

import sys

from labs.runner.commands import main

if __name__ == "__main__":
    sys.exit(main())
