"""Bytes compared with a caret at the first wrong one, and the steps that led there.

What fails here already carries its explanation; labs.runner.checking.failure prints it. Labs reach this by
labs.runner.checks.
"""

from __future__ import annotations

_CONTEXT = 48  # octets shown before the first wrong one: enough for a start line, short enough for one row
_AFTER = 24
_BYTES = "the bytes"  # what is compared, when the check gives it no name


class WrongBytes(AssertionError):
    """Two byte strings differ. `at` is the offset of the first wrong octet."""

    def __init__(self, actual: bytes, expected: bytes, rule: str, what: str) -> None:
        self.actual, self.expected, self.rule, self.what = actual, expected, rule, what
        self.at = first_difference(actual, expected)
        super().__init__(self._text())

    def _text(self) -> str:
        missing, extra = len(self.expected) - self.at, len(self.actual) - self.at
        # `what` may be one thing or many: no verb follows it.
        headline = f"{self.what}: not as expected from byte {self.at} on"
        if extra == 0:
            headline = f"{self.what}: too short; {bytes_of(missing)} missing after byte {self.at}"
        elif missing == 0:
            headline = f"{self.what}: too long; {bytes_of(extra)} too many from byte {self.at} on"
        rule = f" ({self.rule})" if self.rule else ""
        return f"{headline}{rule}\n" + side_by_side(self.actual, self.expected, self.at)


def first_difference(actual: bytes, expected: bytes) -> int:
    """The offset of the first octet that differs; the shorter one's length if it begins the other."""
    for offset, (left, right) in enumerate(zip(actual, expected, strict=False)):
        if left != right:
            return offset
    return min(len(actual), len(expected))


def bytes_of(number: int) -> str:
    """ "1 byte", "2 bytes"."""
    return f"{number} byte{'' if number == 1 else 's'}"


def visible(data: bytes) -> str:
    """Octets as a person reads them: CR and LF as \\r and \\n, what is no printable ASCII as \\xNN."""
    return repr(bytes(data))[2:-1].replace("\\'", "'")


def side_by_side(actual: bytes, expected: bytes, at: int) -> str:
    """Both byte strings around offset `at`, with a caret under the first wrong octet."""
    start = max(0, at - _CONTEXT)
    lead = ("…" if start else "") + visible(actual[start:at])
    rows = [
        f"  {name} {lead}{_tail(data, at)}" for name, data in (("expected", expected), ("yours   ", actual))
    ]
    return "\n".join([*rows, f"  {' ' * 8} {' ' * len(lead)}^"])


def _tail(data: bytes, at: int) -> str:
    if at >= len(data):
        return "⟨end⟩"
    return visible(data[at : at + _AFTER]) + ("…" if at + _AFTER < len(data) else "")


def same_bytes(actual: bytes, expected: bytes, rule: str = "", what: str = _BYTES) -> None:
    """Raise WrongBytes, with a caret at the first wrong octet, unless both are the same."""
    if not isinstance(actual, bytes | bytearray | memoryview):
        said = "None: is a `return` missing?" if actual is None else f"{type(actual).__name__}: {actual!r}"
        raise AssertionError(f"{'the value' if what == _BYTES else what} must be bytes, not {said}")
    if bytes(actual) != bytes(expected):
        raise WrongBytes(bytes(actual), bytes(expected), rule, what)


class Steps(list[str]):
    """What happened so far, in order; printed when the test fails."""

    def note(self, text: str) -> None:
        """Add one step: "the server closed the connection"."""
        self.append(text)

    def sent(self, data: bytes, who: str = "sent") -> None:
        """Add the bytes that went out."""
        self.append(f"{who} {_amount(data)}")

    def received(self, data: bytes, who: str = "received") -> None:
        """Add the bytes that came in."""
        self.append(f"{who} {_amount(data)}")


def _amount(data: bytes) -> str:
    shown = visible(data[:120]) + ("…" if len(data) > 120 else "")
    return f"{bytes_of(len(data))}: {shown}"
