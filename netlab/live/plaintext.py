"""What goes over a plain connection as JSON, in the form of `annotated`: each piece with its lines named."""

from __future__ import annotations

from typing import Any

from netlab.http1.messages import Content, EndOfMessage, Event, RequestHead, ResponseHead
from netlab.live.annotated import SHOWN
from netlab.tls.tracing.values import Side
from netlab.tls.tracing.web import HttpReading, NotHttp

HEAD_LINES = 60
"""Lines of a head that are named one by one; the rest is one field."""

_START = {
    Side.CLIENT: ("request line", "Method, request target and version.", "RFC 9112 §3"),
    Side.SERVER: ("status line", "Version, status code and reason phrase.", "RFC 9112 §4"),
}


class PlainReading:
    """Follows one connection without TLS: bytes in, pieces as JSON out."""

    def __init__(self) -> None:
        self.events: list[tuple[Side, Event | NotHttp]] = []
        """What the bytes said as HTTP; the caller takes it out."""
        self._http = HttpReading()

    def feed(self, side: Side, data: bytes, time: float) -> list[dict[str, Any]]:
        """The next bytes of a side. time: seconds, in any count."""
        events = self._http.feed(side, data)
        self.events += [(side, event) for event in events]
        words = [text for event in events if (text := _word(event))]
        begins = bool(events) and isinstance(events[0], (RequestHead, ResponseHead))
        return [
            {
                "side": side.value,
                "time": time,
                "what": ", ".join(words[:4]) or "a part of a message",
                "size": len(data),
                "sealed": False,
                "key": "",
                "reason": "",
                "panes": [{"title": "On the wire", "fields": _fields(side, data, begins)}],
                "http": [],
            }
        ]

    def agreed(self) -> dict[str, str]:
        """There is nothing to agree on."""
        return {"Version": "plain TCP, no TLS"}


def _word(event: Event | NotHttp) -> str:
    """An event in a few words."""
    if isinstance(event, RequestHead):
        return f"{event.method} {event.target[:60]}"
    if isinstance(event, ResponseHead):
        return f"{event.status} {event.reason}"
    if isinstance(event, Content):
        return f"{len(event.data)} bytes of content"
    return "" if isinstance(event, EndOfMessage) else event.reason


def _fields(side: Side, data: bytes, begins: bool) -> list[dict[str, Any]]:
    """The lines of a head that starts here, and the rest."""
    head, empty_line, rest = data.partition(b"\r\n\r\n")
    if not begins or not empty_line:
        return [_field("content", data, 0, "Bytes of a message that began earlier.", "RFC 9112 §6")]
    found: list[dict[str, Any]] = []
    at = 0
    lines = head.split(b"\r\n")
    for number, line in enumerate(lines[:HEAD_LINES]):
        name, why, section = _START[side] if not number else ("field line", "Name and value.", "RFC 9112 §5")
        if number:
            name = line.partition(b":")[0].decode("latin-1").lower()[:60]
        found.append(_field(name, line + b"\r\n", at, why, section))
        at += len(line) + 2
    left = len(head) + 4 - at
    found.append(
        _field("empty line", data[at : at + left], at, "The end of the field section.", "RFC 9112 §2.1")
    )
    if rest:
        found.append(_field("content", rest, at + left, "The content, in its framing.", "RFC 9112 §6"))
    return found


def _field(name: str, data: bytes, start: int, why: str, section: str) -> dict[str, Any]:
    text = "".join(chr(octet) if 32 <= octet < 127 else "" for octet in data[:SHOWN])
    return {
        "name": name, "depth": 1, "text": text, "start": start, "size": len(data), "why": why,
        "section": section, "hex": data[:SHOWN].hex(" "),
    }  # fmt: skip
