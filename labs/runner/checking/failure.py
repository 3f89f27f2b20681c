"""A failing check, told to the learner: what went wrong, the steps so far, the bytes with a caret, the rule.

Takes exceptions, gives text. The commands to reproduce it and to ask for a hint are added by
labs.runner.learner.session, which knows the lab.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import textwrap
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.runner.checking import alarm
from labs.runner.checking.absent import absent
from labs.runner.checking.comparison import WrongBytes

WRONG, UNWRITTEN, RAISED, ENDLESS, ABSENT = "wrong", "unwritten", "raised", "endless", "absent"
_NUMBERED = re.compile(r"case \d+|[a-z_]+\d+(-[a-z_]+\d+)*")
_RUN = re.compile(r"(.)\1{23,}")
_SIDES = ("expected", "yours")  # the two values of a comparison: shown together, or not at all
_NOTHING_RAISED = re.compile(r"DID NOT RAISE (?:any of )?(.+)")  # pytest.raises, when the block ends quietly
_PRINTED = 12  # lines of the learner's own output worth repeating


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed test. `kind` is one of WRONG, UNWRITTEN, RAISED, ENDLESS and ABSENT."""

    kind: str
    test: str
    task: int
    rule: str
    message: str
    steps: tuple[str, ...] = ()
    place: str = ""
    printed: str = ""
    values: tuple[tuple[str, str], ...] = ()
    """What the check was given, what was expected and what came: (name, value) pairs."""

    @classmethod
    def of(
        cls,
        error: BaseException,
        *,
        test: str,
        task: int,
        rule: str,
        steps: tuple[str, ...],
        printed: str,
        exercise: Path,
        reference: Path,
        values: Sequence[tuple[str, str]] = (),
    ) -> Failure:
        """Read an exception that a test raised. `exercise` is the file checked, `reference` the lab's own."""
        kind, message = _kind(error), str(error)
        if kind == UNWRITTEN:
            message = unwritten(error) or message
        elif kind == RAISED and (line := absent(error, reference, exercise)):
            kind, message, steps = ABSENT, line, ()
        elif kind == RAISED:
            raised = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            inside = last_line(error, exercise)
            message = f"your code raised {raised}" if inside else f"the check cannot go on: {raised}"
        elif kind == WRONG and not isinstance(error, WrongBytes):
            # pytest's rewriting appends the operands: "…message\nassert 1 == 2".
            message = re.split(r"(?:^|\n)assert(?:\s|$)", message)[0]
            message = _NOTHING_RAISED.sub(r"no error came, and the check expects \1", message)
        place = "" if kind == ENDLESS else last_line(error, exercise)
        # Under the caret of WrongBytes each character keeps its place.
        said = message.strip() if isinstance(error, WrongBytes) else without_runs(message.strip())
        beside = () if kind in (UNWRITTEN, ABSENT) else _unsaid(values, said)
        return cls(kind, test, task, rule, said, steps, place, printed, beside)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Failure:
        """The inverse of to_json."""
        pairs = tuple((name, value) for name, value in data["values"])
        return cls(**(data | {"steps": tuple(data["steps"]), "values": pairs}))

    @property
    def sentence(self) -> str:
        """The test's name as the sentence that it is; `values` says which case it was."""
        return sentence(base(self.test))

    def text(self) -> str:
        """The whole report, without colour."""
        parts = [f"task {self.task}: {self.sentence}", textwrap.indent(self.message, "  ")]
        parts += [f"  {name:<9} {value}" for name, value in self.values]
        if self.place:
            parts.append(f"  at {self.place}")
        if self.steps:
            parts += ["steps so far:", *(f"  {n}. {step}" for n, step in enumerate(self.steps, 1))]
        if self.printed.strip():
            parts += ["your code printed:", textwrap.indent(last_lines(self.printed), "  ")]
        if self.rule:
            parts.append(f"rule: {self.rule}")
        return "\n".join(parts)


def _unsaid(values: Sequence[tuple[str, str]], said: str) -> tuple[tuple[str, str], ...]:
    """The values that the message does not hold already; of a comparison both sides, or none."""
    sides = [value for name, value in values if name in _SIDES]
    told = bool(sides) and all(_holds(said, value) for value in sides)
    return tuple(
        (name, value) for name, value in values if not (told if name in _SIDES else _holds(said, value))
    )


