"""`trace --listen PORT --to HOST:PORT`: a live connection through the relay, read as it passes.

The relay sees ciphertext alone. The secrets come from a key log that the client or the server writes
(SSLKEYLOGFILE), or from the server's RSA key.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path

from netlab.capture import Captured
from netlab.cli.errors import UserError
from netlab.cli.tracing.live import Recording
from netlab.cli.tracing.streams import SIDES, MakeStream, Stream
from netlab.relay import Conversation, Relay
from netlab.tls.tracing.keyring import Keyring

# How often what passed is read, in seconds. A key log is written a moment before or after the bytes that need
# it: so each chunk waits this long, once.
_PERIOD = 0.1


class _Follower:
    """Reads one conversation of the relay as it grows."""

    def __init__(self, conversation: Conversation, stream: Stream) -> None:
        self._conversation, self._stream = conversation, stream
        self.recording = Recording(conversation.client, conversation.server, conversation.started_ns)
        self.over = False

    def follow(self, older_than: float) -> None:
        """Read the chunks that have waited long enough, and forget them."""
        chunks, count = self._conversation.chunks, 0
        for chunk in chunks:
            if chunk.time > older_than - self.recording.started_ns / 1e9 and not self._conversation.closed:
                break
            now = self.recording.started_ns / 1e9 + chunk.time
            self.recording.add(SIDES[chunk.direction], chunk.data, now)
            self._stream.feed(SIDES[chunk.direction], chunk.data, now)
            count += 1
        del chunks[:count]
        if self._conversation.closed and not chunks and not self.over:
            self.over = True
            if self._conversation.error:
                print(f"netlab: {self._conversation.error}", file=sys.stderr)
            self._stream.end()

    def stop(self) -> None:
        """Read the rest; the tap is over."""
        self.follow(float("inf"))
        if not self.over:
            self.over = True
            self._stream.end()


class KeyLogFile:
    """A key log that another program is writing."""

    def __init__(self, path: Path | None, ring: Keyring) -> None:
        self._path, self._ring, self._at = path, ring, 0

    def follow(self) -> None:
        """Take what was written since the last time; the file may not be there yet."""
        if self._path is None:
            return
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
            self._at += len(data)
            self._ring.log.feed(data)


async def tap(
    port: int,
    target: tuple[str, int],
    keys: KeyLogFile,
    make: MakeStream,
    connections: int | None,
) -> list[Captured]:
    """Relay and trace until Ctrl-C, or until so many connections are over. Returns them as packets.

    Raises UserError when the port is taken or the target's name is unknown.
    """
    followers: list[_Follower] = []
    try:
        async with Relay(*target, port=port, record=1 << 60) as relay:
            print(
                f"netlab tracing 127.0.0.1:{relay.port} to {target[0]}:{target[1]}, Ctrl-C ends", flush=True
            )
            with suppress(asyncio.CancelledError):
                await _follow(relay, followers, keys, make, connections)
            keys.follow()
            for follower in followers:
                follower.stop()
    except OSError as error:
        raise UserError(f"--listen {port} --to {target[0]}:{target[1]}: {error.strerror or error}") from None
    return [packet for follower in followers for packet in follower.recording.packets()]


async def _follow(
    relay: Relay,
    followers: list[_Follower],
    keys: KeyLogFile,
    make: MakeStream,
    connections: int | None,
) -> None:
    while connections is None or sum(follower.over for follower in followers) < connections:
        await asyncio.sleep(_PERIOD)
        keys.follow()
        for conversation in relay.conversations[len(followers) :]:
            stream = make(len(followers), conversation.client, conversation.server)
            followers.append(_Follower(conversation, stream))
        for follower in followers:
            if not follower.over:
                follower.follow(time.time() - _PERIOD)
        sys.stdout.flush()
