"""What a learner is shown: a caret at the first wrong octet, the steps, the rule; endless code is stopped."""

from __future__ import annotations

import time
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from labs.runner.checking import alarm, failure, suite
from labs.runner.checking.absent import absent
from labs.runner.checking.forkserver import ForkServer, run_all
from labs.runner.checking.plugin import claim
from labs.runner.checks import Steps, WrongBytes, same_bytes
from labs.runner.registry import Lab
from tests.labs import toy


def caret(text: str) -> str:
    """The character that the caret stands under, in the learner's row."""
    yours, mark = text.splitlines()[-2:]
    return yours[mark.index("^")]


def test_equal_bytes_pass() -> None:
    same_bytes(bytearray(b"a\r\n"), b"a\r\n")


@pytest.mark.parametrize(
    ("actual", "expected", "at", "under"),
    [
        (b"GET /x\r\n", b"GET /y\r\n", 5, "x"),
        (b"a\r\r\n", b"a\r\n", 2, "\\"),
        (b"abc", b"abcdef", 3, "⟨"),
        (b"abcdef", b"abc", 3, "d"),
        (b"x" * 300 + b"!", b"x" * 300 + b"?", 300, "!"),
        (b"", b"a", 0, "⟨"),
    ],
)
def test_the_caret_stands_under_the_first_wrong_octet(
    actual: bytes, expected: bytes, at: int, under: str
) -> None:
    with pytest.raises(WrongBytes) as caught:
        same_bytes(actual, expected, rule="RFC 9112 §2.1", what="the request")
    assert caught.value.at == at
    assert caret(str(caught.value)) == under
    assert "the request" in str(caught.value) and "RFC 9112 §2.1" in str(caught.value)


@pytest.mark.parametrize(
    ("actual", "expected", "told"),
    [
        (b"abc", b"abcd", "the lines: too short; 1 byte missing after byte 3"),
        (b"abcde", b"abc", "the lines: too long; 2 bytes too many from byte 3 on"),
        (b"abx", b"aby", "the lines: not as expected from byte 2 on"),
    ],
)
def test_the_headline_reads_well_for_one_thing_and_for_many(
    actual: bytes, expected: bytes, told: str
) -> None:
    with pytest.raises(WrongBytes) as caught:
        same_bytes(actual, expected, what="the lines")
    assert str(caught.value).splitlines()[0] == told


SIDES = [("expected", "200"), ("yours", "100")]


@pytest.mark.parametrize(
    ("message", "values", "shown"),
    [
        ("a 100 is interim", SIDES, ["expected", "yours"]),
        ("it must be 200, not 100", SIDES, []),
        ("a text", [("expected", "'LENGTH'"), ("yours", "'BOTH'")], ["expected", "yours"]),
        ("LENGTH, not BOTH", [("expected", "'LENGTH'"), ("yours", "'BOTH'")], []),
        ("size 2000 and 1001", SIDES, ["expected", "yours"]),
        ("refused '+5'", [("given", "'+5'")], []),
    ],
)
def test_both_sides_of_a_comparison_are_shown_unless_the_message_has_them(
    message: str, values: list[tuple[str, str]], shown: list[str]
) -> None:
    assert [name for name, _ in _told(message, values).values] == shown


@pytest.mark.parametrize(
    ("statement", "expected", "yours"),
    [
        ("assert gate.listening(0)", "gate.listening(0) is true", "gate.listening(0) is false"),
        ("    assert not gate.full, (\n        'room'\n    )", "gate.full is false", "gate.full is true"),
    ],
)
def test_a_check_of_one_call_shows_the_call_and_what_came(statement: str, expected: str, yours: str) -> None:
    assert claim(statement, {"gate": object()}) == [("expected", expected), ("yours", yours)]


@pytest.mark.parametrize(
    "statement",
    [
        "assert gate",
        "assert gate.room == 3",
        "assert helper(gate).full",
        "assert all(gate.rooms)",
        "assert self.open",
        "raise AssertionError",
        "assert not",
        f"assert gate.fits({'x' * 80})",
    ],
)
def test_a_check_of_anything_else_shows_no_call(statement: str) -> None:
    assert claim(statement, {"gate": object(), "self": object()}) == []


def test_a_long_run_of_one_character_is_folded() -> None:
    assert _told(f"Accept: {'x' * 129} is long", []).message == "Accept: x⟨129 times⟩ is long"


