"""The key log: the secrets of TLS connections as lines of text, as NSS began to write them (RFC 9850).

    CLIENT_HANDSHAKE_TRAFFIC_SECRET <client random> <secret>          TLS 1.3, one line a secret
    CLIENT_RANDOM <client random> <master secret>                     TLS 1.2 and older
    RSA <first 8 bytes of the encrypted pre-master secret> <pre-master secret>
    PMS_CLIENT_RANDOM <client random> <pre-master secret>
    RSA Session-ID:<session id> Master-Key:<master secret>            what `openssl s_client` prints

A program that has OpenSSL, NSS or BoringSSL writes such a file (SSLKEYLOGFILE). `passing_file` gives one that
is gone when it has been read.
"""

from __future__ import annotations

import binascii
import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

# The labels of TLS 1.3, by side and stage.
CLIENT_EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"
CLIENT_HANDSHAKE, SERVER_HANDSHAKE = "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"
CLIENT_TRAFFIC, SERVER_TRAFFIC = "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"
EXPORTER = "EXPORTER_SECRET"
MASTER, PRE_MASTER, RSA, SESSION = "CLIENT_RANDOM", "PMS_CLIENT_RANDOM", "RSA", "RSA Session-ID"

# The bytes of the identifier that each label has; other labels are kept, too.
_IDENTIFIERS = {RSA: 8, MASTER: 32, PRE_MASTER: 32}
_LONGEST_LINE = 4096


@dataclass(frozen=True, slots=True)
class Ignored:
    """A line that is no secret. line: its number, from 1."""

    line: int
    reason: str


class KeyLog:
    """The secrets by label and client random. Feed it text as it comes; a line counts once its end is there.

    ignored: the lines that were no secrets, the first hundred of them.
    """

    def __init__(self, data: bytes = b"") -> None:
        self.ignored: list[Ignored] = []
        self._secrets: dict[tuple[str, bytes], bytes] = {}
        self._rest = b""
        self._line = 0
        if data:
            self.feed(data + b"\n")

    def __len__(self) -> int:
        return len(self._secrets)

    def feed(self, data: bytes) -> None:
        """Take more of the file."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._line += 1
            self._read(line.strip(b" \t\r\0"))
        if len(self._rest) > _LONGEST_LINE:
            self._ignore("a line without an end")
            self._rest = b""

    def add(self, label: str, identifier: bytes, secret: bytes) -> None:
        """Add one secret."""
        self._secrets[label, identifier] = secret

    def secret(self, label: str, identifier: bytes) -> bytes | None:
        """The secret with that label; identifier: the client random (see the head of this file)."""
        return self._secrets.get((label, identifier))

    def lines(self, identifier: bytes | None = None) -> Iterator[str]:
        """The secrets as lines again: all of them, or those of one client random."""
        for (label, found), secret in self._secrets.items():
            if identifier is None or found == identifier:
                if label == SESSION:
                    yield f"RSA Session-ID:{found.hex()} Master-Key:{secret.hex()}"
                else:
                    yield f"{label} {found.hex()} {secret.hex()}"

    def _read(self, line: bytes) -> None:
        if not line or line.startswith(b"#"):
            return
        words = line.split()
        if len(words) != 3:
            self._ignore(f"{len(words)} words where a label, an identifier and a secret should stand")
            return
        label = words[0].decode("latin-1")
        first, second = words[1], words[2]
        if label == RSA and first.startswith(b"Session-ID:") and second.startswith(b"Master-Key:"):
            label, first, second = SESSION, first[11:], second[11:]
        try:
            identifier, secret = binascii.unhexlify(first), binascii.unhexlify(second)
        except binascii.Error:
            self._ignore("an identifier or a secret that is not hexadecimal")
            return
        if len(identifier) != _IDENTIFIERS.get(label, len(identifier)):
            self._ignore(f"{label} with an identifier of {len(identifier)} bytes")
            return
        self.add(label, identifier, secret)

    def _ignore(self, reason: str) -> None:
        if len(self.ignored) < 100:
            self.ignored.append(Ignored(self._line, reason))


class LogFile:
    """A file that a TLS library opens by its path, and that is read here as it grows."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self._at = 0
        self.path = path

    def new(self) -> bytes:
        """What was written since the last call."""
        found = b""
        while part := os.pread(self._descriptor, 1 << 16, self._at):
            found += part
            self._at += len(part)
        return found


@contextlib.contextmanager
def passing_file() -> Iterator[LogFile]:
    """A key log for as long as the block: give its path to `SSLContext.keylog_filename` or to SSLKEYLOGFILE.

    On Linux it is a memfd: nothing reaches a disk. Elsewhere it is a temporary file that this user alone may
    read, deleted at the end. Raises OSError when neither can be made.
    """
    create = getattr(os, "memfd_create", None)
    if create is not None:
        descriptor = create("netlab-keylog")
        path = f"/proc/{os.getpid()}/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp(prefix="netlab-keylog-")
    try:
        yield LogFile(descriptor, path)
    finally:
        os.close(descriptor)
        if create is None:
            os.unlink(path)


def close_key_log(context: ssl.SSLContext) -> None:
    """Close the file that the context writes its key log to; else it is open as long as the context lives."""
    context.keylog_filename = None  # type: ignore[assignment]
