"""The evidence of lab 12: what chunks cost on the wire, when the first byte comes, what else could stream.

The server is netlab, in a process of its own (producer.py); the reader is a bare socket here, which counts
every byte after the head. The code under measure encodes (to predict) and decodes (to check) them.
"""

from __future__ import annotations

import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from labs.runner import plots
from labs.runner.evidence import Measurement, Plot, Run, Table, Verdict
from labs.runner.serving import serving

KIB, MIB = 1024, 1024 * 1024
SIZES = [1, 4, 16, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB]
TIMES, QUICK_TIMES = 3, 1  # that the slow producer is asked
ROUNDS, QUICK_ROUNDS = 5, 2  # of all throughputs
PIECES, WAIT = 10, 0.04  # the slow producer: ten pieces, 40 ms each
WAYS = {
    "chunked": "chunked",
    "known": "Content-Length, known beforehand",
    "buffered": "Content-Length, waited for",
}


@dataclass
class Answer:
    """One response as it came: seconds are counted from the end of the request's last byte."""

    head: bytes = b""
    octets: int = 0  # after the head, as counted at the socket
    arrivals: list[tuple[float, int]] = field(default_factory=list)  # (seconds, octets of content so far)

    @property
    def first(self) -> float:
        """Seconds until the first octet of content."""
        return self.arrivals[0][0]


class Cost(NamedTuple):
    """One chunk size, in octets: of the content, and of what stands on the wire besides it."""

    size: int
    content: int
    foretold: int
    counted: int
    by_length: int

    @property
    def percent(self) -> float:
        """Of the content."""
        return 100 * self.counted / self.content


class Speed(NamedTuple):
    """One way to send, with pieces of one size: MiB/s, the median of several rounds, and their range."""

    way: str
    piece: int
    median: float
    least: float
    most: float


def ask(port: int, target: str, decoder: Any | None = None) -> Answer:
    """GET the target and read to the end of the connection. With a decoder: follow the chunks; else count."""
    answer = Answer()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        start, content, held = time.perf_counter(), 0, b""
        while data := client.recv(MIB):
            now = time.perf_counter() - start
            if not answer.head:
                held += data
                if b"\r\n\r\n" not in held:
                    continue
                answer.head, _, data = held.partition(b"\r\n\r\n")
            answer.octets += len(data)
            content += sum(map(len, decoder.feed(data))) if decoder else len(data)
            if content:
                answer.arrivals.append((now, content))
    if not answer.head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"GET {target} was answered {answer.head[:60]!r}")
    if decoder:
        decoder.feed_eof()
    return answer


