"""What a session has done, in numbers with their reasons: what a pool is tuned by."""

from __future__ import annotations

from dataclasses import dataclass

from netlab.client.reasons import Opened, Reason


@dataclass(frozen=True, slots=True)
class Statistics:
    """A session's numbers at one moment. open == idle + in_use + connecting."""

    requests: int
    """Requests that were sent, each attempt counted."""
    reused: int
    """Of these, on a connection that was used before."""
    retried: int
    """Of these, a second attempt after a closed connection."""
    open: int
    idle: int
    in_use: int
    connecting: int
    waiting: int
    """Requests in the wait queue."""
    opened: dict[Opened, int]
    """Connections opened so far, by the reason."""
    closed: dict[Reason, int]
    """Connections closed so far, by the reason."""

    def __str__(self) -> str:
        lines = [
            f"requests     {self.requests} ({self.reused} on a used connection, {self.retried} sent again)",
            f"connections  {self.open} open: {self.idle} idle, {self.in_use} in use, "
            f"{self.connecting} connecting",
            f"wait queue   {self.waiting}",
        ]
        lines += [f"opened       {count} because {why.value}" for why, count in self.opened.items()]
        lines += [f"closed       {count} because {why.value}" for why, count in self.closed.items()]
        return "\n".join(lines)
