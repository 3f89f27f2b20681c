"""Captures as the command reads and writes them: classic pcap, pcapng, either of them behind gzip."""

from __future__ import annotations

from pathlib import Path

from netlab.capture import Captured, DecodeError, follow, open_capture, pcapng
from netlab.cli.errors import UserError
from netlab.cli.tracing.streams import Streams
from netlab.tls.tracing.keyring import Keyring


def read(path: Path, streams: Streams) -> None:
    """Give a capture to streams. Raises UserError when the file can't be opened, or holds nothing to read."""
    try:
        with path.open("rb") as stream:
            streams.read(follow(open_capture(stream)))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except DecodeError as error:
        raise UserError(f"{path}: {error}") from None


def copy(path: Path, out: Path, ring: Keyring) -> None:
    """Write the packets of a capture again, behind the secrets that were found for it. Raises UserError."""
    lines = "".join(f"{line}\n" for line in ring.log.lines())
    try:
        with path.open("rb") as stream, out.open("wb") as target:
            writer = pcapng.Writer(target)
            if lines:
                writer.secrets(pcapng.Secrets(lines.encode()))
            for item in open_capture(stream):
                if isinstance(item, Captured):
                    writer.packet(item)
    except OSError as error:
        raise UserError(f"--pcapng {out}: {error.strerror or error}") from None
    except DecodeError:
        return  # it was told when the packets were read