def _holds(said: str, value: str) -> bool:
    """Whether a text names a value, and not only a longer one that contains it ("1" in "100")."""
    forms = {value, _without_quotes(value)} - {""}
    return any(re.search(rf"(?<![\w.]){re.escape(form)}(?!\w|\.\d)", said) for form in forms)


def _without_quotes(value: str) -> str:
    """What a quoted text says; the value itself when it is no text."""
    try:
        text = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return value
    return text if isinstance(text, str) else value


def without_runs(text: str) -> str:
    """A text in which a character that is repeated for long stands once, with how often it came."""
    return _RUN.sub(lambda run: f"{run[1]}⟨{len(run[0])} times⟩", text)


def base(test: str) -> str:
    """A test's name without its parameters."""
    return test.split("[")[0]


# A function's name has no capitals, dots or slashes: what the field writes with them gets them back.
_WRITTEN = [
    (re.compile(rf"(?<!\w){name}(?!\w)"), text)
    for name, text in (
        (r"http 1 ([01])", r"HTTP/1.\1"),
        (r"tls 1 ([0-3])", r"TLS 1.\1"),
        (r"rfc (\d+)", r"RFC \1"),
        (r"(aes|sha) (\d+)", lambda found: f"{found[1].upper()}-{found[2]}"),
        ("utf 8", "UTF-8"),
        ("pre master", "pre-master"),
        ("client hello", "ClientHello"),
        ("hello retry request", "HelloRetryRequest"),
        ("kb", "kB"),
        ("x total", "X-Total"),
        ("http only", "HttpOnly"),
        ("vary star", "Vary: *"),
        (r"(?<=of )vary|vary(?= is| of)", "Vary"),
        ("content length", "Content-Length"),
        ("transfer encoding", "Transfer-Encoding"),
        ("keep alive", "keep-alive"),
        (
            "(?:ascii|ca|cors|cr|crl|crlf|dns|ecdhe|hkdf|html|http|ip|iv|json|lf|prf|rsa|tls|uss|xor)",
            lambda found: found[0].upper(),
        ),
        ("openssl", "OpenSSL"),
        ("policys", "policy's"),
        (r"(handler|root|server|client)s(?= own| key| finished)", r"\1's"),
        (r"(its issuer|covers the server)s", r"\1's"),
    )
]


def sentence(test: str) -> str:
    """ "test_a_chunk_is_whole[17]" as a person says it: "a chunk is whole (17)"."""
    name, _, case = test.partition("[")
    words = name.removeprefix("test_").replace("_", " ")
    for pattern, text in _WRITTEN:
        words = pattern.sub(text, words)
    # pytest numbers the cases that it cannot name; the values themselves are shown instead.
    case = case.removesuffix("]")
    return words if not case or _NUMBERED.fullmatch(case) else f"{words} ({case})"


def _kind(error: BaseException) -> str:
    if unwritten(error) is not None:
        return UNWRITTEN
    if isinstance(error, alarm.TookTooLong):
        return ENDLESS
    # pytest.fail() raises an outcome that is no AssertionError.
    return WRONG if isinstance(error, AssertionError) or type(error).__name__ == "Failed" else RAISED


def unwritten(error: BaseException) -> str | None:
    """What the stub's NotImplementedError says, also inside a group or behind another error; else None."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, NotImplementedError) and str(current).startswith("task "):
            return str(current)
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
        waiting += [current.__cause__, current.__context__]
    return None


def last_line(error: BaseException, exercise: Path) -> str:
    """The deepest line of the learner's file on the way of the error: "exercise.py:31: `return head`"."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(exercise)]
    if not frames:
        return ""
    return f"{exercise.name}:{frames[-1].lineno}: `{frames[-1].line}`"


def last_lines(text: str, count: int = _PRINTED) -> str:
    """The end of a learner's own output."""
    lines = text.rstrip().splitlines()
    kept = lines[-count:]
    return "\n".join(([f"… {len(lines) - count} lines before"] if len(lines) > count else []) + kept)
