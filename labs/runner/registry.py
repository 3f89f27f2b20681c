"""The labs and what is known of each: curriculum.toml lists all fifteen, lab.toml describes a written one.

A lab is written when its folder holds every part; until then it is to come. Nothing here runs a lab.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.runner.errors import LabError

ROOT = Path(__file__).resolve().parents[2]
LABS = ROOT / "labs"

# The article whose claims the labs put to the test: its title, and where it is read.
ARTICLE = "The Backend Architect Day 3: CORS, Persistent Connections & TLS (2026)"
ARTICLE_URL = "https://logicandlegacy.blogspot.com/2026/04/the-backend-architect-day-3-cors.html"

PARTS = (
    "README.md",
    "lab.toml",
    "solution.py",
    "test_lab.py",
    "measure.py",
    "hints/1.md",
    "hints/2.md",
    "hints/3.md",
    "wrong.md",
)
NEEDS = ("tls", "browser", "root", "tshark")


def checks_of(folder: Path) -> tuple[Path, ...]:
    """The files of the tests of the lab in this folder: test_lab.py, and others where one is too long."""
    return tuple(sorted(folder.glob("test_*.py")))


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a lab's exercise."""

    number: int
    title: str
    why: str
    """Why the reference does it this way: shown with the solution, in place of a hint."""
    reproduce: str = ""
    minutes: int = 10
    shows: str = ""
    """What to look for in the output of `reproduce`."""
    further: bool = False
    """Whether the lab is solved without it: it makes what the learner built withstand more."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the learner is asked before measuring; `figure` names the measured figure it is held against."""

    question: str
    unit: str
    figure: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the curriculum, written or to come."""

    number: int
    slug: str
    title: str
    claim: str
    folder: Path

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts that the folder does not hold yet."""
        return tuple(part for part in PARTS if not (self.folder / part).exists())

    @property
    def name(self) -> str:
        """ "03 preflight"."""
        return f"{self.number:02d} {self.slug}"


@dataclass(frozen=True, slots=True)
class Lab(Entry):
    """A written lab: what lab.toml says."""

    id: str
    minutes: int
    needs: tuple[str, ...]
    prediction: Prediction
    tasks: tuple[Task, ...]
    source: str = ""

    @property
    def solved_by(self) -> int:
        """The number of the last task that the lab needs to be solved; those behind it are further tasks."""
        return sum(not task.further for task in self.tasks)

    @property
    def extent(self) -> str:
        """ "6 tasks, about 9 min", with the further tasks behind: their minutes are sums of the tasks'."""
        further = self.tasks[self.solved_by :]
        later = sum(task.minutes for task in further)
        parts = [(self.solved_by, "task", self.minutes - later), (len(further), "further task", later)]
        return "; ".join(
            f"{number} {word}{'' if number == 1 else 's'}, about {minutes} min"
            for number, word, minutes in parts
            if number
        )

    @property
    def solution(self) -> Path:
        """The reference."""
        return self.folder / "solution.py"

    @property
    def wrong(self) -> Path:
        """The wrong programs that the tests must catch."""
        return self.folder / "wrong.md"

    @property
    def explanation(self) -> Path:
        """What the measurement shows and why: offered once the learner has measured."""
        return self.folder / "explain.md"

    @property
    def checks(self) -> tuple[Path, ...]:
        """The files of the lab's tests."""
        return checks_of(self.folder)


def entries(labs: Path = LABS) -> list[Entry]:
    """All labs of the curriculum in order; those that are written are of type Lab."""
    return [_entry(listed, labs) for listed in _toml(labs / "curriculum.toml")["labs"]]


def written(labs: Path = LABS) -> list[Lab]:
    """The labs whose folder holds every part."""
    return [entry for entry in entries(labs) if isinstance(entry, Lab)]


def under_way(number: str | int, labs: Path = LABS) -> Entry:
    """The entry with this number ("3", "03"), written or to come. Raises LabError when there is none."""
    known = entries(labs)
    text = str(number)
    wanted = int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else -1
    entry = next((entry for entry in known if entry.number == wanted), None)
    if entry is None:
        raise LabError(
            f"there is no lab {text}: choose 01 to {known[-1].number:02d} (`make status` lists them)"
        )
    return entry


def find(number: str | int, labs: Path = LABS) -> Lab:
    """The written lab with this number. Raises LabError for one that is not there, or to come."""
    entry = under_way(number, labs)
    if not isinstance(entry, Lab):
        there = ", ".join(f"{lab.number:02d}" for lab in written(labs)) or "none yet"
        raise LabError(f"lab {entry.name} is still to come; these can be done: {there}")
    return entry


def _entry(listed: dict[str, Any], labs: Path) -> Entry:
    number, slug = listed["number"], listed["slug"]
    entry = Entry(number, slug, listed["title"], listed["claim"], labs / f"{number:02d}_{slug}")
    return entry if entry.missing else _lab(entry)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise LabError(f"{path}: cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise LabError(f"{path}: not TOML: {error}") from None


def _lab(entry: Entry) -> Lab:
    """Read lab.toml. Raises LabError that lists everything wrong with it."""
    where = entry.folder / "lab.toml"
    said = _toml(where)
    asked = said.get("prediction", {})
    tasks = _tasks(said)
    needs = tuple(said.get("needs", ()))
    wrong = [f"no `{key}`" for key in ("id", "title", "minutes", "claim") if not said.get(key)]
    wrong += [f"the prediction has no `{key}`" for key in ("question", "unit", "figure") if key not in asked]
    wrong += [f"task {task.number} has no title" for task in tasks if not task.title]
    wrong += [f"task {task.number} has no `why` text" for task in tasks if not _is_text(task.why)]
    wrong += [f"needs {need!r} is none of {', '.join(NEEDS)}" for need in needs if need not in NEEDS]
    if not tasks:
        wrong.append("no [[tasks]]")
    elif tasks[0].further or [task.further for task in tasks] != sorted(task.further for task in tasks):
        wrong.append("further tasks come last, behind at least one that is not")
    stated = [int(task.get("minutes", 0)) for task in _list(said)]
    if any(stated) and sum(stated) != said.get("minutes"):
        wrong.append(f"the tasks take {sum(stated)} minutes, and the lab says {said.get('minutes')}")
    if wrong:
        raise LabError(f"{where}: " + "; ".join(wrong))
    return Lab(
        number=entry.number,
        slug=entry.slug,
        title=said["title"],
        claim=said["claim"],
        folder=entry.folder,
        id=said["id"],
        minutes=int(said["minutes"]),
        needs=needs,
        prediction=Prediction(asked["question"], asked["unit"], asked["figure"]),
        tasks=tuple(tasks),
        source=said.get("source", ""),
    )


def _tasks(said: dict[str, Any]) -> list[Task]:
    """The tasks as lab.toml gives them, its mistakes included: `_lab` names those."""
    listed = _list(said)
    return [
        Task(
            number=n,
            title=str(task.get("title", "")),
            why=task.get("why", ""),
            reproduce=task.get("reproduce", ""),
            minutes=int(task.get("minutes") or max(1, int(said.get("minutes", 0)) // len(listed))),
            shows=task.get("shows", ""),
            further=task.get("further") is True,
        )
        for n, task in enumerate(listed, 1)
    ]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _list(said: dict[str, Any]) -> list[dict[str, Any]]:
    return list(said.get("tasks", []))