def _told(message: str, values: list[tuple[str, str]]) -> failure.Failure:
    return failure.Failure.of(
        AssertionError(message), test="test_it[case 6]", task=1, rule="", steps=(), printed="",
        exercise=Path("mine.py"), reference=Path("solution.py"), values=values,
    )  # fmt: skip


def test_the_number_of_a_case_is_not_in_its_sentence() -> None:
    assert _told("wrong", []).sentence == "it"
    assert failure.sentence("test_it[case 6]") == "it" and failure.sentence("test_it[half]") == "it (half)"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("test_http_1_1_persists", "HTTP/1.1 persists"),
        ("test_sha_384_of_rfc_8448_in_tls_1_3", "SHA-384 of RFC 8448 in TLS 1.3"),
        ("test_a_bare_lf_or_cr_is_refused", "a bare LF or CR is refused"),
        ("test_both_answers_vary_with_the_fields_of_vary", "both answers vary with the fields of Vary"),
        ("test_a_content_length_decides", "a Content-Length decides"),
        ("test_the_roots_key_signs", "the root's key signs"),
        ("test_a_hello_retry_request_follows_a_client_hello", "a HelloRetryRequest follows a ClientHello"),
        ("test_the_pre_master_secret", "the pre-master secret"),
        ("test_an_answer_with_the_policys_own_lists", "an answer with the policy's own lists"),
        ("test_it_identifies_the_roots_key_as_its_issuers", "it identifies the root's key as its issuer's"),
        ("test_the_limit_counts_all_clients", "the limit counts all clients"),
        ("test_no_run_of_ascii_digits_is_refused", "no run of ASCII digits is refused"),
    ],
)
def test_a_sentence_writes_the_words_of_the_field_as_the_field_does(name: str, written: str) -> None:
    assert failure.sentence(name) == written


def test_text_instead_of_bytes_is_named() -> None:
    with pytest.raises(AssertionError, match="must be bytes, not str"):
        same_bytes("abc", b"abc")  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="the value must be bytes, not None: is a `return` missing"):
        same_bytes(None, b"abc")  # type: ignore[arg-type]


def test_steps_show_bytes_readably_and_not_at_length() -> None:
    steps = Steps()
    steps.note("connected")
    steps.sent(b"GET / HTTP/1.1\r\n")
    steps.received(b"\x00" * 1000)
    assert steps[:2] == ["connected", "sent 16 bytes: GET / HTTP/1.1\\r\\n"]
    assert steps[2].startswith("received 1000 bytes: \\x00") and steps[2].endswith("…")


Run = Callable[..., suite.Result]


@pytest.fixture
def run(lab: Lab, tmp_path: Path, fork_server: ForkServer) -> Run:
    """The toy's checks against a learner's source."""

    def checked(source: str | bytes, patience: float = 5.0, seed: int = 1) -> suite.Result:
        path = tmp_path / "mine.py"
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        job = suite.Job(lab.folder, path, seed, patience)
        ((_, result),) = run_all([("", job)], server=fork_server)
        return result

    return checked


GREET = (
    'def greet(name):\n    {}\n    return b"hello " + name.encode()\n\n\ndef add(a, b):\n    return a + b\n'
)


def test_the_reference_passes_task_by_task(lab: Lab, run: Run) -> None:
    result = run(lab.solution.read_bytes())
    assert result.passed
    assert [outcome.task for outcome in result.outcomes] == [1, 2], "tests must run in the order of the tasks"


def test_wrong_bytes_come_with_steps_rule_and_caret(run: Run) -> None:
    result = run(GREET.format("name = 'bib'"))
    (wrong,) = result.failures
    assert (wrong.kind, wrong.task, wrong.rule) == (failure.WRONG, 1, "manners §1")
    assert wrong.steps == ("asked for bob",)
    assert caret(wrong.message) == "i"
    assert "test_lab.py" not in wrong.text() and "Traceback" not in wrong.text()


def test_an_assertion_shows_its_own_words_alone(run: Run) -> None:
    (wrong,) = run(GREET.format("pass").replace("a + b\n", "a - b\n")).failures
    assert wrong.message == "1 + 1 is 2 (arithmetic)"


READS_AN_ATTRIBUTE = """import pytest


@pytest.mark.task(1, rule="manners §1")
def test_a_greeting_is_text(exercise):
    assert exercise.greet("bob").decode() == "hello bob"
"""


