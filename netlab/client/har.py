"""A HAR file of requests and their responses: the network panel of a browser opens it. HAR 1.2.

Pure: responses and what was read of them go in, a value for `json.dumps` comes out. HAR counts the TLS
handshake as part of `connect`, too.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from netlab.client.response import ClientResponse
from netlab.http1.fields import Fields

# Content up to this many bytes is written into the file; of a longer one only its size.
MOST_CONTENT = 1 << 20


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. started: seconds since 1970. head: as it was sent. size: bytes of content read.

    posted: the content that was sent; None where it was a stream, which is not kept.
    """

    started: float
    head: bytes
    posted: bytes | None
    response: ClientResponse
    content: bytes
    size: int


def archive(visits: list[Visit], version: str) -> dict[str, Any]:
    """The whole file. version: of this program."""
    creator = {"name": "netlab", "version": version}
    return {"log": {"version": "1.2", "creator": creator, "entries": [_entry(visit) for visit in visits]}}


def _entry(visit: Visit) -> dict[str, Any]:
    response, timings = visit.response, visit.response.timings
    milliseconds = {
        "blocked": timings.wait * 1000,
        "dns": -1 if timings.reused else timings.dns * 1000,
        "connect": -1 if timings.reused else (timings.connect + timings.tls) * 1000,
        "ssl": timings.tls * 1000 if response.connection.tls is not None and not timings.reused else -1,
        "send": 0,
        "wait": timings.first_byte * 1000,
        "receive": timings.content * 1000,
    }
    return {
        "startedDateTime": datetime.fromtimestamp(visit.started, UTC).isoformat(timespec="milliseconds"),
        "time": sum(value for name, value in milliseconds.items() if value > 0 and name != "ssl"),
        "request": _request(visit),
        "response": _response(visit),
        "cache": {},
        "timings": milliseconds,
        "connection": str(response.connection.number),
    }


def _request(visit: Visit) -> dict[str, Any]:
    first, *lines = visit.head.decode("latin-1").split("\r\n")[:-2]
    fields = Fields([(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)])
    url = visit.response.url
    request: dict[str, Any] = {
        "method": visit.response.method,
        "url": url,
        "httpVersion": first.rpartition(" ")[2],
        "cookies": _pairs(fields.get("cookie"), ";"),
        "headers": _headers(fields),
        "queryString": [
            {"name": name, "value": value} for name, value in parse_qsl(urlsplit(url).query, True)
        ],
        "headersSize": len(visit.head),
        "bodySize": -1 if visit.posted is None else len(visit.posted),
    }
    if visit.posted:
        text = visit.posted[:MOST_CONTENT].decode("utf-8", "replace")
        request["postData"] = {"mimeType": fields.get("content-type", ""), "text": text}
    return request


def _response(visit: Visit) -> dict[str, Any]:
    response = visit.response
    head = response.head
    content: dict[str, Any] = {"size": visit.size, "mimeType": response.fields.get("content-type", "")}
    if visit.content and len(visit.content) == visit.size:
        try:
            content["text"] = visit.content.decode(response.charset or "utf-8")
        except UnicodeDecodeError:
            content |= {"text": base64.b64encode(visit.content).decode("ascii"), "encoding": "base64"}
    return {
        "status": head.status,
        "statusText": head.reason,
        "httpVersion": f"HTTP/1.{head.minor}",
        "cookies": [pair for line in head.fields.get_all("set-cookie") for pair in _pairs(line, ";")[:1]],
        "headers": _headers(head.fields),
        "content": content,
        "redirectURL": head.fields.get("location", ""),
        "headersSize": -1,
        "bodySize": visit.size,
    }


def _headers(fields: Fields) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in fields.lines]


def _pairs(text: str | None, separator: str) -> list[dict[str, str]]:
    found = [part.strip().partition("=") for part in (text or "").split(separator) if part.strip()]
    return [{"name": name, "value": value} for name, _, value in found]
