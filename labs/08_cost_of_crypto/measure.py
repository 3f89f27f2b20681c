"""The evidence of lab 08: how fast each primitive is, what a handshake costs, when it stops mattering.

Every figure is measured by the harness under measure: `measure`, `compare`, `split` and `size_where` of the
learner's file or of the reference. What is measured stands in `primitives` and in `handshakes`.
"""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.backends.openssl import backend
from handshakes import Pair, pair
from primitives import Cipher, ciphers, operations

from labs.runner import plots
from labs.runner.evidence import Measurement, NotShown, Plot, Run, Table, Verdict
from netlab.tls.issue import KeyKind

KIB, MIB, MB = 1024, 1024 * 1024, 1_000_000
SAMPLES, LEAST = 15, 0.008  # seconds a sample
QUICK_SAMPLES, QUICK_LEAST = 7, 0.002
SIZES = (1, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB)
KINDS = (KeyKind.P256, KeyKind.RSA_2048, KeyKind.RSA_3072, KeyKind.ED25519)
SHARES = (0.5, 0.1, 0.01)
MATTERS = 0.1  # a handshake that takes less of the whole than this has stopped mattering
MUCH = 100  # times: from here on "incredibly slow" is no exaggeration


@dataclass(frozen=True)
class Timed:
    """Something measured: the harness's summary, in seconds for one call."""

    family: str
    what: str
    summary: Any

    @property
    def a_second(self) -> float:
        """Calls in one second."""
        return 1 / float(self.summary.median)

    @property
    def spread(self) -> str:
        """Half the distance of the quartiles, in percent of the median."""
        return f"± {50 * (self.summary.high - self.summary.low) / self.summary.median:.1f} %"


@dataclass(frozen=True)
class Speed:
    """A way to encrypt content: bytes a second."""

    name: str
    piece: int
    encrypt: Timed
    decrypt: Timed

    def rate(self, way: Timed) -> float:
        """MB (10⁶ bytes) a second."""
        return self.piece * way.a_second / MB


@dataclass(frozen=True)
class Handshake:
    """A kind of certificate: seconds for a full and for a resumed handshake, both sides together."""

    kind: str
    full: Timed
    resumed: Timed


def measure(run: Run) -> Measurement:
    """Measure primitives, ciphers, handshakes and responses with the harness of `run.code`."""
    meter = _Meter(run)
    run.say("signatures and key agreements")
    primitives = [meter.time(each.family, each.what, each.work) for each in operations()]
    run.say("encryption, by RSA and by what TLS 1.3 takes")
    known = {cipher.name: cipher for cipher in ciphers()}
    speeds = [meter.speed(cipher) for cipher in known.values()]
    run.say("RSA-2048 and AES-256-GCM, in turns")
    factor = meter.factor(known["RSA-2048, OAEP"], known["AES-256-GCM"])
    pairs = [pair(kind) for kind in KINDS]
    shaken = []
    for each in pairs:
        run.say(f"handshakes with a certificate on {each.kind.value}")
        shaken.append(meter.handshake(each))
    run.say("responses of seven sizes over an open connection")
    points = meter.responses(pairs[0])
    line = run.code.split([(size, timed.summary.median) for size, timed in points])
    if not line.per_byte > 0:
        raise NotShown("needs a quieter machine: a longer response did not take longer")
    return _Report(run, primitives, speeds, factor, shaken, points, line).measurement()


class _Meter:
    """The harness under measure, with this run's patience.

    Its clock is that of this process's CPU time: what other programs take of the processor is not counted.
    """

    def __init__(self, run: Run) -> None:
        self.code = run.code
        self.samples, self.least = (QUICK_SAMPLES, QUICK_LEAST) if run.quick else (SAMPLES, LEAST)

    def time(self, family: str, what: str, work: Any) -> Timed:
        return Timed(family, what, self.code.measure(work, self.samples, self.least, time.process_time))

    def speed(self, cipher: Cipher) -> Speed:
        both = (self.time(cipher.name, what, work) for what, work in _ways(cipher))
        return Speed(cipher.name, cipher.piece, *both)

    def factor(self, slow: Cipher, fast: Cipher) -> Any:
        """How many times as long `slow` takes to decrypt a byte."""
        works = slow.decrypt, fast.decrypt
        ratio = self.code.compare(*works, self.samples, self.least, time.process_time)
        scale = fast.piece / slow.piece
        return self.code.Summary(ratio.median * scale, ratio.low * scale, ratio.high * scale)

    def handshake(self, each: Pair) -> Handshake:
        full = self.time(each.kind.value, "full", each.full)
        return Handshake(each.kind.value, full, self.time(each.kind.value, "resumed", each.resumed))

    def responses(self, each: Pair) -> list[tuple[int, Timed]]:
        """Seconds for a request and a response of each size, on a connection that is open already."""
        connection = each.full()
        return [(size, self.time("response", str(size), lambda s=size: connection.send(s))) for size in SIZES]


