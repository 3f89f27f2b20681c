"""May this connection be used again, and for how long? RFC 9112 §9.3 and our own limits. Pure."""

from __future__ import annotations

import re

from netlab.client.reasons import Reason
from netlab.http1.framing import UNTIL_CLOSE
from netlab.http1.messages import ResponseHead

# Keep-Alive: timeout=5, max=100 (RFC 2068 §19.7.1.1; in no later RFC, and sent by most servers)
_HINT = re.compile(r"(?:^|[,;\s])timeout\s*=\s*([0-9]{1,7})(?![0-9.])", re.IGNORECASE)

# Close this much before the server would: its clock began when it sent, ours when we received.
MARGIN = 1.0


def may_idle(head: ResponseHead, keepalive_timeout: float) -> tuple[float, Reason]:
    """Seconds that the connection may be idle after this response, and whose limit that is."""
    hint = _HINT.search(head.fields.get("keep-alive") or "")
    if hint is not None:
        seconds = float(hint[1])
        theirs = seconds - min(MARGIN, seconds / 2)
        if theirs < keepalive_timeout:
            return theirs, Reason.SERVER_TIMEOUT
    return keepalive_timeout, Reason.IDLE


def said_close(head: ResponseHead, we_said: bool) -> Reason | None:
    """Why the response that begins with this head ends its connection, or None. RFC 9112 §9.3, §9.6

    we_said: did the request have Connection: close?
    """
    if head.framing is UNTIL_CLOSE:
        return Reason.UNTIL_CLOSE
    if we_said:
        return Reason.WE_SAID_CLOSE
    if not head.persistent:
        return Reason.HTTP_1_0 if head.minor == 0 else Reason.SERVER_SAID_CLOSE
    return None
