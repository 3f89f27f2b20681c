"""The words of the project: a sentence names its actor, a name has one meaning. See netlab/GLOSSARY.md."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A sentence names its actor: client, server, handler, kernel. These words hide it.
HIDDEN_ACTOR = re.compile(r"\b(nobody|whoever|somebody)\b", re.IGNORECASE)

TEXTS = sorted(
    path
    for folder in ("netlab", "labs", "tests")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".md", ".toml", ".html", ".js")
    and "report" not in path.relative_to(ROOT).parts[:2]
    and path != Path(__file__)
)
TESTS = sorted([*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "labs").glob("*/test_*.py")])


@pytest.mark.parametrize("folder", ["netlab", "labs", "tests"])
def test_a_sentence_names_its_actor(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}"
        for path in TEXTS
        if path.relative_to(ROOT).as_posix().startswith(f"{folder}/")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if HIDDEN_ACTOR.search(line)
    ]
    assert not found, "name the actor (client, handler, kernel, reader, …):\n" + "\n".join(found)


def test_a_tests_name_names_its_actor() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in TESTS
        for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
        if HIDDEN_ACTOR.search(name.replace("_", " "))
    ]
    assert not found, found


# Public classes of one name, each with the reason why they keep it. Rooms that know nothing of each other may
# use a word of their own field; a module that needs both has to rename one.
ONE_NAME = {
    "Clock": "the relay's, which also calls back, and that of the server's deadlines",
    "Coding": "a content coding (RFC 9110 §8.4.1), and how a streamed response ends (RFC 9112 §7)",
    "Connection": "the server's and the client's end of a TCP connection",
    "Conversation": "a TCP connection as the relay carries it, and as a capture shows it",
    "Disconnected": "the client's error, and the news that a handler awaits",
    "Exchange": "the server's and the client's part of one request and its response",
    "Kind": "of an app's interface, of a request to CORS",
    "Lifespan": "ASGI's word for the life of an app, and how long a client's connection may be used",
    "Mistake": "in a CORS policy, in a TLS configuration: each with its repair",
    "Opened": "a stream of a capture, a connection of the pool, a TLS record",
    "Options": "of a TCP segment (RFC 9293 §3.2), of a client's request",
    "Origin": "of a page (Fetch), of a connection (RFC 6454 §4)",
    "Outgoing": "what a client sends, and what a transport has still to send",
    "Place": "of a connection in the pool, of a listener",
    "Reader": "of a capture's file format, and of a message's content",
    "Server": "netlab's, and the one that a probe starts",
    "Services": "what the server's and the client's connections need of their owner",
    "State": "of a connection on either side, of a certificate that was read",
    "Step": "of a request's time, of the browser's way through CORS",
    "Stream": "of a capture, and RFC 5246's word for a stream cipher",
    "Timeouts": "the deadlines of the server and those of the client",
}


def test_a_class_has_a_name_of_its_own() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "netlab").rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path.relative_to(ROOT).as_posix())
    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert not {n: found for n, found in shared.items() if n not in ONE_NAME}, (
        "rename one, or say why in ONE_NAME"
    )
    assert not set(ONE_NAME) - set(shared), "no longer shared: drop it from ONE_NAME"
