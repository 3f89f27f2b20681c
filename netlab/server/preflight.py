"""What the server answers itself, before any handler: a preflight, a request that is for another server.

What CORS decides stands in `netlab.cors`; here the decision becomes a response. Fetch standard,
CORS-preflight fetch; RFC 9110 §7.4.
"""

from __future__ import annotations

import logging

from netlab.cors import Decision, Kind, Policy, decide
from netlab.http1.messages import RequestHead
from netlab.server.request import Request
from netlab.server.response import TEXT, Response

DENIED = frozenset({Kind.PREFLIGHT_DENIED, Kind.ACTUAL_DENIED})

log = logging.getLogger("netlab.cors")


def response_to(request: Request) -> tuple[Response | None, Decision | None]:
    """Step 4: the answer, where no handler is to see this request; and what CORS says, where it is asked."""
    response, policies = misdirected(request), request.carrier.server.cors
    if response is not None or policies is None:
        return response, None
    decision = decided(policies.policy_for(request.path), request.head)
    return (answer(decision) if decision.preflight else None), decision


def decided(policy: Policy, head: RequestHead) -> Decision:
    """What CORS says of this request; a denial is logged."""
    decision = decide(policy, head.method, head.fields)
    if decision.kind in DENIED:
        report(head, decision)
    return decision


def report(head: RequestHead, decision: Decision) -> None:
    """Log why a cross-origin request was denied: the browser's console cannot know."""
    log.warning("%s %s: %s (%s)", head.method, head.target, decision.reason, decision.step)


def answer(decision: Decision) -> Response:
    """The response to a preflight: 204 (or 200) when it is allowed, 403 with the reason when it is not."""
    status = decision.status or 403
    if status == 403:
        return Response(403, f"{decision.reason}\n", TEXT)
    return Response(status)


def misdirected(request: Request) -> Response | None:
    """A 421, if an https target has come without TLS. RFC 9110 §7.4 (MUST). A Unix socket has a gateway."""
    if request.head.scheme != "https" or request.carrier.server.uds or request.scheme == "https":
        return None
    return Response(421, "an https resource is served over TLS alone\n", TEXT)
