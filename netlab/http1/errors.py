"""The one error of this floor: a peer broke a rule. The status that fits goes with it."""

from __future__ import annotations


class ProtocolError(Exception):
    """A peer broke a rule. Carries what a refusal must say.

    status: the response status that fits (400, 413, 414, 417, 431, 501, 505).
    rule: one sentence that says which rule was broken.
    section: where the rule stands, such as "RFC 9112 §5.1".
    """

    def __init__(self, status: int, rule: str, section: str) -> None:
        super().__init__(status, rule, section)
        self.status = status
        self.rule = rule
        self.section = section

    def __str__(self) -> str:
        return f"{self.rule} ({self.section})"
