"""The lowest versions that pyproject.toml allows, as constraints for pip: CI runs the suite with them.

python -m tests.lowest > build/lowest.txt
PIP_CONSTRAINT=build/lowest.txt make test VENV=.venv-lowest
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
_BOUND = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)")


def constraints(text: str) -> list[str]:
    """One `name==version` for each requirement with a lower bound, sorted. text: a pyproject.toml."""
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"].values()
    requirements = [*project["dependencies"], *(each for extra in extras for each in extra)]
    bounds = {match[1]: match[2] for each in requirements if (match := _BOUND.fullmatch(each))}
    return [f"{name}=={version}" for name, version in sorted(bounds.items())]


if __name__ == "__main__":
    sys.stdout.write("\n".join(constraints(PYPROJECT.read_text(encoding="utf-8"))) + "\n")
