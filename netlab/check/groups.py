"""The groups of cases, in the order in which they are run, and what an attacker does with a failure of each.

A case may name its own attack (`attack:` in its file); where it does not, that of its file counts, if it
has one.
"""

from __future__ import annotations

from dataclasses import dataclass

from netlab.check.cases import WireCase


@dataclass(frozen=True, slots=True)
class Group:
    """name: as `--only` and `--skip` take it. files: the wire cases that belong to it."""

    name: str
    title: str
    files: tuple[str, ...] = ()


GROUPS = (
    Group(
        "framing", "framing and smuggling", ("smuggling", "content_length", "transfer_encoding", "chunked")
    ),
    Group("request-line", "the request line", ("request_line",)),
    Group("fields", "field lines", ("field_lines",)),
    Group("host", "Host", ("host",)),
    Group("persistence", "persistence and pipelining", ("connection", "pipelining")),
    Group("expect", "Expect: 100-continue", ("expect",)),
    Group("methods", "methods, targets and HEAD", ("methods_targets",)),
    Group("half-close", "the end of input, half-close", ("end_of_input",)),
    Group("responses", "the answers themselves"),
    Group("limits", "limits and deadlines"),
    Group("cors", "CORS, by what the answers say"),
    Group("tls", "TLS"),
)
NAMES = tuple(group.name for group in GROUPS)
OF_FILE = {file: group.name for group in GROUPS for file in group.files}

_SMUGGLING = (
    "Request smuggling: a proxy in front reads one request, this server reads two. The attacker's hidden "
    "request runs past the proxy's checks, or gets the next user's answer."
)
_ATTACKS = {
    "smuggling": _SMUGGLING,
    "content_length": _SMUGGLING,
    "transfer_encoding": _SMUGGLING,
    "chunked": _SMUGGLING,
    "host": (
        "Routing and cache poisoning: a proxy or cache takes another host from this request than the "
        "application does, so links, redirects or cached pages point to the attacker's host."
    ),
    "field_lines": (
        "Field smuggling: a proxy reads this line as one field and the server as another, so a check in "
        "front (for an address, a user, a body length) does not see what the application sees."
    ),
    "request_line": (
        "Filter evasion: a proxy that checks paths reads another method, target or version than the server."
    ),
    "pipelining": "Answers out of step: behind a proxy, one client gets the answer of another.",
}


def attack_of(case: WireCase) -> str:
    """What an attacker gains where this case fails; "" where nothing is known or no rule is refused."""
    if case.attack:
        return case.attack
    hides_a_request = case.file in ("smuggling", "pipelining")
    return _ATTACKS.get(case.file, "") if case.parser.refusal is not None or hides_a_request else ""