def overhead(run: Run, port: int) -> list[Cost]:
    """Count each chunk size at the socket, once chunked and once by Content-Length."""
    rows = []
    for size in SIZES:
        total = min(MIB, size * 2048)
        run.say(f"{total // size} chunks of {size} bytes")
        answer = ask(port, f"/pieces?size={size}&total={total}", run.code.ChunkedDecoder())
        if answer.arrivals[-1][1] != total:
            raise RuntimeError(f"{answer.arrivals[-1][1]} of {total} bytes of content were decoded")
        known = ask(port, f"/known?size={size}&total={total}")
        chunk = len(run.code.encode_chunk(b"x" * size)) - size
        foretold = chunk * (total // size) + len(run.code.last_chunk())
        rows.append(Cost(size, total, foretold, answer.octets - total, known.octets - total))
    return rows


def first_bytes(run: Run, port: int) -> dict[str, list[Answer]]:
    """The slow producer, asked in three ways at once, several times over."""
    times = QUICK_TIMES if run.quick else TIMES
    run.say(f"a producer of {PIECES} pieces, {WAIT * 1000:.0f} ms each, in three ways")

    def one(how: str) -> list[Answer]:
        target = f"/slow?how={how}&pieces={PIECES}&wait={WAIT}"
        return [
            ask(port, target, run.code.ChunkedDecoder() if how == "chunked" else None) for _ in range(times)
        ]

    with ThreadPoolExecutor(len(WAYS)) as pool:
        return dict(zip(WAYS, pool.map(one, WAYS), strict=True))


def throughput(run: Run, port: int) -> list[Speed]:
    """The same bytes by chunks and by Content-Length, as fast as a bare socket takes them."""
    taken: dict[tuple[str, int], list[float]] = {}
    # Rounds of all, not all rounds of one: what disturbs the machine for a second disturbs each alike.
    for _ in range(QUICK_ROUNDS if run.quick else ROUNDS):
        for size in (KIB, 16 * KIB, 64 * KIB, MIB):
            total = (8 if size == KIB else 64) * MIB
            for way in ("pieces", "known"):
                run.say(f"{total // MIB} MiB as {way} of {unit(size)}")
                start = time.perf_counter()
                ask(port, f"/{way}?size={size}&total={total}")
                taken.setdefault((way, size), []).append(total / MIB / (time.perf_counter() - start))
    return [
        Speed(way, size, statistics.median(rates), min(rates), max(rates))
        for (way, size), rates in taken.items()
    ]


def measure(run: Run) -> Measurement:
    """Count, time, compare; then judge."""
    with serving(run.folder / "producer.py") as server:
        costs = overhead(run, server.port)
        slow = first_bytes(run, server.port)
        speeds = throughput(run, server.port)
    first = {
        way: statistics.median(answer.first for answer in answers) * 1000 for way, answers in slow.items()
    }
    cost = {found.size: found for found in costs}
    rate = {(speed.way, speed.piece): speed.median for speed in speeds}
    figures: dict[str, float | int | str] = {
        "overhead_of_1_kib_chunks": cost[KIB].counted,
        "overhead_of_1_kib_chunks_percent": round(cost[KIB].percent, 3),
        "overhead_of_1_b_chunks_percent": round(cost[1].percent, 1),
        "overhead_of_one_1_mib_chunk": cost[MIB].counted,
        **{f"first_byte_{way}_ms": round(value, 1) for way, value in first.items()},
        "whole_content_ms": round(slow["chunked"][0].arrivals[-1][0] * 1000, 1),
        "chunked_to_content_length_throughput_1_kib": round(rate["pieces", KIB] / rate["known", KIB], 2),
        "chunked_to_content_length_throughput_1_mib": round(rate["pieces", MIB] / rate["known", MIB], 2),
    }
    verdict, condition = judge(first)
    return Measurement(
        figures=figures,
        verdict=verdict,
        condition=condition,
        headline=(
            f"first byte after {first['chunked']:.0f} ms chunked, {first['known']:.0f} ms with a "
            f"Content-Length known beforehand, {first['buffered']:.0f} ms with one that is waited for; "
            f"1 MiB in 1 KiB chunks costs {cost[KIB].counted} bytes more ({cost[KIB].percent:.2f} %)"
            + (f"; QUICK=1: timed {QUICK_TIMES} × instead of {TIMES}" if run.quick else "")
        ),
        tables=tables(costs, slow, first, speeds),
        plots=[
            Plot("What chunks cost on the wire", plots.svg(lambda axes: draw_costs(axes, costs))),
            Plot(
                "A slow producer: what the client has, and when",
                plots.svg(lambda axes: draw_slow(axes, slow)),
            ),
        ],
        notes=notes(run, costs),
    )


def judge(first: dict[str, float]) -> tuple[Verdict, str]:
    """Chunked streams if its first byte comes long before the last is made; is it needed for that?"""
    early = 0.5 * first["buffered"]
    if first["chunked"] > early:
        return Verdict.FALSE, ""
    if first["known"] > early:
        return Verdict.TRUE, ""
    return (
        Verdict.TRUE_ONLY_IF,
        "the length is unknown when the head is sent; a known Content-Length streams as early",
    )


def notes(run: Run, costs: list[Cost]) -> list[str]:
    """What a reader of the tables should know."""
    different = [str(cost.size) for cost in costs if cost.foretold != cost.counted]
    said = ["each count at the socket is the one the encoder predicts: digits + 4 a chunk, 5 at the end"]
    if different:
        said = [f"the server did not cut a chunk for each piece of {', '.join(different)} bytes"]
    if run.quick:
        said.append(
            f"QUICK=1: the slow producer was asked {QUICK_TIMES} × instead of {TIMES}, the throughput "
            f"measured in {QUICK_ROUNDS} rounds instead of {ROUNDS}; the bytes were counted in full"
        )
    return said


def tables(
    costs: list[Cost],
    slow: dict[str, list[Answer]],
    first: dict[str, float],
    speeds: list[Speed],
) -> list[Table]:
    """The three comparisons in rows."""
    return [
        Table(
            "Bytes beyond the content, after the head",
            [
                "chunk size",
                "content",
                "foretold by the encoder",
                "counted at the socket",
                "percent",
                "by Content-Length",
            ],
            [
                [unit(c.size), unit(c.content), c.foretold, c.counted, f"{c.percent:.4g} %", c.by_length]
                for c in costs
            ],
        ),
        Table(
            f"A producer of {PIECES} pieces, {WAIT * 1000:.0f} ms each (medians of {len(slow['chunked'])})",
            ["framing", "first byte of content", "last byte"],
            [
                [
                    name,
                    f"{first[way]:.1f} ms",
                    f"{statistics.median(a.arrivals[-1][0] for a in slow[way]) * 1000:.1f} ms",
                ]
                for way, name in WAYS.items()
            ],
        ),
        Table(
            "The same content, streamed as fast as a bare socket reads",
            ["framing", "piece", "MiB/s (median)", "range"],
            [
                [
                    "chunked" if s.way == "pieces" else "Content-Length",
                    unit(s.piece),
                    round(s.median),
                    f"{s.least:.0f} to {s.most:.0f}",
                ]
                for s in speeds
            ],
        ),
    ]


def unit(octets: int) -> str:
    """A size as a person says it."""
    for name, scale in (("MiB", MIB), ("KiB", KIB)):
        if octets >= scale and octets % scale == 0:
            return f"{octets // scale} {name}"
    return f"{octets} B"


def draw_costs(axes: Any, costs: list[Cost]) -> None:
    """Overhead against chunk size: a line of slope -1 on logarithmic axes."""
    sizes = [cost.size for cost in costs]
    foretold = [100 * cost.foretold / cost.content for cost in costs]
    axes.loglog(sizes, foretold, base=2, color=plots.GREY, label="digits + 4 for each chunk")
    axes.plot(sizes, [cost.percent for cost in costs], "o", color=plots.BLUE, label="counted at the socket")
    axes.set_yscale("log", base=10)
    axes.set_xticks(sizes, [unit(size) for size in sizes], rotation=40)
    axes.set_xlabel("chunk size")
    axes.set_ylabel("bytes more, % of the content")
    axes.legend()


def draw_slow(axes: Any, slow: dict[str, list[Answer]]) -> None:
    """Content received against time, a step for every arrival."""
    for (way, name), colour, style in zip(
        WAYS.items(), (plots.BLUE, plots.GREEN, plots.RED), ("-", "--", "-."), strict=True
    ):
        arrivals = slow[way][0].arrivals
        times = [0.0, *(1000 * at for at, _ in arrivals)]
        content = [0.0, *(octets / KIB for _, octets in arrivals)]
        axes.step(times, content, where="post", color=colour, linestyle=style, label=name)
    axes.set_xlabel("ms since the request")
    axes.set_ylabel("content received, KiB")
    axes.legend(loc="upper left")
