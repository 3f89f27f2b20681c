"""Tables and figures of the report as HTML: long ones folded, and each cell able to stand as a card's line.

Pure: values in, markup out. page.css turns the rows into cards on a narrow screen.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from labs.runner.evidence import Table

# A longer table is folded: this many rows are read at a glance.
SHORT = 8


def table_html(table: Table) -> str:
    """The table under its title; one of more than SHORT rows folded, with the title as what unfolds it."""
    title = escape(table.title)
    if len(table.rows) > SHORT:
        rows = f"{len(table.rows)} rows"
        summary = f"{title} <small>({rows})</small>" if title else rows
        return f"<details><summary>{summary}</summary>{plain(table)}</details>"
    return (f"<h4>{title}</h4>" if title else "") + plain(table)


def plain(table: Table) -> str:
    """The table itself, in a box that scrolls when the table is wider than the page."""
    heads = [escape(str(column)) for column in table.columns]
    styles = [
        ' class="number"' if all(_numeric(row[at]) for row in table.rows) else "" for at in range(len(heads))
    ]
    # A column without a name, that of the rows' names, has no header cell.
    head = "".join(
        f'<th scope="col"{style}>{text}</th>' if text else "<td></td>"
        for style, text in zip(styles, heads, strict=True)
    )
    rows = "".join(f"<tr>{_cells(row, heads, styles)}</tr>" for row in table.rows)
    name = escape(table.title or ", ".join(str(column) for column in table.columns))
    return (
        f'<div class="scroll" role="group" aria-label="{name}" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cells(row: Any, heads: list[str], styles: list[str]) -> str:
    """The cells of one row; each carries the name of its column, which a card shows before the value."""
    return "".join(
        f'<td{style} data-column="{head}">{escape(number(value))}</td>'
        for value, head, style in zip(row, heads, styles, strict=True)
    )


def _numeric(value: Any) -> bool:
    """A number, or text that begins like one ("41.3 ms", "0.68 %"), or nothing."""
    return (
        not isinstance(value, bool)
        and re.match(r"[-+−]?[\d.,]+( ?[%a-zA-Zµ/]{1,5})?$|^–?$", number(value)) is not None
    )


def number(value: Any) -> str:
    """A figure as a person reads it: 12,345 · 3.142 · 0.00012 · text as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
