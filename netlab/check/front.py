"""Which answers come from a proxy in front, and which from the server behind it.

Every proxy must read the request line, so it refuses itself what is none: this refusal shows how its own
answers look. An answer that looks so is the proxy's, and says nothing of the server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from netlab.check.conversation import JudgeConnection, ObservedAnswer
from netlab.check.target import JudgedServer

_NO_REQUEST = b"no request line\r\n\r\n"
_COMPARED = 12  # bytes of content: enough to tell one error page from another, whatever the status


@dataclass(frozen=True, slots=True)
class FrontMark:
    """How the proxy's own answers look. server, media_type: its fields, "" without."""

    server: str
    media_type: str
    dated: bool
    opening: bytes

    def made(self, answer: ObservedAnswer) -> bool:
        """Did the proxy make this answer itself?"""
        mark = _mark(answer)
        if not answer.content:  # the answer to HEAD has none
            mark = replace(mark, opening=self.opening)
        return answer.status >= 400 and mark == self

    def __str__(self) -> str:
        return f"Server: {self.server}" if self.server else "an answer without Server"


def _mark(answer: ObservedAnswer) -> FrontMark:
    fields = answer.fields
    return FrontMark(
        str(fields.get("server") or ""),
        str(fields.get("content-type") or ""),
        "date" in fields,
        re.sub(rb"[0-9]+", b"", answer.content)[:_COMPARED],
    )


async def look_in_front(target: JudgedServer) -> FrontMark | None:
    """Ask for a refusal that only the first hop can give. None: it closes without one. Raises OSError."""
    async with JudgeConnection(target) as conversation:
        await conversation.send(_NO_REQUEST)
        await conversation.receive(1)
    refusals = [answer for answer in conversation.observed.finals if answer.complete and answer.status >= 400]
    return _mark(refusals[0]) if refusals else None
