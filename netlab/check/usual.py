"""What the app behind the server answers to correct requests: the judge must not take that for a refusal.

An app may answer 500 to everything, 400 to a POST without a form, or 404 before it has read the content.
Each is the app's affair. `asking.look_at_app` finds out before a case is played; here are values alone.
RFC 9110 §15, RFC 9112 §9.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Statuses by which a server refuses a message as such, whatever its application is.
REFUSALS = frozenset({400, 408, 411, 413, 414, 417, 421, 426, 431, 501, 505})


@dataclass(frozen=True, slots=True)
class UsualAnswers:
    """What correct requests get. statuses: of GET and POST. early: does POST get it before its content?"""

    statuses: Mapping[str, int] = field(default_factory=dict)
    early: bool = False

    def refuses(self, status: int) -> bool:
        """Does this status refuse a request? A 5xx that the app also gives to a correct one does not."""
        return status in REFUSALS or (status >= 500 and status not in self.statuses.values())

    def usual(self, method: str, status: int) -> bool:
        """Does a correct request with this method get this status?"""
        return self.statuses.get(method) == status

    @property
    def crashes(self) -> bool:
        """Does the app answer a correct request with 5xx? The server may then close the connection."""
        return any(status >= 500 for status in self.statuses.values())
