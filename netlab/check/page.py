"""The verdicts as one self-contained page: no network, no script; for a phone, the dark and paper, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from netlab.check.groups import GROUPS
from netlab.check.report import visible
from netlab.check.target import JudgedServer
from netlab.check.verdict import CaseVerdict, Result, summary

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --bad: #b3261e; --good: #1b6e2e; --soft: #8882; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #7bd88f; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
td.n, th.n { text-align: right; }
td.n { white-space: nowrap; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .3rem .7rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
.bad { color: var(--bad); } .good { color: var(--good); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem; margin: .5rem 0; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
code { background: var(--soft); padding: .1rem .3rem; font: .85rem/1.5 ui-monospace, monospace; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; } th, td { padding: .3rem .2rem; } }
@media print { details { break-inside: avoid; } }
"""


def as_html(target: JudgedServer, verdicts: Sequence[CaseVerdict]) -> str:
    """The page as text: the summary first, then each group with its failures open to read."""
    counted = summary(verdicts)
    broken, total = counted["must"]["failed"], counted["must"]["passed"] + counted["must"]["failed"]
    said = "good" if not broken else "bad"
    body = [
        f"<h1>{escape(str(target))}</h1>",
        f'<p class="{said}"><strong>{broken} of {total} MUST broken</strong>; '
        f"{counted['should']['failed']} recommendations not followed, "
        f"{sum(counts['skipped'] for counts in counted.values())} cases skipped.</p>",
        *_table(verdicts),
        *(line for group in GROUPS for line in _group(group.name, group.title, verdicts)),
        "<p>Judged by netlab check. Each case names its rule: the RFCs are at rfc-editor.org, the Fetch "
        "standard at fetch.spec.whatwg.org.</p>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>netlab check: {escape(str(target))}</title>\n<style>{_STYLE}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def _table(verdicts: Sequence[CaseVerdict]) -> Iterator[str]:
    yield '<table><thead><tr><th scope="col">group</th><th scope="col" class="n">MUST</th>'
    yield '<th scope="col" class="n">SHOULD</th></tr></thead><tbody>'
    for group in GROUPS:
        counted = summary(verdict for verdict in verdicts if verdict.group == group.name)
        cells = "".join(f'<td class="n">{_share(counted[level])}</td>' for level in ("must", "should"))
        if any(sum(counts.values()) for counts in counted.values()):
            yield f'<tr><th scope="row"><a href="#{group.name}">{escape(group.title)}</a></th>{cells}</tr>'
    yield "</tbody></table>"


def _share(counts: dict[str, int]) -> str:
    tried = counts["passed"] + counts["failed"]
    return f"{counts['passed']} of {tried}" if tried else "–"


def _group(name: str, title: str, verdicts: Sequence[CaseVerdict]) -> Iterator[str]:
    own = [verdict for verdict in verdicts if verdict.group == name]
    if not own:
        return
    yield f'<h2 id="{name}">{escape(title)}</h2>'
    failed = [verdict for verdict in own if verdict.outcome is Result.FAILED]
    for verdict in sorted(failed, key=lambda verdict: ("must", "should", "may").index(verdict.requirement)):
        yield from _failure(verdict)
    rest = [verdict for verdict in own if verdict.outcome is not Result.FAILED]
    if rest:
        yield f"<details><summary>{len(rest)} passed or skipped</summary><ul>"
        for verdict in rest:
            note = f" (skipped: {verdict.why})" if verdict.outcome is Result.SKIPPED else ""
            yield f"<li>{escape(verdict.title)}{escape(note)}: {escape(verdict.section)}</li>"
        yield "</ul></details>"


def _failure(verdict: CaseVerdict) -> Iterator[str]:
    """One failure, folded: its rule, its bytes, what came, and the attack."""
    yield f'<details><summary><span class="bad">{escape(verdict.level)}</span> {escape(verdict.title)}: '
    yield f"{escape(verdict.why)}</summary><dl>"
    rows = [
        ("rule", f"{escape(verdict.rule)} ({escape(verdict.section)})"),
        ("sent", f"<code>{escape(visible(verdict.sent, 600))}</code>" if verdict.sent else ""),
        ("expected", escape(verdict.expected)),
        ("got", escape(verdict.got)),
        ("attack", escape(verdict.attack)),
        ("name", f"<code>{escape(verdict.name)}</code>"),
    ]
    yield "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows if text)
    yield "</dl></details>"
