"""The part of `cors explain --server NAME` that is about the other server: its answers, verdict, differences.

Here is printing only. The answers come from `netlab.cors.others`, the verdict from `netlab.cors.browser`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from netlab.cors.browser.compare import Comparison, Exchange
from netlab.cors.others import Answer

_WIDTH = 108


def server_report(comparison: Comparison) -> Iterator[str]:
    """The lines to print: configuration, answers, the browser's verdict, each difference from netlab."""
    server, theirs = comparison.server, comparison.theirs
    yield f"\n{server.name}: {server.title}, the same policy"
    yield from textwrap.indent(server.configuration(comparison.policy), "    ").splitlines()
    yield from _answer("answer to the preflight", theirs.preflight)
    yield from _answer("answer to the request", theirs.actual)
    yield f"  verdict: {_verdict(theirs)}"
    if (theirs.readable, theirs.handled) != (comparison.own.readable, comparison.own.handled):
        yield f"  with netlab: {_verdict(comparison.own)}"
    yield "  what differs from netlab:" if comparison.differences else "  nothing differs from netlab"
    for text in comparison.differences:
        yield from textwrap.wrap(text, _WIDTH, initial_indent="    - ", subsequent_indent="      ")


def _answer(what: str, answer: Answer | None) -> Iterator[str]:
    if answer is None:
        return
    yield f"  {what}: {answer.status or 'the status of the handler'}"
    yield from (f"      {name}: {value}" for name, value in answer.fields)


def _verdict(exchange: Exchange) -> str:
    """What the browser makes of the answers, in one sentence."""
    if exchange.readable:
        return "the page may read the response"
    ran = (
        "the request ran all the same"
        if exchange.handled
        else "the server answered it without the handler"
        if exchange.actual
        else "the request itself was never sent"
    )
    why = f" ({exchange.failed.question} {exchange.failed.outcome})" if exchange.failed else ""
    return f"the page may not read the response; {ran}{why}"
