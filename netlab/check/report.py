"""The verdicts as text, JSON and JUnit XML. The page stands in `page`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from netlab.check.groups import GROUPS
from netlab.check.target import JudgedServer
from netlab.check.verdict import CaseVerdict, Result, summary

_SHOWN = 160  # bytes of a request that a line of text shows


def visible(data: bytes, most: int = _SHOWN) -> str:
    """Bytes as text on one line: what cannot be seen is escaped, what is long is cut."""
    cut = data[:most]
    text = cut.decode("latin-1").encode("unicode_escape").decode()
    return text if len(data) <= most else f"{text}… ({len(data):,} bytes)"


def explained(verdict: CaseVerdict, width: int = 80) -> Iterator[str]:
    """A failure in full: the rule, what was sent, what came, and what an attacker could do with it."""
    yield f"✗ {verdict.name}  [{verdict.level}, {verdict.section}]"
    rows = [
        ("rule", verdict.rule),
        ("sent", visible(verdict.sent)),
        ("expected", verdict.expected),
        ("got", f"{verdict.got}: {verdict.why}" if verdict.got else verdict.why),
        ("attack", verdict.attack),
    ]
    for name, text in rows:
        if text:
            lead = f"    {name:<9}"
            yield textwrap.fill(
                text, width, initial_indent=lead, subsequent_indent=" " * len(lead), break_long_words=True
            )


def table(verdicts: Iterable[CaseVerdict]) -> Iterator[str]:
    """The summary by group: passed of all, for what MUST and what SHOULD hold."""
    found = list(verdicts)
    yield f"{'':<30}{'MUST':>12}{'SHOULD':>12}{'skipped':>10}"
    for group in GROUPS:
        own = [verdict for verdict in found if verdict.group == group.name]
        if own:
            yield f"{group.title:<30}{_share(own, 'must'):>12}{_share(own, 'should'):>12}{_skipped(own):>10}"
    yield f"{'in all':<30}{_share(found, 'must'):>12}{_share(found, 'should'):>12}{_skipped(found):>10}"


def _share(verdicts: Iterable[CaseVerdict], requirement: str) -> str:
    counted = summary(verdicts)[requirement]
    tried = counted["passed"] + counted["failed"]
    return f"{counted['passed']}/{tried}" if tried else "–"


def _skipped(verdicts: Iterable[CaseVerdict]) -> str:
    return str(sum(verdict.outcome is Result.SKIPPED for verdict in verdicts) or "–")


def as_json(target: JudgedServer, verdicts: Sequence[CaseVerdict]) -> str:
    """{"target", "summary", "cases"}: a program's view. Bytes are latin-1 text."""
    return json.dumps(
        {
            "target": str(target),
            "summary": summary(verdicts),
            "cases": [_case(verdict) for verdict in verdicts],
        },
        indent=2,
        ensure_ascii=False,
    )


def _case(verdict: CaseVerdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "group": verdict.group,
        "title": verdict.title,
        "level": verdict.level,
        "requirement": verdict.requirement,
        "section": verdict.section,
        "rule": verdict.rule,
        "outcome": verdict.outcome.value,
        "expected": verdict.expected,
        "got": verdict.got,
        "why": verdict.why,
        "attack": verdict.attack,
        "sent": verdict.sent[:4096].decode("latin-1"),
    }


def as_junit(target: JudgedServer, verdicts: Sequence[CaseVerdict]) -> str:
    """JUnit XML, as CI systems read it. A SHOULD that is broken is no failure there: only a MUST is."""
    failed = sum(verdict.breaks_a_must for verdict in verdicts)
    skipped = sum(_is_skipped(verdict) for verdict in verdicts)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuite name={_attribute(f'netlab check {target}')} "
        f'tests="{len(verdicts)}" failures="{failed}" errors="0" skipped="{skipped}">',
    ]
    for verdict in verdicts:
        lines.append(f"  <testcase classname={_attribute(verdict.group)} name={_attribute(verdict.name)}>")
        text = _attribute(f"{verdict.section}: {verdict.why}")
        if verdict.breaks_a_must:
            lines.append(f'    <failure type="{verdict.level}" message={text}>{_details(verdict)}</failure>')
        elif _is_skipped(verdict):
            lines.append(f"    <skipped message={text}/>")
        lines.append("  </testcase>")
    return "\n".join([*lines, "</testsuite>", ""])


def _details(verdict: CaseVerdict) -> str:
    """What a CI page shows of a failure: the rule, what was sent, what came."""
    return escape("\n".join(explained(verdict, 100)))


def _is_skipped(verdict: CaseVerdict) -> bool:
    """Skipped, or a recommendation that is not followed."""
    return verdict.outcome is Result.SKIPPED or (
        verdict.outcome is Result.FAILED and not verdict.breaks_a_must
    )


def _attribute(text: str) -> str:
    """Text as a quoted XML attribute, without the control characters that XML cannot hold."""
    return quoteattr("".join(c if c >= " " else f"\\x{ord(c):02x}" for c in text))
