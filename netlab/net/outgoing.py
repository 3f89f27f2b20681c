"""What was written and the kernel has not taken yet, and how it goes on its way when the kernel takes more.

On a plain socket the waiting pieces are gathered into one call, and a part of a file is sent by the kernel
itself. On TLS each call is given one record, 16 KiB: Python sets OpenSSL up without partial writes. Of a
larger piece it would send record after record for as long as the peer reads, the other connections waiting,
and when it would block not say how much has gone.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from netlab.net.filepart import FilePart
from netlab.net.sockets import cork
from netlab.net.tlsobject import TlsObject

# The most that one TLS record carries (RFC 8446 §5.1), and so one TLS `send`.
RECORD = 16 * 1024

# Pieces that one call gathers; the kernel's own limit is 1024.
GATHERED = 64

Buffer = bytes | bytearray | memoryview
Part = Buffer | FilePart


class Outgoing:
    """Pieces in the order in which they were written."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Iterable[Part], sent: int = 0) -> None:
        """parts: what waits, in order. sent: bytes of them that the kernel has taken already."""
        self._parts = deque(parts)
        self._drop(sent)

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __bool__(self) -> bool:
        return bool(self._parts)

    def append(self, part: Part) -> None:
        """Add a piece behind the others."""
        self._parts.append(part)

    def send(self, sock: socket.socket) -> int:
        """One call's worth on a plain socket. Returns bytes; raises what `socket.send` raises."""
        first = self._parts[0]
        if isinstance(first, FilePart):
            sent = first.send(sock.fileno())
        elif len(self._parts) == 1:
            sent = sock.send(first)
        else:
            sent = sock.sendmsg(list(self._before_a_file()))
        self._drop(sent)
        return sent

    def send_records(self, sock: socket.socket, tls: TlsObject, most: int) -> int:
        """Up to `most` bytes of the first piece, through a socket's TLS. Raises what `SSLSocket.send` raises.

        A record is a system call. Corked, the kernel joins records into segments four times as large before
        it sends them on, and the peer is woken less often: with that a long stream costs 12 % less CPU time.
        """
        first = self._parts[0]
        assert not isinstance(first, FilePart)  # `write_file` is for plain sockets
        piece = memoryview(first)
        sent, end, send = 0, min(len(piece), most), tls.write
        corked = end > RECORD
        if corked:
            cork(sock, 1)
        try:
            while sent < end:
                # A retried TLS write must be given the same bytes again: OpenSSL has them encrypted already.
                # Cutting off what it says it has sent keeps that true.
                sent += send(piece[sent : sent + RECORD])
        finally:
            self._drop(sent)
            if corked:
                cork(sock, 0)
        return sent

    def _before_a_file(self) -> Iterator[Buffer]:
        for part in islice(self._parts, GATHERED):
            if isinstance(part, FilePart):
                return
            yield part

    def _drop(self, sent: int) -> None:
        """Forget the bytes that have gone."""
        parts = self._parts
        while parts and sent >= len(parts[0]):
            sent -= len(parts.popleft())
        if sent:
            first = parts[0]
            parts[0] = first.after(sent) if isinstance(first, FilePart) else memoryview(first)[sent:]
