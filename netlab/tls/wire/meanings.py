"""What each field means, in one sentence for a beginner, and the section of the RFC that defines it.

Keyed by the name of a span; "parent.name" comes before "name" where one name means two things. `explain`
gives the sentence, `tree` the whole reading as plain values for JSON. The sentences are in `sentences`.
"""

from __future__ import annotations

from typing import Any

from netlab.tls.wire.sentences import MEANINGS, Meaning
from netlab.tls.wire.spans import Span

# What unknown numbers mean.
_GREASE = (
    "A value without meaning, sent so that servers learn to ignore what they do not know.",
    "RFC 8701 §2",
)
_EXTENSION = ("An extension that netlab does not unfold: its bytes are shown.", "RFC 8446 §4.2")


def explain(span: Span, parent: str = "") -> Meaning:
    """The sentence and the section for a span; empty strings where the name says it all."""
    if "GREASE" in span.text or span.name.startswith("GREASE"):
        return _GREASE
    found = MEANINGS.get(f"{parent}.{span.name}") or MEANINGS.get(span.name)
    if found is None and parent == "extensions":
        return _EXTENSION
    return found or ("", "")


def tree(span: Span, parent: str = "") -> dict[str, Any]:
    """A span and all inside it as plain values, as JSON has them; empty ones are left out."""
    meaning, section = explain(span, parent)
    found: dict[str, Any] = {"name": span.name, "start": span.start, "stop": span.stop, "text": span.text}
    if meaning:
        found |= {"meaning": meaning, "section": section}
    if span.problem:
        found["problem"] = span.problem
    if span.children:
        found["children"] = [tree(child, span.name) for child in span.children]
    return found
