"""hints/1.md to 3.md: one section for each task."""

from __future__ import annotations


def hint(text: str, task: int) -> str:
    """The section of a hints file that belongs to a task; empty when there is none.

    It keeps the indentation of its first line: a hint may begin with code.
    """
    section: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("## "):
            words = line[3:].replace(":", " ").replace("—", " ").split()
            inside = len(words) >= 2 and words[0].lower() == "task" and words[1] == str(task)
        elif inside:
            section.append(line)
    return "\n".join(section).strip("\n").rstrip()