def test_a_value_that_the_check_cannot_read_is_shown_with_the_checks_line(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    lab, path = toy.build(tmp_path, test_lab_py=READS_AN_ATTRIBUTE), tmp_path / "mine.py"
    path.write_text(GREET.format("return None"), "utf-8")
    ((_, result),) = run_all([("", suite.Job(lab.folder, path, 1, 5.0))], server=fork_server)
    (wrong,) = result.failures
    assert (
        wrong.message == "the check cannot go on: AttributeError: 'NoneType' object has no attribute 'decode'"
    )
    assert wrong.values == (
        ("expected", "a value with `.decode`"),
        ("yours", "None"),
        ("check", '`assert exercise.greet("bob").decode() == "hello bob"`'),
    )


EXPECTS_AN_ERROR = """import pytest


@pytest.mark.task(1, rule="manners §1")
def test_a_greeting_of_nothing_is_refused(exercise):
    with pytest.raises((ValueError, TypeError)):
        exercise.greet("")
        {}
"""


@pytest.mark.parametrize(
    ("line", "message", "names"),
    [
        ("", "no error came, and the check expects (ValueError, TypeError)", ["check"]),
        ("pytest.fail(\"greet('') must raise\")", "greet('') must raise", []),
    ],
    ids=["the check says nothing", "the check says it"],
)
def test_a_missing_error_is_told_in_a_sentence(
    tmp_path: Path, fork_server: ForkServer, line: str, message: str, names: list[str]
) -> None:
    lab, path = toy.build(tmp_path, test_lab_py=EXPECTS_AN_ERROR.format(line)), tmp_path / "mine.py"
    path.write_text(GREET.format("pass"), "utf-8")
    ((_, result),) = run_all([("", suite.Job(lab.folder, path, 1, 5.0))], server=fork_server)
    (wrong,) = result.failures
    assert wrong.message == message
    assert [name for name, _ in wrong.values] == names


def test_an_exception_names_the_learners_line(run: Run) -> None:
    (wrong,) = run(GREET.format("name.nonesuch()")).failures
    assert wrong.kind == failure.RAISED
    assert wrong.message == "your code raised AttributeError: 'str' object has no attribute 'nonesuch'"
    assert wrong.place == "mine.py:2: `name.nonesuch()`" and wrong.values == ()


@pytest.mark.parametrize(
    "body",
    [
        'raise NotImplementedError("task 1: greet")',
        'raise ExceptionGroup("g", [NotImplementedError("task 1: greet")])',
        'raise ValueError("x") from NotImplementedError("task 1: greet")',
    ],
)
def test_an_unwritten_task_is_known_wherever_it_hides(run: Run, body: str) -> None:
    (wrong,) = run(GREET.format(body)).failures
    assert (wrong.kind, wrong.message) == (failure.UNWRITTEN, "task 1: greet")


def test_what_the_code_printed_is_shown(run: Run) -> None:
    (wrong,) = run(GREET.format("print('hello there'); name = ''")).failures
    assert "your code printed:\n  hello there" in wrong.text()


@pytest.mark.parametrize(
    "loop",
    ["while True: pass", "import time; time.sleep(3600)", "import threading; threading.Event().wait()"],
)
def test_an_endless_test_is_stopped_on_its_line(run: Run, loop: str) -> None:
    (wrong,) = run(GREET.format(loop), patience=1).failures
    assert wrong.kind == failure.ENDLESS
    assert wrong.message == f"still running after 1 s, at mine.py:2: `{loop}`"


def test_a_bare_except_cannot_swallow_the_alarm_for_ever(run: Run) -> None:
    body = "import time\n    try:\n        time.sleep(60)\n    except:\n        time.sleep(60)"
    (wrong,) = run(GREET.format(body), patience=1).failures
    assert wrong.kind == failure.ENDLESS


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("", "mine.py: no `greet` is there: put back `def greet(name: str) -> bytes:`"),
        (
            "def greet():\n    return b''\n",
            "mine.py: greet() takes 0 positional arguments but 1 was given: "
            "the checks call it as `def greet(name: str) -> bytes:`",
        ),
    ],
    ids=["missing", "other parameters"],
)
def test_a_function_that_the_checks_call_and_do_not_find_is_one_line(
    run: Run, source: str, line: str
) -> None:
    wrong = run(source).failures[0]
    assert (wrong.kind, wrong.message, wrong.steps) == (failure.ABSENT, line, ())


