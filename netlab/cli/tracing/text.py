"""What the tracer read, told to a person: a ladder of records, each unfolded into its fields."""

from __future__ import annotations

from collections.abc import Iterator

from netlab.capture import Range, hexdump
from netlab.cli.tracing.streams import Stream
from netlab.tls.handshake import TLS13
from netlab.tls.keyschedule import Derivation, Value
from netlab.tls.tracing.values import Record, Side
from netlab.tls.wire import meanings, registry
from netlab.tls.wire.spans import Span, counted

# More of an opaque field is cut: the key share of ML-KEM alone would fill a screen.
_SHOWN = 32


class TextTeller:
    """Prints a ladder; with unfold, every field of the handshake; with octets, the bytes with carets."""

    def __init__(self, unfold: bool = False, octets: bool = False) -> None:
        self._unfold, self._octets = unfold, octets
        self._told: set[str] = set()
        self._headed: set[int] = set()

    def record(self, stream: Stream, record: Record, http: list[str]) -> None:
        """One rung, and what is in it."""
        if stream.number not in self._headed:
            self._headed.add(stream.number)
            print(f"stream {stream.number}: client {stream.client}, server {stream.server}")
            self._preludes(stream)
        print(rung(stream, record))
        if record.reason:
            print(f"{'':12}not decrypted: {record.reason}")
        if self._unfold and record.content_name != "application_data":
            self._fields(record)
        for line in http:
            print(f"{'':12}| {line}")

    def end(self, stream: Stream) -> None:
        """What was agreed on, the key schedule, and what could not be read."""
        told = stream.number in self._headed
        self._headed.discard(stream.number)
        problems = [*map(str, stream.tracer.problems)]
        if told:
            print(f"  {summary(stream)}")
            if self._unfold:
                for step in stream.tracer.steps:
                    print("\n".join(derivation(step)))
        elif problems:
            print(f"stream {stream.number}: client {stream.client}, server {stream.server}")
        for problem in problems:
            print(f"  {problem}")
        if told or problems:
            print()

    def _preludes(self, stream: Stream) -> None:
        for side, data in stream.tracer.preludes.items():
            print(f"  {side.value}: {len(data)} bytes of plain text before TLS")

    def _fields(self, record: Record) -> None:
        if record.messages:
            for message in record.messages:
                self._tree(message.fields(), message.data)
        elif record.ssl2 or not record.protected:
            self._tree(record.wire(), record.data)
        elif (inner := record.inner()) is not None and record.opened is not None:
            self._tree(inner, record.opened.plain)

    def _tree(self, span: Span, data: bytes) -> None:
        if self._octets:
            ranges = [Range(leaf.start, leaf.stop, f"{leaf.name} {leaf.text}") for leaf in span.leaves()]
            print(_indented(hexdump(data, ranges)))
            return
        parents: list[str] = []
        for depth, each in span.walk():
            del parents[depth:]
            print(self._line(each, depth, parents[-1] if parents else "", data))
            parents.append(each.name)

    def _line(self, span: Span, depth: int, parent: str, data: bytes) -> str:
        text = span.text
        if not span.children and isinstance(span.value, bytes) and text.endswith(("bytes", "byte")):
            shown = data[span.start : min(span.stop, span.start + _SHOWN)].hex()
            text = f"{text}: {shown}{'…' if span.stop - span.start > _SHOWN else ''}"
        line = f"{'':12}{span.start:5} {'  ' * depth}{span.name}" + (f": {text}" if text else "")
        if span.problem:
            line += f"  !! {span.problem}"
        sentence, section = meanings.explain(span, parent)
        if sentence and span.name not in self._told:
            self._told.add(span.name)
            line += f"\n{'':18}{'  ' * depth}— {sentence} ({section})"
        return line


def rung(stream: Stream, record: Record) -> str:
    """One line: when, the side and the way, where, what, how much."""
    time = "" if record.time is None or stream.started is None else f"{record.time - stream.started:9.6f}"
    arrow = "client ─►" if record.side is Side.CLIENT else "client ◄─"
    sealed = f"  [{record.key}]" if record.decrypted else "  [encrypted]" if record.reason else ""
    place = f"byte {record.offset:<8} {counted(record.length):>12}"
    return f"  {time:>9} {arrow} {place}  {rung_text(record)}{sealed}"


def rung_text(record: Record) -> str:
    """What a record is: its content type, and the names of its messages or of its alert."""
    names = ", ".join(record.handshake)
    if record.content_name == "alert" and record.content and len(record.content) == 2:
        names = f"{registry.alert_level(record.content[0])} {registry.alert(record.content[1])}"
    return record.content_name + (f": {names}" if names else "")


def summary(stream: Stream) -> str:
    """What the two sides agreed on, in one line."""
    tracer = stream.tracer
    parts = [registry.version(tracer.version) if tracer.version else "no ServerHello"]
    if tracer.server is not None:
        parts.append(registry.cipher_suite(tracer.server.suite))
        if tracer.server.group:
            parts.append(registry.group(tracer.server.group))
    if tracer.client is not None and tracer.client.server_name:
        parts.append(f"server name {tracer.client.server_name}")
    if tracer.resumed:
        parts.append("resumed")
    if tracer.retried:
        parts.append("after a HelloRetryRequest")
    if tracer.version and tracer.version < TLS13:
        parts.append(
            "extended master secret"
            if tracer.server and tracer.server.extended_master_secret
            else "classic master secret"
        )
    checks = [f"{side.value} Finished {'fits' if fits else 'DOES NOT FIT'}" for side, fits in tracer.finished]
    return ", ".join(parts + checks)


def derivation(step: Derivation) -> Iterator[str]:
    """One step of the key schedule: what comes out, by which function, from which inputs."""
    yield f"  {step.name} = {step.function} ({step.section})"
    for name, value in step.inputs:
        yield f"{'':8}{name}: {_shown(value)}"
    yield f"{'':8}→ {step.output.hex()}"


def _shown(value: Value) -> str:
    if isinstance(value, bytes):
        return value.hex() or "(empty)"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _indented(text: str) -> str:
    return "\n".join(f"{'':12}{line}" for line in text.splitlines())
