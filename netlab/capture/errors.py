"""The one error of this package: octets that are not what they claim to be."""

from __future__ import annotations


class DecodeError(ValueError):
    """Octets that break the format they claim to be.

    layer: the format ("TCP", "pcapng"); offset: where in that layer's octets the trouble starts;
    problem: what was found there; rule: the sentence of the standard that it breaks.
    """

    def __init__(self, layer: str, offset: int, problem: str, rule: str) -> None:
        super().__init__(f"{layer}, octet {offset}: {problem} ({rule})")
        self.layer, self.offset, self.problem, self.rule = layer, offset, problem, rule
