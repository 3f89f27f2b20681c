"""What a learner built in the earlier labs, as parts for the capstone: `parts["framing"].parse_head(…)`.

A part is the reference's module unless another file was named for it (`--part
framing=work/02_framing/exercise.py`): the learner's own once that lab is done, or a wrong program while
labs-verify runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from labs.runner import loader
from labs.runner.errors import LabError

CAPSTONE = "capstone"


def shown_by_the_whole(capstone: Path) -> dict[str, list[str]] | None:
    """The wrong programs that the capstone must catch, by lab (its shown.toml); None: every one of every lab.

    The others show in no conversation of the whole server. Their own labs' tests catch them.
    """
    listed = capstone / "shown.toml"
    return tomllib.loads(listed.read_text("utf-8")) if listed.is_file() else None


class Parts(Mapping[str, ModuleType]):
    """The labs' modules by slug, each loaded when it is first asked for."""

    def __init__(self, labs: Path, chosen: Iterable[str] = ()) -> None:
        self._paths = {path.parent.name[3:]: path for path in sorted(labs.glob("[0-9][0-9]_*/solution.py"))}
        self._loaded: dict[str, ModuleType] = {}
        for choice in chosen:
            slug, _, path = choice.partition("=")
            if slug not in self._paths:
                raise LabError(f"there is no lab {slug!r} to take a part from: {', '.join(self._paths)}")
            self._paths[slug] = Path(path)

    def __getitem__(self, slug: str) -> ModuleType:
        if slug not in self._loaded:
            self._loaded[slug] = loader.load(self._paths[slug].resolve(), f"part_{slug}")
        return self._loaded[slug]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
