"""Policies per path: the longest prefix that ends at a segment wins. Pure; no request is read here.

A path that no prefix covers, or that could mean another path once someone tidies it up (`..`, `//`), gets the
policy that shares nothing: an open prefix must never open its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from netlab.cors.mistakes import Mistake, PolicyError, shown
from netlab.cors.policy import Policy

_STEP = "RFC 3986 section 3.3"
_CLOSED = Policy.closed()
# A segment that is empty, `.` or `..`, or a backslash: handlers and file systems disagree about these.
_AMBIGUOUS = re.compile(r"//|/\.\.?(?:/|\Z)|\\")


class Routes:
    """A table of path prefix to policy: `Routes({"/api": api_policy, "/api/admin": Policy.closed()})`.

    `/api` covers `/api` and `/api/users`, never `/apiary`. Raises PolicyError with every mistake.
    """

    __slots__ = ("_table",)

    def __init__(self, table: Mapping[str, Policy]) -> None:
        mistakes = [mistake for prefix, policy in table.items() for mistake in _wrong(prefix, policy)]
        seen: dict[str, str] = {}
        for prefix in table if not mistakes else ():
            bare = prefix.rstrip("/")
            if bare in seen:
                reason = f"the same path as {seen[bare]!r}"
                mistakes.append(Mistake("routes", shown(prefix), reason, "keep one of them", _STEP))
            seen[bare] = prefix
        if mistakes:
            raise PolicyError(mistakes)
        by_length = sorted(table.items(), key=lambda entry: len(entry[0].rstrip("/")), reverse=True)
        self._table = tuple((prefix.rstrip("/") + "/", policy) for prefix, policy in by_length)

    def policy_for(self, path: str) -> Policy:
        """The policy of the longest prefix that covers `path`, which is decoded and has no query.

        Costs one comparison per prefix in the table, whatever the path.
        """
        if _AMBIGUOUS.search(path):
            return _CLOSED
        whole = path + "/"
        for prefix, policy in self._table:
            if whole.startswith(prefix):
                return policy
        return _CLOSED

    def __repr__(self) -> str:
        return f"Routes({dict(self._table)!r})"


def _wrong(prefix: object, policy: object) -> list[Mistake]:
    """What is wrong with one line of the table."""
    if not isinstance(prefix, str) or not prefix.startswith("/"):
        return [Mistake("routes", shown(prefix), "a path starts with a slash", 'write it like "/api"', _STEP)]
    found = []
    if re.search(r"[?#*%]", prefix):
        reason, repair = (
            "a prefix is a decoded path: no query, no pattern, no percent",
            'write it like "/api"',
        )
        found.append(Mistake("routes", shown(prefix), reason, repair, _STEP))
    elif _AMBIGUOUS.search(prefix):
        reason = "a path with empty, `.` or `..` segments never matches"
        found.append(Mistake("routes", shown(prefix), reason, "write the path without them", _STEP))
    if not isinstance(policy, Policy):
        repair = "write Policy(...) or Policy.closed()"
        found.append(
            Mistake("routes", f"{shown(prefix)}: {shown(policy)}", "this is no Policy", repair, _STEP)
        )
    return found