def _ways(cipher: Cipher) -> Sequence[tuple[str, Any]]:
    return (("encrypt", cipher.encrypt), ("decrypt", cipher.decrypt))


# -- the verdict --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Report:
    run: Run
    primitives: Sequence[Timed]
    speeds: Sequence[Speed]
    factor: Any
    shaken: Sequence[Handshake]
    points: Sequence[tuple[int, Timed]]
    line: Any

    def measurement(self) -> Measurement:
        aes, rsa = self._speed("AES-256-GCM"), self._speed("RSA-2048, OAEP")
        first = self.shaken[0]
        worth = first.full.summary.median * aes.rate(aes.encrypt) * MB
        verdict, condition = self._verdict(worth)
        headline = (
            f"to decrypt the same content, RSA-2048 takes {_count(self.factor.median)} times as long as "
            f"AES-256-GCM ({rsa.rate(rsa.decrypt):.2f} against {_count(aes.rate(aes.decrypt))} MB/s); a full "
            f"TLS 1.3 handshake costs {_time(first.full.summary.median)} of CPU time, a resumed one "
            f"{_time(first.resumed.summary.median)}, both sides together; from a response of "
            f"{_size(self._where(first.full, MATTERS))} on, the full one is less than {MATTERS:.0%} of it"
        )
        return Measurement(
            figures=self._figures(worth),
            verdict=verdict,
            condition=condition,
            headline=headline,
            tables=[self._operations(), self._ciphers(), self._handshakes(), self._sizes()],
            plots=[self._bars(), self._curve()],
            notes=self._notes(),
        )

    def _speed(self, name: str) -> Speed:
        return next(speed for speed in self.speeds if speed.name == name)

    def _verdict(self, worth: float) -> tuple[Verdict, str]:
        if self.factor.median < MUCH:
            return Verdict.FALSE, ""
        return (
            Verdict.TRUE_ONLY_IF,
            "RSA is to encrypt the content. A whole handshake of today costs as much CPU time as AES-256-GCM "
            f"takes for {_size(worth)}",
        )

    def _figures(self, worth: float) -> dict[str, float | int | str]:
        per_second = {f"{t.family} {t.what}".lower().replace(" ", "_"): t.a_second for t in self.primitives}
        figures: dict[str, float | int | str] = {
            "rsa_over_aes": round(self.factor.median),
            "full_handshake_ms": self.shaken[0].full.summary.median * 1000,
            "resumed_handshake_ms": self.shaken[0].resumed.summary.median * 1000,
            "handshake_in_bytes_of_aes": round(worth),
            "handshake_is_a_tenth_at_bytes": round(self._where(self.shaken[0].full, MATTERS)),
            "aes_256_gcm_mb_per_s": self._speed("AES-256-GCM").rate(self._speed("AES-256-GCM").encrypt),
        }
        return figures | {name: round(value) for name, value in per_second.items()}

    def _where(self, handshake: Timed, share: float) -> float:
        return float(self.run.code.size_where(handshake.summary.median, self.line, share))

    # -- tables ------------------------------------------------------------------------------------------

    def _operations(self) -> Table:
        return Table(
            "What one core does in a second (median; spread: half the distance of the quartiles)",
            ("key", "operation", "a second", "time of one", "spread"),
            [
                (t.family, t.what, _count(t.a_second), _time(t.summary.median), t.spread)
                for t in self.primitives
            ],
        )

    def _ciphers(self) -> Table:
        fastest = self._speed("AES-256-GCM")
        return Table(
            "To encrypt and decrypt content (MB/s; the last column compares decryption)",
            ("cipher", "bytes a call", "encrypt", "decrypt", "AES is … times as fast"),
            [
                (
                    speed.name,
                    speed.piece,
                    f"{speed.rate(speed.encrypt):,.2f}",
                    f"{speed.rate(speed.decrypt):,.2f}",
                    _count(fastest.rate(fastest.decrypt) / speed.rate(speed.decrypt)),
                )
                for speed in self.speeds
            ],
        )

    def _handshakes(self) -> Table:
        return Table(
            "A TLS 1.3 handshake: CPU time of client and server together, no network",
            ("certificate", "full", "spread", "resumed", "spread", "full / resumed"),
            [
                (
                    each.kind,
                    _time(each.full.summary.median),
                    each.full.spread,
                    _time(each.resumed.summary.median),
                    each.resumed.spread,
                    f"{each.full.summary.median / each.resumed.summary.median:.1f}",
                )
                for each in self.shaken
            ],
        )

    def _sizes(self) -> Table:
        rows = []
        for each in self.shaken:
            for timed in (each.full, each.resumed):
                sizes = [_size(self._where(timed, share)) for share in SHARES]
                rows.append((f"{each.kind}, {timed.what}", *sizes))
        shares = [f"{share:.0%} of the CPU time" for share in SHARES]
        return Table(
            "The response size from which on the handshake is less than", ("handshake", *shares), rows
        )

    # -- pictures ----------------------------------------------------------------------------------------

    def _bars(self) -> Plot:
        def draw(axes: Any) -> None:
            names = [speed.name for speed in self.speeds]
            rates = [speed.rate(speed.decrypt) for speed in self.speeds]
            colours = [plots.RED if "RSA" in name else plots.GREEN for name in names]
            axes.barh(names, rates, color=colours)
            for y, rate in enumerate(rates):
                axes.text(rate * 1.15, y, f"{_count(rate)} MB/s", va="center")
            axes.set_xscale("log")
            decades = [10**exponent for exponent in range(5)]
            axes.set_xticks(decades, [f"{decade:,}" for decade in decades])
            axes.set_xlim(min(rates) / 3, max(rates) * 30)
            axes.invert_yaxis()
            axes.set_xlabel("content decrypted, MB/s (each mark is ten times the last)")

        return Plot("Asymmetric against symmetric", plots.svg(draw, height=3.0))

    def _curve(self) -> Plot:
        sizes = [10 ** (exponent / 8) for exponent in range(16, 73)]

        def draw(axes: Any) -> None:
            for timed in (self.shaken[0].full, self.shaken[0].resumed, self.shaken[1].full):
                once = timed.summary.median
                whole = [once + self.line.fixed + size * self.line.per_byte for size in sizes]
                label = f"{timed.family}, {timed.what}"
                axes.plot(sizes, [100 * once / all_of_it for all_of_it in whole], label=label)
            axes.axhline(100 * MATTERS, color=plots.GREY, linewidth=1)
            axes.set_xscale("log")
            marks = [10**exponent for exponent in range(2, 10)]
            axes.set_xticks(marks, [_size(mark) for mark in marks])
            axes.set_ylim(0, 100)
            axes.set_xlabel("size of the one response (KB: 1,000 bytes)")
            axes.set_ylabel("handshake, % of the CPU time")
            axes.legend()

        return Plot("How much of a connection's CPU time is its handshake", plots.svg(draw))

    def _notes(self) -> list[str]:
        notes = [
            f"Python {sys.version.split()[0]}; primitives by {backend.openssl_version_text()}, "
            f"handshakes by {ssl.OPENSSL_VERSION}",
            _hardware(),
            f"a response on an open connection: {_time(self.line.fixed)} + "
            f"{self.line.per_byte * MB * 1000:.2f} ms for each MB, both sides together",
            "CPU time alone: on a network each handshake also waits for one round trip (lab 09)",
        ]
        if not any(timed.family.startswith("ML-KEM") for timed in self.primitives):
            notes.append("ML-KEM-768 not shown: needs cryptography 47 or later with OpenSSL 3.5 or later")
        if self.run.quick:
            notes.append(
                f"QUICK=1: {QUICK_SAMPLES} samples of {QUICK_LEAST * 1000:.0f} ms each, not {SAMPLES}"
            )
        return notes


def _hardware() -> str:
    """Whether the processor has AES in hardware, as far as the kernel says."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
    except OSError:
        return "the kernel does not say whether this processor has instructions for AES"
    words = set(text.split())
    return f"this processor has {'' if 'aes' in words else 'no '}instructions for AES"


def _count(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 10 else f"{value:.2g}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.1f} µs"


def _size(size: float) -> str:
    for unit, factor in (("GB", 1000 * MB), ("MB", MB), ("KB", 1000)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} bytes"
