"""The tracer and its key schedule against every secret and every record of RFC 8448."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519

from netlab.tls import keyschedule
from netlab.tls.tracer import Tracer
from netlab.tls.tracing.keyring import Keyring, Share
from netlab.tls.tracing.values import Record, Side
from netlab.tls.wire.spans import gaps
from tests.tls.vectors import TRACES, Step, trace

SIDES = {"client": Side.CLIENT, "server": Side.SERVER}


def shares(*sections: str) -> tuple[Share, ...]:
    """The private keys of the key agreements in some sections."""
    found: list[Share] = []
    for step in (step for section in sections for step in trace(section)):
        private = step.values.get("private key")
        if private and "x25519" in step.does:
            found.append(x25519.X25519PrivateKey.from_private_bytes(private))
        elif private:
            found.append(ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1()))
    return tuple(found)


def sent(section: str) -> Iterator[tuple[Step, bytes, bytes]]:
    """Every record of a section, in order: its step, the record, and what is inside."""
    for step in trace(section):
        if "complete record" in step.values:
            yield step, step.values["complete record"], step.values["payload"]


def play(tracer: Tracer, section: str) -> list[Record]:
    """Feed the records of a section."""
    found: list[Record] = []
    for step, raw, _ in sent(section):
        found += tracer.feed(SIDES[step.side], raw)
    tracer.end()
    return found


@pytest.fixture(params=TRACES)
def section(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def traced(section: str) -> tuple[Tracer, list[Record]]:
    """A section as the tracer reads it; section 4 resumes section 3."""
    ring = Keyring(shares=shares("3", "4", "5", "6", "7"))
    if section == "4":
        play(Tracer(ring), "3")
    tracer = Tracer(ring)
    return tracer, play(tracer, section)


def test_every_record_opens_to_its_payload(section: str) -> None:
    tracer, records = traced(section)
    assert not tracer.problems
    assert [record.content for record in records] == [payload for _, _, payload in sent(section)]
    assert [record.data for record in records] == [raw for _, raw, _ in sent(section)]


def test_every_secret_of_the_trace_is_a_step(section: str) -> None:
    """Each extracted and expanded value, each key and each finished value, under the RFC's own inputs."""
    tracer, _ = traced(section)
    outputs = {step.output for step in tracer.steps}
    wanted = 0
    for step in trace(section):
        if "PSK binder" in step.does or "e exp master" in step.does:
            continue  # a binder proves the PSK to the server; the early exporter protects no record
        for name in ("secret", "expanded", "key expanded", "iv expanded", "finished"):
            if name in step.values:
                assert step.values[name] in outputs, f"{step.does}: {name}"
                wanted += 1
    assert wanted > 20


def test_every_finished_is_checked(section: str) -> None:
    tracer, _ = traced(section)
    assert tracer.finished == [(Side.SERVER, True), (Side.CLIENT, True)]


def test_every_byte_of_the_trace_has_one_field(section: str) -> None:
    _, records = traced(section)
    for record in records:
        spans = [record.wire(), *(message.fields() for message in record.messages)]
        inner = record.inner()
        if inner is not None:
            spans.append(inner)
        assert [gap for span in spans for gap in gaps(span)] == []
        assert [problem for span in spans for problem in span.problems()] == []


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_reading_does_not_depend_on_the_pieces(section: str, size: int) -> None:
    _, whole = traced(section)
    ring = Keyring(shares=shares("3", "4", "5", "6", "7"))
    if section == "4":
        play(Tracer(ring), "3")
    tracer, found = Tracer(ring), []
    for step, raw, _ in sent(section):
        for at in range(0, len(raw), size):
            found += tracer.feed(SIDES[step.side], raw[at : at + size])
    assert [(r.offset, r.content, r.key) for r in found] == [(r.offset, r.content, r.key) for r in whole]


def test_the_info_of_hkdf_expand_label_is_the_rfcs(section: str) -> None:
    for step in trace(section):
        if "info" in step.values and "hash" in step.values and "derive secret" in step.does:
            label = step.does.partition('"tls13 ')[2].rstrip('"')
            info = keyschedule.hkdf_label(label, step.values["hash"], 32)
            assert info == step.values["info"], step.does


def test_a_binder_is_a_finished_of_the_binder_key() -> None:
    """RFC 8446 §4.2.11.2, with the values of RFC 8448 §4."""
    steps = {step.does: step.values for step in trace("4")}
    binder = steps["calculate PSK binder"]
    assert keyschedule.finished("sha256", binder["PRK"], binder["binder hash"]) == binder["finished"]


def test_ten_kibibytes_are_the_most_that_one_expand_gives() -> None:
    assert len(keyschedule.hkdf_expand("sha256", b"secret", b"info", 255 * 32)) == 255 * 32
    with pytest.raises(ValueError, match="255 hashes"):
        keyschedule.hkdf_expand("sha256", b"secret", b"info", 255 * 32 + 1)
