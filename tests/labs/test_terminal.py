"""What is printed: plain where no terminal is, never read as markup, never wider than a line."""

from __future__ import annotations

import io

import pytest

from labs.runner import terminal


def test_a_pipe_gets_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    out = terminal.terminal()
    assert not out.fancy
    out.say("GET /[bold]x[/bold] \\r\\n", terminal.BAD)
    assert capsys.readouterr().out == "GET /[bold]x[/bold] \\r\\n\n"


def test_a_plain_table_wraps_its_long_cells(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.Terminal().table(("claim", "n"), [("word " * 60, "7"), ("short", "8")])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 116
    assert lines[0].startswith("claim") and lines[-1].split() == ["short", "8"]
    assert " ".join(lines).count("word") == 60


def test_a_rich_terminal_shows_wire_bytes_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stdout", written)
    out = terminal.RichTerminal()
    out.say("a [red]b[/red] [/] c", terminal.GOOD)
    out.table(("x",), [("[link=evil]y",)], [terminal.BAD])
    with out.progress(2) as bar:
        bar.note("[/] odd [bold")
        bar.advance()
    assert "a [red]b[/red] [/] c" in written.getvalue() and "[link=evil]y" in written.getvalue()


def test_a_place_is_no_emoji(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stdout", written)
    out = terminal.RichTerminal()
    out.verbatim("    at exercise.py:100: `return [b]`")
    out.say("lab :bug: [b]")
    assert written.getvalue() == "    at exercise.py:100: `return [b]`\nlab :bug: [b]\n"


@pytest.mark.parametrize(("number", "text"), [(0, "0 labs"), (1, "1 lab"), (2, "2 labs")])
def test_counts_are_words(number: int, text: str) -> None:
    assert terminal.count(number, "lab") == text


def test_no_question_is_asked_in_ci_or_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not terminal.asking()
    monkeypatch.setattr("sys.stdin", _Tty())
    monkeypatch.setattr("sys.stdout", _Tty())
    monkeypatch.setenv("CI", "true")
    assert not terminal.asking()
    monkeypatch.delenv("CI")
    assert terminal.asking()


class _Tty(io.StringIO):
    def isatty(self) -> bool:
        return True
