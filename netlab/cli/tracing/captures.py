"""Captures as the command reads them: packets and key logs out of a file, one at a time."""

from __future__ import annotations

from pathlib import Path

from netlab.capture import Captured, DecodeError, decode, pcapng
from netlab.cli.errors import UserError
from netlab.cli.tracing.streams import Streams
from netlab.tls.tracing.keyring import Keyring


def read(path: Path, streams: Streams, ring: Keyring) -> str:
    """Give every packet of a capture to streams, and its secrets to ring.

    Returns why the reading ended early, or nothing. Raises UserError when the file can't be opened or is no
    capture.
    """
    packets = 0
    try:
        with path.open("rb") as stream:
            for item in pcapng.Reader(stream):
                if isinstance(item, Captured):
                    packets += 1
                    streams.add(item, decode)
                elif item.kind == pcapng.SECRETS_TLS_KEY_LOG:
                    ring.log.feed(item.data + b"\n")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except DecodeError as error:
        if not packets:
            raise UserError(f"{path}: {error}") from None
        return f"{path}: after {packets} packets: {error}"
    return ""


def copy(path: Path, out: Path, ring: Keyring) -> None:
    """Write the packets of a capture again, behind the secrets that were found for it. Raises UserError."""
    lines = "".join(f"{line}\n" for line in ring.log.lines())
    try:
        with path.open("rb") as stream, out.open("wb") as target:
            writer = pcapng.Writer(target)
            if lines:
                writer.secrets(pcapng.Secrets(lines.encode()))
            for item in pcapng.Reader(stream):
                if isinstance(item, Captured):
                    writer.packet(item)
    except OSError as error:
        raise UserError(f"--pcapng {out}: {error.strerror or error}") from None
    except DecodeError:
        return  # it was told when the packets were read
