"""A record of TLS as JSON: every byte with its field's name, value and meaning, on the wire and decrypted.

The fields come from `netlab.tls`; here they become lists that a page can draw.
"""

from __future__ import annotations

from typing import Any

from netlab.http1.messages import Event
from netlab.tls.tracer import Tracer
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.values import Record, Side
from netlab.tls.tracing.web import HttpReading, NotHttp, describe
from netlab.tls.wire import meanings, registry
from netlab.tls.wire.spans import Span

SHOWN = 128
"""Bytes of one field that a page shows; what is left out is counted."""

LINES = 40
"""Lines of HTTP of one record."""


class RecordReading:
    """Follows one connection: bytes in, records as JSON out."""

    def __init__(self, ring: Keyring) -> None:
        self.tracer = Tracer(ring)
        self.events: list[tuple[Side, Event | NotHttp]] = []
        """What the decrypted content said as HTTP; the caller takes it out."""
        self._http = HttpReading()

    def feed(self, side: Side, data: bytes, time: float) -> list[dict[str, Any]]:
        """The next bytes of a side. time: seconds, in any count. Returns the records that are whole now."""
        return [self._plain(record) for record in self.tracer.feed(side, data, time)]

    def agreed(self) -> dict[str, str]:
        """What the two sides have agreed on."""
        tracer = self.tracer
        found = {"Version": registry.version(tracer.version) if tracer.version else "no ServerHello yet"}
        if tracer.server is not None:
            found["Cipher suite"] = registry.cipher_suite(tracer.server.suite)
            if tracer.server.group:
                found["Key agreement"] = registry.group(tracer.server.group)
        return found

    def _plain(self, record: Record) -> dict[str, Any]:
        lines: list[str] = []
        if record.content and record.content_name == "application_data":
            for event in self._http.feed(record.side, record.content):
                lines += describe(event)
                self.events.append((record.side, event))
        inner = record.inner()
        panes = [{"title": "On the wire", "fields": fields(record.wire(), record.data)}]
        if inner is not None and record.opened is not None:
            panes.append({"title": "Decrypted", "fields": fields(inner, record.opened.plain)})
        panes += [
            {"title": f"Handshake message {message.name}", "fields": fields(message.fields(), message.data)}
            for message in record.messages
        ]
        return {
            "side": record.side.value,
            "time": record.time,
            "what": _what(record),
            "size": len(record.data),
            "sealed": record.protected,
            "key": record.key,
            "reason": record.reason,
            "panes": panes,
            "http": lines[:LINES],
        }


def _what(record: Record) -> str:
    """Its content type, and the names of its messages or of its alert."""
    names = ", ".join(record.handshake)
    if record.content_name == "alert" and record.content and len(record.content) == 2:
        names = f"{registry.alert_level(record.content[0])} {registry.alert(record.content[1])}"
    return record.content_name + (f": {names}" if names else "")


def fields(span: Span, data: bytes) -> list[dict[str, Any]]:
    """The fields of a tree, each before those inside it. Those without inner fields tile the bytes."""
    found: list[dict[str, Any]] = []
    parents: list[str] = []
    for depth, each in span.walk():
        del parents[depth:]
        sentence, section = meanings.explain(each, parents[-1] if parents else "")
        field: dict[str, Any] = {"name": each.name, "depth": depth, "text": each.text, "start": each.start}
        field["size"] = each.stop - each.start
        if sentence:
            field |= {"why": sentence, "section": section}
        if each.problem:
            field["problem"] = each.problem
        if not each.children:
            field["hex"] = data[each.start : min(each.stop, each.start + SHOWN)].hex(" ")
        found.append(field)
        parents.append(each.name)
    return found
