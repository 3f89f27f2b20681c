"""The lines of the access log, in three formats.

What a client writes reaches a line with every control octet and every octet outside ASCII escaped: a terminal
that shows the log obeys no escape sequence, and no request can begin a line of its own.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from netlab.http1.messages import RequestHead
from netlab.server.linelog import LineLog
from netlab.server.response import Response
from netlab.server.services import AccessLog, Client


class Format(Enum):
    """How a line of the access log is written."""

    SHORT = "short"
    COMBINED = "combined"
    JSON = "json"


class Entry(NamedTuple):
    """What one line tells. Written when the response begins, so a stream has no size yet."""

    seconds: float
    """When, since 1970."""
    client: str
    """The client's address, "-" if it is not known."""
    method: str
    target: str
    minor: int
    status: int
    size: int | None
    """Octets of content; None for a stream."""
    referer: str
    agent: str


def access_log(form: Format, lines: LineLog | None) -> AccessLog:
    """The function that a Server calls for each response.

    lines: where the lines go; None: to the logger netlab.access, with the entry's values as attributes of the
    record.
    """
    line = _LINES[form]
    logger = logging.getLogger("netlab.access")

    def log(connection: Client, head: RequestHead, response: Response) -> None:
        entry = _entry(connection, head, response)
        if lines is None:
            logger.info("%s", line(entry), extra=entry._asdict())
        else:
            lines.write(line(entry))

    return log


def takes_access_lines() -> bool:
    """Has the user's configuration a logger netlab.access, or a root, that takes lines of level INFO?"""
    logger = logging.getLogger("netlab.access")
    return logger.isEnabledFor(logging.INFO) and logger.hasHandlers()


def _entry(connection: Client, head: RequestHead, response: Response) -> Entry:
    fields = head.fields
    size = None if response.stream is not None else len(response.content)
    if head.method == "HEAD":
        size = 0  # the response says what GET would send, and sends none of it
    return Entry(
        time.time(), connection.peer or "-", head.method, head.target, head.minor, response.status, size,
        fields.get("referer") or "-", fields.get("user-agent") or "-",
    )  # fmt: skip


def _short(entry: Entry) -> str:
    when = time.strftime("%H:%M:%S", time.localtime(entry.seconds))
    line = f"{when} {entry.client} {entry.method} {entry.target} {entry.status} {entry.agent[:120]!r}"
    return line.encode("ascii", "backslashreplace").decode()


def _combined(entry: Entry) -> str:
    """As Apache's and nginx's "combined"; log readers know it. Host without port, as both have it."""
    when = time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(entry.seconds))
    host = entry.client.rpartition(":")[0].strip("[]") or entry.client
    size = "-" if entry.size is None else entry.size
    request = f"{entry.method} {entry.target} HTTP/1.{entry.minor}"
    quoted = (_quoted(text) for text in (entry.referer, entry.agent))
    return f"{host} - - [{when}] {_quoted(request)} {entry.status} {size} {' '.join(quoted)}"


def _quoted(text: str) -> str:
    """In quotes, with quotes, backslashes, controls and what is not ASCII escaped, as Apache escapes them."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    plain = "".join(letter if " " <= letter <= "~" else f"\\x{ord(letter):02x}" for letter in escaped)
    return f'"{plain}"'


def _json(entry: Entry) -> str:
    when = (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(entry.seconds))
        + f".{int(entry.seconds % 1 * 1000):03}Z"
    )
    return json.dumps(
        {
            "time": when, "client": entry.client, "method": entry.method, "target": entry.target,
            "version": f"HTTP/1.{entry.minor}", "status": entry.status, "size": entry.size,
            "referer": entry.referer, "user_agent": entry.agent,
        }
    )  # fmt: skip


_LINES: dict[Format, Callable[[Entry], str]] = {
    Format.SHORT: _short,
    Format.COMBINED: _combined,
    Format.JSON: _json,
}
