"""Where Chromium is not the Fetch standard: each difference named, argued, and shown to be one.

The tests compare the browser with the model of Fetch after these; and they fail as well when a difference is
no longer one, so that it is struck out here. No policy of netlab depends on any of them: it answers by the
standard, and where Chromium does not ask, the request runs as any safelisted one does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from netlab.cors import HeaderList, PageRequest
from netlab.cors.browser.fetch_model import listed


class Asking(Enum):
    """Requests for which Chromium asks (a preflight) where the standard does not, or the other way round."""

    HINTS = (
        "Client hints need no leave",
        "Fetch safelists five names. Client Hints Infrastructure (WICG) adds its own; Chromium follows it.",
    )
    LINES = (
        "Lines of one name are joined before they are measured",
        "Fetch looks at each line by itself, 128 octets each and 1,024 together. Chromium has one value a "
        "name by then: two short lines may be one that is too long, or no media type any more.",
    )
    NUMBERS = (
        "A number in Range ends at 64 bits",
        "Fetch sets no end. Chromium asks when it cannot hold the number.",
    )
    USER_AGENT = (
        "User-Agent is the browser's own",
        "Fetch took it off the forbidden names in 2015. Chromium still sends its own and drops the script's.",
    )
    LISTENER = (
        "An upload listener counts only where there is something to upload",
        "By the XMLHttpRequest standard the listener alone sets the use-CORS-preflight flag. Chromium looks "
        "at it only if the request has content.",
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference in judging: the request and the preflight's fields, as Chromium reads what was sent."""

    name: str
    argument: str
    reading: Callable[[PageRequest, HeaderList], tuple[PageRequest, HeaderList]]


def _star_covers_authorization(request: PageRequest, fields: HeaderList) -> tuple[PageRequest, HeaderList]:
    if request.credentials == "include" or "*" not in (listed(fields, "access-control-allow-headers") or ()):
        return request, fields
    return request, HeaderList([*fields, ("Access-Control-Allow-Headers", "Authorization")])


def _listener_needs_the_method(request: PageRequest, fields: HeaderList) -> tuple[PageRequest, HeaderList]:
    return dataclasses.replace(request, upload_listener=False), fields


DIFFERENCES = (
    Difference(
        "`*` in Access-Control-Allow-Headers covers Authorization",
        "Fetch, CORS-preflight fetch, step 7.6 wants it listed by name. Chromium only warns (its deprecation "
        "AuthorizationCoveredByWildcard) and lets the request pass. Our policy refuses, by the standard: a "
        "page that works must not depend on the browser.",
        _star_covers_authorization,
    ),
    Difference(
        "an upload listener does not stand in for a missing Access-Control-Allow-Methods",
        "Step 7.4 takes the request's own method as allowed if the use-CORS-preflight flag is set and no "
        "list was sent. Chromium has no such step: a PUT that is listened to is refused like any other.",
        _listener_needs_the_method,
    ),
)  # fmt: skip
