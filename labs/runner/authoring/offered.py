"""The commands that a lab offers a learner: in lab.toml, README.md, explain.md and the hints.

A command is what stands in a code span or an indented or fenced block and begins with a program that a
terminal runs. `PORT` in it stands for the port that a server prints; a comment behind the command says which:
`# PORT: what `make serve` prints`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from labs.runner.registry import Lab

SERVER = "make serve"  # what PORT belongs to where no comment says it
_PROGRAMS = (
    r"(?:[A-Z][A-Z_]*=\S+ )*(?:sudo )?"
    r"(?:(?:make|curl|openssl|printf|cat|ls|ss|od|tshark|sleep|python3?|\.venv/bin/\w+) "
    r"|for \w+ in \$|\((?:printf|ulimit) |\.venv/bin/python )"
)
_BEGINS = re.compile(_PROGRAMS)
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_SERVED_BY = re.compile(r"\s+#.*\bPORT: what `([^`]+)` prints")
_COMMENT = re.compile(r"\s{2,}#\s.*$")


@dataclass(frozen=True, slots=True)
class Offer:
    """One command. server: what its PORT belongs to, "" for none; shows: what its output must hold."""

    where: str
    command: str
    server: str = ""
    shows: str = ""


def offers(lab: Lab) -> Iterator[Offer]:
    """Every command that the lab offers."""
    own = f"make serve-{lab.number:02d}" if (lab.folder / "serve.py").is_file() else SERVER
    for task in lab.tasks:
        if task.reproduce:
            yield offer(f"{lab.slug} lab.toml task {task.number}", task.reproduce, own, task.shows)
    for name in ("README.md", "explain.md", "hints/1.md", "hints/2.md", "hints/3.md"):
        path = lab.folder / name
        if path.is_file():
            yield from in_text(f"{lab.slug} {name}", path.read_text("utf-8"), own)


def offer(where: str, line: str, server: str = SERVER, shows: str = "") -> Offer:
    """One command with its comment read. `server`: what PORT belongs to unless the comment says it."""
    served = _SERVED_BY.search(line)
    command = _COMMENT.sub("", line[: served.start()] if served else line).strip()
    return Offer(where, command, served[1] if served else server if "PORT" in command else "", shows)


def in_text(where: str, text: str, server: str = SERVER) -> Iterator[Offer]:
    """Every command of a Markdown text."""
    blocks = [body for language, body in _FENCE.findall(text) if language in ("", "sh", "bash", "console")]
    prose = _FENCE.sub("", text)
    blocks += re.findall(r"(?:^(?: {4,}|\t)\S.*\n?)+", prose, re.MULTILINE)
    for block in blocks:
        lines = re.sub(r"\\\n\s*", "", block).splitlines()
        yield from (offer(where, line, server) for line in lines if _is_command(line.strip()))
    for span in _SPAN.findall(re.sub(r"^(?: {4,}|\t).*$", "", prose, flags=re.MULTILINE)):
        if _is_command(span):
            yield offer(where, span, server)


def _is_command(text: str) -> bool:
    """Whether a terminal runs it; the bare name of a program in a sentence is none."""
    begins = _BEGINS.match(text)
    return begins is not None and len(text) > begins.end() and "…" not in text
