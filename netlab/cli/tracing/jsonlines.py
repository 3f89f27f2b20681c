"""`--json`: one object a line for each record, for programs.

stream: the number of the TCP connection, as tshark counts. direction: "client" or "server", the side that
sent it. time: seconds since 1970, or null. offset: where the record starts in the bytes of that side.
length: the bytes behind its header. content_type: by name, of what was inside where it could be opened.
version: what the connection negotiated, before that what the record says. handshake: the messages that end
in the record. decrypted: was it protected, and could it be opened? plaintext: the content in hex, or null;
then reason says why.
"""

from __future__ import annotations

import json
import sys
from typing import TextIO

from netlab.cli.tracing.streams import Stream
from netlab.tls.tracing.values import Record


class JsonTeller:
    """Writes records to standard output, and what could not be read to standard error."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out if out is not None else sys.stdout

    def record(self, stream: Stream, record: Record, http: list[str]) -> None:
        """One line."""
        fields = {
            "stream": stream.number,
            "direction": record.side.value,
            "time": record.time,
            "offset": record.offset,
            "length": record.length,
            "content_type": record.content_name,
            "version": record.version_name,
            "handshake": record.handshake,
            "decrypted": record.decrypted,
            "plaintext": None if record.content is None else record.content.hex(),
        }
        if record.content is None:
            fields["reason"] = record.reason
        print(json.dumps(fields), file=self._out)

    def end(self, stream: Stream) -> None:
        """Problems are no records: they go to standard error, a line each."""
        for problem in [*map(str, stream.tracer.problems)]:
            print(f"stream {stream.number}: {problem}", file=sys.stderr)
