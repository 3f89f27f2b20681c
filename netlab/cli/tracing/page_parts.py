"""The parts of the page: the bytes of a record as fields to point at, the list that explains them, one rung.

Each field has two faces: a button that holds its bytes, and a line in the list. Both carry one number, so
that the script lights them together; the button names its line as its description, so that a screen reader
says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from netlab.cli.tracing.text import rung_text
from netlab.tls.tracing.values import Message, Record, Side
from netlab.tls.wire import meanings
from netlab.tls.wire.spans import Span, counted

# Bytes of one field that are printed; what is left out is counted.
_SHOWN = 1024
_HUES = 6
_RFC = re.compile(r"^RFC (\d+) (?:§([\d.]+)|appendix ([A-Z][\d.]*))?")


class Numbers:
    """Gives each field of a page a number, and remembers which names were explained."""

    def __init__(self) -> None:
        self._next = 0
        self.told: set[str] = set()

    def next(self) -> int:
        """The next number."""
        self._next += 1
        return self._next


def cited(section: str) -> str:
    """A section as a link to where it can be read."""
    found = _RFC.match(section)
    if found is None:
        return escape(section)
    number, paragraph, appendix = found.groups()
    anchor = f"#section-{paragraph}" if paragraph else f"#appendix-{appendix}" if appendix else ""
    return f'<a href="https://www.rfc-editor.org/rfc/rfc{number}{anchor}">{escape(section)}</a>'


def unfolded(span: Span, data: bytes, numbers: Numbers, title: str) -> str:
    """The bytes of a tree as buttons, and under them the list of its fields."""
    buttons: list[str] = []
    rows = _row(span, data, numbers, buttons, "")
    label = escape(f"{title}, {counted(len(data))}: one button for each field; arrow keys move between them")
    return (
        f'<div class="pane"><h3>{escape(title)}</h3>'
        f'<div class="bytes" role="group" tabindex="0" aria-label="{label}">{"".join(buttons)}</div>'
        f'<ul class="fields">{rows}</ul></div>'
    )


def _row(span: Span, data: bytes, numbers: Numbers, buttons: list[str], parent: str) -> str:
    number = numbers.next()
    sentence, section = meanings.explain(span, parent)
    why = f"{escape(sentence)} ({cited(section)})" if sentence else ""
    again = "" if span.name not in numbers.told else " hidden"
    numbers.told.add(span.name)
    text = f": {escape(span.text)}" if span.text else ""
    problem = f' <span class="problem">{escape(span.problem)}</span>' if span.problem else ""
    if not span.children:
        buttons.append(_button(span, data, number, len(buttons), bool(why)))
    small = f'<small class="why" id="w{number}"{again}>{why}</small>' if why else ""
    inside = "".join(_row(child, data, numbers, buttons, span.name) for child in span.children)
    inside = f"<ul>{inside}</ul>" if inside else ""
    name = f"<b>{escape(span.name)}</b>"
    return f'<li id="i{number}"><span class="field">{name}{text}{problem}{small}</span>{inside}</li>'


def _button(span: Span, data: bytes, number: int, index: int, explained: bool) -> str:
    shown = data[span.start : min(span.stop, span.start + _SHOWN)].hex(" ")
    size = span.stop - span.start
    more = f" … {size - _SHOWN} more" if size > _SHOWN else ""
    last = f" to {span.stop - 1}" if size > 1 else ""
    at = f"byte{'s' if size > 1 else ''} {span.start}{last}: {counted(size)}"
    described = f' aria-describedby="w{number}"' if explained else ""
    wrong = " wrong" if span.problem else ""
    label = escape(f"{span.name}: {span.text or counted(size)}")
    return (
        f'<span role="button" tabindex="0" class="f h{index % _HUES}{wrong}" id="b{number}" data-at="{at}"'
        f' aria-label="{label}"{described}>{shown}{more}</span> '
    )


def record_body(record: Record, numbers: Numbers, http: list[str]) -> str:
    """Everything inside a rung: the wire, the plaintext beside it, the messages, HTTP."""
    parts: list[str] = []
    if record.reason:
        parts.append(f'<p class="problem">Not decrypted: {escape(record.reason)}.</p>')
    elif record.key:
        parts.append(f"<p>Opened with <code>{escape(record.key)}</code>.</p>")
    inner = record.inner()
    whole = _unfold_messages(inner if inner is not None else (wire := record.wire()), record)
    panes = []
    if inner is None:
        panes.append(unfolded(wire, record.data, numbers, "On the wire"))
    elif record.opened is not None:
        panes.append(unfolded(record.wire(), record.data, numbers, "On the wire"))
        panes.append(unfolded(inner, record.opened.plain, numbers, "Decrypted"))
    parts.append(f'<div class="panes">{"".join(panes)}</div>')
    if not whole:
        parts += [_message(message, numbers) for message in record.messages]
    if http:
        parts.append(f"<h3>HTTP/1.1</h3><pre>{escape(chr(10).join(http))}</pre>")
    return "".join(parts)


def _unfold_messages(span: Span, record: Record) -> bool:
    """Put the fields of the messages in the place of the fragment, where they fill it exactly."""
    for _, each in span.walk():
        if each.name == "fragment" and record.messages:
            start = each.start
            if not all(
                message.pieces and message.pieces[0].record == record.offset for message in record.messages
            ):
                return False
            if sum(len(message.data) for message in record.messages) != each.stop - each.start:
                return False
            for message in record.messages:
                each.children.append(message.fields().shift(start))
                start += len(message.data)
            return True
    return False


def _message(message: Message, numbers: Numbers) -> str:
    records = len({piece.record for piece in message.pieces})
    joined = f", put together from {records} records" if records > 1 else ""
    return unfolded(message.fields(), message.data, numbers, f"Handshake message {message.name}{joined}")


def rung(time: str, side: Side, what: str, details: str, body: str = "") -> str:
    """One step of the ladder; with a body it unfolds."""
    says = f'<span class="arrow"><b>{escape(what)}</b> <small>{escape(details)}</small></span>'
    line = f'<span class="time">{escape(time)}</span>{says}'
    if not body:
        return f'<li class="{side.value}"><div class="rung">{line}</div></li>'
    return (
        f'<li class="{side.value}"><details><summary class="rung">{line}</summary>'
        f'<div class="unfolded">{body}</div></details></li>'
    )


def record_rung(time: str, record: Record, body: str) -> str:
    """The rung of a record."""
    what = rung_text(record)
    sealed = ", encrypted" if record.protected else ", in clear text"
    return rung(
        time, record.side, f"{record.side.value}: {what}", f"{counted(len(record.data))}{sealed}", body
    )


def facts(pairs: Iterator[tuple[str, str]]) -> str:
    """A list of names and values."""
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
