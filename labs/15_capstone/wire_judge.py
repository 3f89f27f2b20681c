"""The wire cases of `netlab check` against a server without a socket: refusals, and the number of answers.

Left out: a case whose size is netlab's own limit, and one that ends in a half-close.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from netlab.check.cases import WireCase, every_case
from netlab.check.judge import due, must_be_refused
from netlab.check.usual import REFUSALS

# What the parts do not decide, in any correct solution of the labs, and netlab does: the reason each.
LEFT_TO_NETLAB = {
    "date": "no part keeps a clock for the Date field",
    "date-of-a-refusal": "no part keeps a clock for the Date field",
    "chunked-white_space_before_an_extension": "lab 12 takes no white space around an extension",
    "chunked-white_space_inside_an_extension": "lab 12 takes no white space around an extension",
    "chunked-host_for_a_trailer": "lab 12 refuses the trailers that netlab drops",
    "chunked-authorization_for_a_trailer": "lab 12 refuses the trailers that netlab drops",
    "host-an_ipv6_address_that_is_none": "HOST looks at the characters of an address, not at its groups",
    "host-a_name_in_brackets": "HOST looks at the characters of an address, not at its groups",
    "methods_targets-connect_without_a_port": "CONNECT is answered with 501 whatever its target is",
    "methods_targets-connect_with_an_empty_port": "CONNECT is answered with 501 whatever its target is",
    "methods_targets-connect_to_a_port_that_is_none": "CONNECT is answered with 501 whatever its target is",
    "methods_targets-absolute_form_with_no_host_in_it": "lab 02 does not take a target apart",
    "methods_targets-absolute_form_with_a_port_and_no_host": "lab 02 does not take a target apart",
    "pipelining-content_longer_than_its_length": "what is behind is no whole head: a deadline ends it",
    "pipelining-content_without_a_length": "what is behind is no whole head yet: the deadline ends it",
}

STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")


@functools.cache
def playable() -> tuple[WireCase, ...]:
    """The cases that can be played without a socket, of those that MUST hold."""
    return tuple(case for case in every_case() if _playable(case))


def _playable(case: WireCase) -> bool:
    refusal = case.parser.refusal
    own_limit = refusal is not None and refusal.status in (413, 414, 431)
    waits = any(answer.status < 200 for step in case.server.answers for answer in step)
    must = case.level in ("MUST", "MUST NOT")
    return must and not (own_limit or waits or case.half_close or case.parser.waits or case.cut)


def wrong(case: WireCase, talk: Any) -> str:
    """Why the server that `talk` is fails the case; "" when it passes."""
    out = talk.feed(case.request)
    statuses = [int(status) for status in STATUS.findall(out)]
    finals, _ = due(case)
    if must_be_refused(case):
        if len(statuses) != finals or statuses[-1] not in REFUSALS or not talk.closing:
            return f"must be refused, got {statuses}"
        return ""
    ours = [a.status for step in case.server.answers for a in step if a.status >= 200 and not a.optional]
    if any(status in REFUSALS and own not in REFUSALS for status, own in zip(statuses, ours, strict=False)):
        return f"refused: {statuses}"
    return "" if len(statuses) == finals else f"{len(statuses)} answers for {finals}"
