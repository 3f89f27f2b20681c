"""The server's own answer to a CORS-preflight request. Fetch standard, CORS-preflight fetch.

What is decided stands in `netlab.cors`; here the decision becomes a response.
"""

from __future__ import annotations

from netlab.cors import Decision
from netlab.server.exchange import Response


def answer(decision: Decision) -> Response:
    """The response to a preflight: 204 (or 200) when it is allowed, 403 with the reason when it is not."""
    status = decision.status or 403
    if status == 403:
        return Response(403, f"{decision.reason}\n", {"content-type": "text/plain; charset=utf-8"})
    return Response(status)
