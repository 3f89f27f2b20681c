"""Without atheris: mutate what is known, keep what gives an outcome that is new. Pure Python, repeatable."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fuzz.targets import Target

LONGEST = 2000

Mutation = Callable[[random.Random, bytes, Sequence[bytes], Sequence[bytes]], bytes]


def _place(chance: random.Random, data: bytes) -> tuple[int, int]:
    """The two ends of a short stretch."""
    start = chance.randint(0, len(data))
    return start, min(len(data), start + chance.choice((1, 1, 2, 4, 16)))


def _flip(chance: random.Random, data: bytes, words: Sequence[bytes], known: Sequence[bytes]) -> bytes:
    """Another octet."""
    if not data:
        return bytes([chance.randrange(256)])
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _remove(chance: random.Random, data: bytes, words: Sequence[bytes], known: Sequence[bytes]) -> bytes:
    """A stretch less."""
    start, end = _place(chance, data)
    return data[:start] + data[end:]


def _repeat(chance: random.Random, data: bytes, words: Sequence[bytes], known: Sequence[bytes]) -> bytes:
    """A stretch again, a few times or many."""
    start, end = _place(chance, data)
    return data[:end] + data[start:end] * chance.choice((1, 2, 10, 100)) + data[end:]


def _insert(chance: random.Random, data: bytes, words: Sequence[bytes], known: Sequence[bytes]) -> bytes:
    """A word more."""
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(words) + data[at:]


def _overwrite(chance: random.Random, data: bytes, words: Sequence[bytes], known: Sequence[bytes]) -> bytes:
    """A word instead."""
    start, end = _place(chance, data)
    return data[:start] + chance.choice(words) + data[end:]


def _splice(chance: random.Random, data: bytes, words: Sequence[bytes], known: Sequence[bytes]) -> bytes:
    """The beginning of one and the end of another."""
    other = chance.choice(known)
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


MUTATIONS: tuple[Mutation, ...] = (_flip, _remove, _repeat, _insert, _overwrite, _splice)


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to."""

    tried: int
    outcomes: int
    broke: bytes | None = None
    error: BaseException | None = None


def fuzz(
    target: Target,
    seeds: Sequence[bytes],
    words: Sequence[bytes],
    *,
    seconds: float = float("inf"),
    inputs: int | None = None,
    seed: int = 1,
) -> Result:
    """Mutate until the time is up, so many inputs are tried, or one breaks the target."""
    chance = random.Random(seed)
    known, outcomes = list(seeds), set[str]()
    end = time.monotonic() + seconds
    tried = 0
    while tried != inputs and time.monotonic() < end:
        if tried < len(seeds):
            data = seeds[tried]
        else:
            data = chance.choice(known)
            for _ in range(chance.choice((1, 1, 2, 4))):
                data = chance.choice(MUTATIONS)(chance, data, words, known)[:LONGEST]
        tried += 1
        try:
            outcome = target(data)
        except Exception as error:
            return Result(tried, len(outcomes), data, error)
        if outcome not in outcomes:
            outcomes.add(outcome)
            known.append(data)
    return Result(tried, len(outcomes))
