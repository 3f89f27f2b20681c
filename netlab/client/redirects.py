"""Redirects: which request follows a 3xx response, and what it must not carry on. Fetch §4.4, RFC 9110 §15.4.

Pure: a request and a response head go in, the next request comes out.

    301, 302     a POST becomes a GET without content
    303          any method but HEAD becomes a GET without content
    307, 308     method and content stay

Across origins, Authorization, Cookie and Host are dropped: they were meant for the first server. From https
to http is refused, because what was secret would then be sent in the clear.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, urljoin

from netlab.client.bodies import Body
from netlab.client.errors import InvalidURL, RedirectRefused
from netlab.client.outgoing import Lines, Outgoing
from netlab.client.url import URL, parse_url
from netlab.http1.messages import ResponseHead

REDIRECTS = frozenset({301, 302, 303, 307, 308})

# Redirects that one request follows. Browsers follow 20, curl 50; honest chains have one to three.
MOST = 10

_ABSOLUTE = re.compile("https?://", re.IGNORECASE)

# Fields that were meant for the first origin alone.
_FOR_ONE_ORIGIN = frozenset({"authorization", "cookie", "host", "proxy-authorization"})

# Fields that describe content which the next request does not have.
_ABOUT_CONTENT = frozenset(
    {"content-encoding", "content-language", "content-location", "content-type", "content-length"}
)


class Following(NamedTuple):
    """The parts of the next request, as `outgoing.assemble` takes them."""

    method: str
    url: URL
    defaults: Lines
    given: list[tuple[str, str]]
    body: Body | None
    expect100: bool


def following(request: Outgoing, head: ResponseHead, downgrade: bool) -> Following | None:
    """The next request, or None if this response is no redirect. downgrade: is https to http allowed?

    Raises RedirectRefused.
    """
    if head.status not in REDIRECTS:
        return None
    locations = set(head.fields.get_all("location"))
    if not locations:
        return None
    here = str(request.url)
    if len(locations) > 1:
        raise RedirectRefused(f"{here} answered {head.status} with {len(locations)} different Locations")
    url = _target(here, locations.pop())
    if request.url.origin.secure and not url.origin.secure and not downgrade:
        raise RedirectRefused(
            f"{here} redirects to {url}, from https to http: allow_downgrade=True follows it all the same"
        )
    dropped = frozenset() if url.origin == request.url.origin else _FOR_ONE_ORIGIN
    method, body = request.method, request.body
    if _becomes_get(head.status, method):
        method, body = "GET", None
        dropped |= _ABOUT_CONTENT
    elif not request.replayable:
        raise RedirectRefused(
            f"{here} answered {head.status}, and the content cannot be sent once more: give bytes or a file"
        )
    else:
        request.rewind()
    return Following(
        method,
        url,
        tuple(line for line in request.defaults if line[0].lower() not in dropped),
        [line for line in request.given if line[0].lower() not in dropped],
        body,
        request.expects and body is not None,
    )


def _becomes_get(status: int, method: str) -> bool:
    return (status in (301, 302) and method == "POST") or (status == 303 and method not in ("GET", "HEAD"))


def _target(here: str, location: str) -> URL:
    # Bytes beyond ASCII are percent-encoded as they came, whatever their encoding (WHATWG URL, path state).
    ascii_only = quote(location.encode("latin-1"), safe="".join(map(chr, range(0x21, 0x7F))))
    try:
        if _ABSOLUTE.match(ascii_only):
            return parse_url(ascii_only)
        return parse_url(urljoin(here, ascii_only))
    except (InvalidURL, ValueError) as error:
        raise RedirectRefused(f"{here} redirects to {location[:80]!r}: {error}") from None