@pytest.mark.parametrize(
    ("missing", "owner", "line"),
    [
        ("LIMIT", None, "no `LIMIT` is there: put back `LIMIT = …`"),
        ("Pool", None, "no `Pool` is there: put back `class Pool`"),
        ("close", "Pool", "`Pool` has no `close`: put back `async def close(self) -> None:`"),
        ("helper", None, ""),
    ],
)
def test_whatever_is_missing_is_shown_as_the_reference_defines_it(
    tmp_path: Path, missing: str, owner: str | None, line: str
) -> None:
    reference = tmp_path / "solution.py"
    reference.write_text(
        "LIMIT: int = 3\n\n\nclass Pool:\n    async def close(self) -> None:\n        pass\n"
    )
    module = types.ModuleType("exercise")
    thing = type(owner, (), {"__module__": "exercise"})() if owner else module
    error = AttributeError(missing, name=missing, obj=thing)
    told = absent(error, reference, tmp_path / "exercise.py")
    assert told == (f"exercise.py: {line}" if line else "")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("x = 1\n".encode("utf-16"), "mine.py: saved as UTF-16; Python reads UTF-8: save it as UTF-8"),
        ("x = 1\n".encode("utf-16-le"), "mine.py: saved as UTF-16; "),
        ("x = 1\n".encode("utf-32"), "mine.py: saved as UTF-32; "),
        ("x = 1\n# é\n".encode("latin-1"), "mine.py:2: not UTF-8, which Python reads: save it as UTF-8"),
        (b"x = 1\n\0", "mine.py: saved as something else than text; "),
        (b"# coding: klingon\n", "mine.py: not UTF-8, "),
    ],
)
def test_a_file_in_another_encoding_is_one_line(run: Run, source: bytes, complaint: str) -> None:
    broken = run(source).broken
    assert complaint in broken and "\n" not in broken


def test_utf_8_with_a_mark_and_a_declared_encoding_are_read(lab: Lab, run: Run) -> None:
    source = lab.solution.read_bytes()
    assert run(b"\xef\xbb\xbf" + source).passed
    assert run("# coding: latin-1\n# é\n".encode("latin-1") + source).passed


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def greet(:\n", "mine.py:1: not Python yet: invalid syntax: `def greet(:`"),
        (
            "x = 1\nimport nonesuch\n",
            "mine.py:2: does not import: ModuleNotFoundError: No module named 'nonesuch'",
        ),
        ("raise SystemExit(3)\n", "mine.py:1: does not import: SystemExit: 3"),
        ("while True: pass\n", "still running after 1 s, at mine.py:1: `while True: pass`"),
        ("import os\nos._exit(3)\n", "the check's process ended too early (exit status 3): it said nothing"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "(killed by signal 9)"),
    ],
    ids=["syntax", "import", "exit", "loop", "os._exit", "killed"],
)
def test_a_file_that_cannot_be_imported_is_one_line(run: Run, source: str, complaint: str) -> None:
    endless = "still running" in complaint
    result = run(source, patience=1 if endless else alarm.PATIENCE)
    assert complaint in result.broken
    assert "\n" not in result.broken and not result.passed


def test_a_thread_left_running_delays_no_result(run: Run) -> None:
    thread = "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()"
    started = time.monotonic()
    assert run(GREET.format(thread)).passed
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("status", "printed", "told"),
    [
        (3, "", "(exit status 3): it said nothing"),
        (3, "a\nlast words", "(exit status 3): last words"),
        (
            -11,
            "Fatal Python error: Segmentation fault\n\n  File x",
            "(killed by signal 11): Fatal Python error: Seg",
        ),
    ],
)
def test_a_check_that_dies_is_told_by_its_most_telling_line(status: int, printed: str, told: str) -> None:
    assert told in suite.Result().close(status, printed).broken


def test_the_alarm_leaves_no_alarm_behind(tmp_path: Path) -> None:
    import signal

    before = signal.getsignal(signal.SIGALRM)
    with alarm.limit(60.0, tmp_path / "x.py"):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getsignal(signal.SIGALRM) is before


def test_the_seed_reaches_the_test_and_only_one_task_may_be_asked_for(run: Run) -> None:
    result = run(GREET.format("pass").replace("a + b\n", "a - b\n"), seed=41)
    assert result.failures[0].message == "41 + 1 is 42 (arithmetic)"
