"""The key schedule on the page: a diagram of the secrets with this connection's own values, then every step.

The trunk of TLS 1.3 is Early Secret, Handshake Secret, Master Secret (RFC 8446 §7.1). A key log holds the
branches only, so the trunk is drawn with a sentence where its value is not known here.
"""

from __future__ import annotations

from html import escape

from netlab.cli.tracing.page_parts import cited
from netlab.tls.handshake import TLS13
from netlab.tls.keylog import (
    CLIENT_EARLY,
    CLIENT_HANDSHAKE,
    CLIENT_TRAFFIC,
    EXPORTER,
    SERVER_HANDSHAKE,
    SERVER_TRAFFIC,
)
from netlab.tls.keyschedule import Derivation, Value
from netlab.tls.tracer import Tracer

_UNKNOWN = "Only client and server know it: a key log does not hold it."

# The trunk, and the branches at each of its secrets: label of the key log, name in the schedule, what it
# protects.
_TRUNK = (
    ("Early Secret", "from the PSK, or zeros", (
        (CLIENT_EARLY, "client early traffic secret", "the client's 0-RTT data"),
    )),
    ("Handshake Secret", "the (EC)DHE shared secret comes in", (
        (CLIENT_HANDSHAKE, "client handshake traffic secret", "the client's handshake messages"),
        (SERVER_HANDSHAKE, "server handshake traffic secret", "the server's handshake messages"),
    )),
    ("Master Secret", "nothing more comes in", (
        (CLIENT_TRAFFIC, "client application traffic secret", "what the client's application sends"),
        (SERVER_TRAFFIC, "server application traffic secret", "what the server's application sends"),
        (EXPORTER, "exporter master secret", "keys for other protocols"),
        ("", "resumption master secret", "the secrets of tickets"),
    )),
)  # fmt: skip

_TRUNK_12 = (
    ("pre-master secret", "what the key exchange agreed on"),
    ("master secret", "48 bytes, bound to both randoms or to the whole handshake"),
    ("key block", "cut into the keys of both directions"),
)


def schedule(tracer: Tracer) -> str:
    """The diagram and the steps; empty when nothing is known."""
    if not tracer.version:
        return ""
    outputs = {step.name: step.output for step in tracer.steps}
    cards = _cards13(outputs) if tracer.version >= TLS13 else _cards12(outputs)
    steps = "".join(_step(step) for step in tracer.steps)
    title = f"Every step with its inputs ({len(tracer.steps)})"
    rows = f"<details><summary>{title}</summary><ol>{steps}</ol></details>"
    return f'<h2>The key schedule</h2><ul class="schedule">{"".join(cards)}</ul>{rows if steps else ""}'


def _cards13(outputs: dict[str, bytes]) -> list[str]:
    found: list[str] = []
    for name, comes_in, branches in _TRUNK:
        found.append(_card(name, f"{comes_in}.", outputs.get(name), trunk=True))
        for label, secret, protects in branches:
            value = outputs.get(secret) or outputs.get(label)
            if value is None and label == CLIENT_EARLY:
                continue  # there was no early data
            keys = [(part, outputs.get(f"{label} {part}")) for part in ("key", "iv")] if label else []
            found.append(_card(secret, f"Protects {protects}.", value, keys))
    return found


def _cards12(outputs: dict[str, bytes]) -> list[str]:
    return [_card(name, f"{text}.", outputs.get(name), trunk=True) for name, text in _TRUNK_12]


def _card(
    name: str,
    text: str,
    value: bytes | None,
    keys: list[tuple[str, bytes | None]] | None = None,
    trunk: bool = False,
) -> str:
    shown = f'<p class="value">{value.hex(" ", 4)}</p>' if value else f'<p class="soft">{_UNKNOWN}</p>'
    for part, key in keys or []:
        if key:
            shown += f'<p>{part}: <span class="value">{key.hex(" ", 4)}</span></p>'
    kind = ' class="trunk"' if trunk else ""
    return f"<li{kind}><h3>{escape(name)}</h3><p>{escape(text)}</p>{shown}</li>"


def _step(step: Derivation) -> str:
    inputs = "".join(f"<dt>{escape(name)}</dt><dd>{_value(value)}</dd>" for name, value in step.inputs)
    return (
        f"<li><b>{escape(step.name)}</b> = {escape(step.function)} ({cited(step.section)})"
        f'<dl class="facts">{inputs}<dt>output</dt><dd>{_value(step.output)}</dd></dl></li>'
    )


def _value(value: Value) -> str:
    if isinstance(value, bytes):
        return f'<span class="value">{value.hex(" ", 4) or "(empty)"}</span>'
    return f"“{escape(value)}”" if isinstance(value, str) else str(value)
