"""Reads the wire cases: Markdown in, `Case` values out. `wire/README.md` describes the format.

No case is run here: `netlab check` runs them against any server, and tests/wire against netlab's own parser
and server. The reader is strict, as what it tests is: an item it does not know is a BadCase with its file and
line, and is never skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

CASES = Path(__file__).parent / "wire"

Line = tuple[str, str]
"""A field line: name in lower case, value."""


class BadCase(ValueError):
    """A case that does not follow the format; the message begins with file and line."""


@dataclass
class ExpectedRequest:
    """One request as the parser must tell it."""

    method: str
    target: str
    minor: int
    content: bytes = b""
    authority: str | None = None
    fields: list[Line] = field(default_factory=list)
    """Field lines that must be among those of the head."""
    trailers: list[Line] = field(default_factory=list)
    complete: bool = False


@dataclass(frozen=True)
class ExpectedRefusal:
    """The status of a ProtocolError, and the sections any of which it may name."""

    status: int
    sections: tuple[str, ...]


@dataclass
class ParserOutcome:
    """What the parser must make of a case: messages, then nothing, a refusal or waiting for more."""

    messages: list[ExpectedRequest] = field(default_factory=list)
    refusal: ExpectedRefusal | None = None
    waits: bool = False


@dataclass
class ExpectedAnswer:
    """One response that the server must (or, if optional, may) give."""

    status: int
    optional: bool = False
    content: bytes | None = None
    fields: list[Line] = field(default_factory=list)


class End(Enum):
    """What becomes of the connection behind the last answer."""

    PERSISTS = "persists"
    CLOSES = "closes"
    EITHER = "either"
    """The server may choose; but what its last answer says, it does."""


@dataclass
class Reaction:
    """What the live server must do: answers to each step, and what becomes of the connection."""

    answers: list[list[ExpectedAnswer]]
    end: End


class Alternative(Enum):
    """What the RFC allows a server beside the refusal that netlab chooses."""

    NONE = ""
    TAKEN = "taken"
    """The message is taken as one request: the octet or the fold at fault was replaced by a space."""
    TAKEN_THEN_CLOSED = "taken, closes"
    WAITS = "waits"
    """The server may wait for the rest of a message that it reads in another way."""


TRANSPORTS = ("plain", "tls")


@dataclass
class WireCase:
    """One wire case. `steps` are sent one after the other, each when the answers to the last are there."""

    file: str
    line: int
    name: str
    sections: tuple[str, ...]
    level: str
    rule: str
    steps: list[bytes]
    parser: ParserOutcome
    server: Reaction
    cut: bool = False
    half_close: bool = False
    only: str = ""  # the transport, where the other has an answer of its own
    attack: str = ""  # what an attacker gains from a server that gets it wrong; "" where nothing is known
    alternative: Alternative = Alternative.NONE

    @property
    def id(self) -> str:
        """The name by which pytest knows it: file and slug of the heading."""
        return f"{self.file}-{re.sub('[^a-z0-9]+', '_', self.name.lower()).strip('_')}"

    @property
    def request(self) -> bytes:
        return b"".join(self.steps)

    @property
    def where(self) -> str:
        return f"netlab/check/wire/{self.file}.md:{self.line}"


# -- bytes ------------------------------------------------------------------------------------------------

_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\", '"': '"', "s": " "}
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|(.?))", re.DOTALL)
# The innermost first: what is repeated may itself repeat.
_REPEAT = re.compile(r"\{repeat:((?:(?!\{repeat:).)+?)\*([1-9][0-9]*)\}")


def unescape(text: str) -> bytes:
    """The bytes that a piece of text stands for: generators expanded, then escapes resolved."""
    if any(not " " <= character <= "~" for character in text):
        raise ValueError(f"write an octet that is not visible ASCII as an escape: {text!r}")
    while found := _REPEAT.search(text):
        text = text[: found.start()] + found[1] * int(found[2]) + text[found.end() :]

    def octet(found: re.Match[str]) -> str:
        if found[1] is not None:
            return chr(int(found[1], 16))
        if found[2] not in _ESCAPES:
            raise ValueError(f"an unknown escape: \\{found[2]}")
        return _ESCAPES[found[2]]

    return _ESCAPE.sub(octet, text).encode("latin-1")


def wire_bytes(block: str) -> bytes:
    """The bytes of a request block: CRLF after each line, but where a line ends in its own terminator.

    A line that ends in the escape \\r or \\n ends there; a line that ends in a single backslash ends with
    nothing at all.
    """
    out = b""
    for line in block.split("\n"):
        if line != line.rstrip():
            raise ValueError(f"white space that cannot be seen: end the line with \\s or \\t: {line!r}")
        slashes = len(line) - len(line.rstrip("\\"))
        if slashes % 2:
            out += unescape(line[:-1])
        elif re.search(r"(?<!\\)(?:\\\\)*\\[rn]$", line):
            out += unescape(line)
        else:
            out += unescape(line) + b"\r\n"
    return out


# -- expectations -----------------------------------------------------------------------------------------

_ITEM = re.compile(r'((?:[^",]|"(?:[^"\\]|\\.)*")+)(?:,\s+|$)')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SECTION = r"RFC (?:9110|9112|3986|6585) §[0-9]+(?:\.[0-9]+)*"
_SECTIONS = rf"{_SECTION}(?: or {_SECTION})*"
_REFUSED = re.compile(rf"refused ([45][0-9]{{2}}) by ({_SECTIONS})")
_HEAD = re.compile(r"(\S+) (\S+) 1\.([01])")
_ANSWER = re.compile(r'([1-5][0-9]{2})(\??)(?: ("(?:[^"\\]|\\.)*"))?((?: with "(?:[^"\\]|\\.)*")*)')


_TIMES = re.compile(r"([1-9][0-9]*) times \(([^()]+)\)")


def items(text: str) -> list[str]:
    """Split at commas outside quotes; `3 times (a, b)` is a, b, a, b, a, b."""
    text = _TIMES.sub(lambda found: ", ".join([found[2]] * int(found[1])), text)
    found, at = [], 0
    while at < len(text):
        match = _ITEM.match(text, at)
        if match is None:
            raise ValueError(f"cannot be split into items: {text!r}")
        found.append(match[1].strip())
        at = match.end()
    return found


def _quoted(text: str) -> bytes:
    match = _QUOTED.fullmatch(text)
    if match is None:
        raise ValueError(f"not a quoted text: {text}")
    return unescape(match[1])


def _field(text: str) -> Line:
    name, _, value = _quoted(text).decode("latin-1").partition(":")
    return name.lower(), value.strip(" ")


def read_outcome(text: str) -> ParserOutcome:
    """Read what stands behind `parser:`."""
    outcome = ParserOutcome()
    if text == "nothing":
        return outcome
    for item in items(text):
        if outcome.refusal or outcome.waits:
            raise ValueError(f"nothing can follow a refusal or `waits`: {item!r}")
        word, _, rest = item.partition(" ")
        if head := _HEAD.fullmatch(item):
            method, target = (unescape(part).decode("latin-1") for part in head.group(1, 2))
            outcome.messages.append(ExpectedRequest(method, target, int(head[3])))
        elif refused := _REFUSED.fullmatch(item):
            outcome.refusal = ExpectedRefusal(int(refused[1]), tuple(refused[2].split(" or ")))
        elif item == "waits":
            outcome.waits = True
        elif not outcome.messages:
            raise ValueError(f"there is no message yet that this could belong to: {item!r}")
        elif item == "end":
            outcome.messages[-1].complete = True
        elif word == "content":
            outcome.messages[-1].content += _quoted(rest)
        elif word == "field":
            outcome.messages[-1].fields.append(_field(rest))
        elif word == "trailer":
            outcome.messages[-1].trailers.append(_field(rest))
        elif word == "authority":
            outcome.messages[-1].authority = _quoted(rest).decode("latin-1")
        else:
            raise ValueError(f"an unknown item: {item!r}")
    open_ended = [m for m in outcome.messages[:-1] if not m.complete]
    if open_ended or not (outcome.refusal or outcome.waits or outcome.messages[-1].complete):
        raise ValueError("every message but one that is refused or waits needs an `end`")
    return outcome


def read_answers(text: str) -> tuple[list[ExpectedAnswer], End | None]:
    """Read what stands behind `server:`: the answers, and the end of the connection (None: not said)."""
    answers: list[ExpectedAnswer] = []
    listed = items(text)
    end = next((end for end in End if end.value == listed[-1]), None)
    for item in listed if end is None else listed[:-1]:
        match = _ANSWER.fullmatch(item)
        if match is None:
            raise ValueError(f"not an answer: {item!r}")
        content = None if match[3] is None else _quoted(match[3])
        fields = [_field(text) for text in re.findall(r' with ("(?:[^"\\]|\\.)*")', match[4])]
        answers.append(ExpectedAnswer(int(match[1]), bool(match[2]), content, fields))
    return answers, end


# -- files ------------------------------------------------------------------------------------------------

_RULE = re.compile(rf"({_SECTIONS}) \((MUST NOT|MUST|SHOULD NOT|SHOULD|MAY|policy)\): (.+)")


def read_cases(text: str, file: str) -> list[WireCase]:
    """Every case of one Markdown file. Raises BadCase."""
    cases: list[WireCase] = []
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    line = parts[0].count("\n") + 1
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        try:
            cases.append(_read_case(file, line, name.strip(), body))
        except ValueError as error:
            raise BadCase(f"{file}.md:{line}: {name}: {error}") from None
        line += body.count("\n") + 1
    known: dict[str, WireCase] = {}
    for case in cases:
        if case.id in known:
            raise BadCase(f"{case.where}: the name is taken by the case of line {known[case.id].line}")
        known[case.id] = case
    return cases


def _read_case(file: str, line: int, name: str, body: str) -> WireCase:
    rule = None
    steps: list[bytes] = []
    bullets: dict[str, str] = {}
    answers: list[list[ExpectedAnswer]] = []
    end: End | None = None
    lines = iter(body.split("\n"))
    for text in lines:
        if text.startswith("```"):
            if text != "```request":
                raise ValueError(f"an unknown block: {text}")
            steps.append(wire_bytes(_block(lines)))
        elif match := re.fullmatch(r"- (refused|parser|server|cut|then|only|attack|or): (.+)", text):
            if match[1] == "server":
                if len(answers) != len(steps) - 1:
                    raise ValueError("one `server:` for each request block, behind it")
                answered, end = read_answers(match[2])
                answers.append(answered)
            elif match[1] in bullets:
                raise ValueError(f"`{match[1]}:` is given twice")
            else:
                bullets[match[1]] = match[2]
        elif text and rule is None:
            rule = _RULE.fullmatch(text)
            if rule is None:
                raise ValueError(f"not a rule with section and level: {text!r}")
        elif text:
            raise ValueError(f"an unknown line: {text!r}")
    if rule is None or not steps:
        raise ValueError("a case needs its rule and a request block")
    sections = tuple(rule[1].split(" or "))
    reaction = Reaction(answers, End.CLOSES)
    case = WireCase(file, line, name, sections, rule[2], rule[3], steps, ParserOutcome(), reaction)
    _expect(case, bullets, end)
    return case


def _block(lines: Iterable[str]) -> str:
    """The lines up to the closing fence."""
    taken: list[str] = []
    for text in lines:
        if text == "```":
            return "\n".join(taken)
        taken.append(text)
    raise ValueError("a block is not closed")


def _expect(case: WireCase, bullets: dict[str, str], end: End | None) -> None:
    """Put what the bullets say into the case."""
    answers = case.server.answers
    if "refused" in bullets:
        if "parser" in bullets or answers:
            raise ValueError("`refused:` says it all: no `parser:`, no `server:`")
        status, _, sections = bullets["refused"].partition(", ")
        case.parser = read_outcome(f"refused {status} by {sections}")
        answers.append([ExpectedAnswer(int(status))])
        end = End.CLOSES
    elif "parser" in bullets:
        case.parser = read_outcome(bullets["parser"])
    else:
        raise ValueError("either `refused:`, or `parser:` and `server:`")
    if end is None or len(answers) != len(case.steps):
        raise ValueError("the last `server:` must end with `persists`, `closes` or `either`")
    case.server.end = end
    if bullets.get("then", "half-close") != "half-close" or bullets.get("cut", "anywhere") != "anywhere":
        raise ValueError("known are `then: half-close` and `cut: anywhere`")
    case.cut = "cut" in bullets
    case.only = bullets.get("only", "")
    case.attack = bullets.get("attack", "")
    if bullets.get("or", "taken") not in [way.value for way in Alternative if way.value]:
        raise ValueError("known are `or: taken`, `or: taken, closes` and `or: waits`")
    case.alternative = Alternative(bullets.get("or", ""))
    if case.alternative is not Alternative.NONE and case.parser.refusal is None:
        raise ValueError("`or:` belongs to a request that is refused")
    if case.only not in ("", *TRANSPORTS):
        raise ValueError("known are `only: plain` and `only: tls`")
    # A request that waits for more can only be brought to an end by the end of input.
    case.half_close = "then" in bullets or case.parser.waits or case.cut
    if case.half_close and end is not End.CLOSES:
        raise ValueError("a connection cannot persist beyond the client's end of input")


def every_case() -> list[WireCase]:
    """All cases of this folder, file by file, in the order they are written."""
    return [
        case
        for path in sorted(CASES.glob("*.md"))
        if path.name != "README.md"
        for case in read_cases(path.read_text("utf-8"), path.stem)
    ]
