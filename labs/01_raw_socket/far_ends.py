"""What the checks of lab 01 let a client talk to: a stream in pieces of their choice, and a real listener."""

from __future__ import annotations

import random
import socket
import threading

ENDS = 100  # a loop that asks so often after the end would ask for ever
ONCE_MORE = (
    "recv was called once more although everything had arrived: a real server sends nothing now, and this "
    "call would wait for ever"
)


class Stream:
    """A socket whose every move is decided: which pieces recv gives, how much send takes."""

    def __init__(self, pieces=(), steps=None, takes=1 << 20, then_ends=False, once_more=ONCE_MORE):
        self.pieces, self.steps, self.takes, self.then_ends = list(pieces), steps, takes, then_ends
        self.once_more = once_more
        self.sent = b""
        self.ends = 0

    def send(self, data, flags=0):
        taken = bytes(data)[: self.takes]
        assert taken, "send was called with nothing to send"
        self.sent += taken
        return len(taken)

    def sendall(self, data, flags=0):
        raise AssertionError("sendall hides the loop that this task is about: use send")

    def recv(self, size, flags=0):
        if not self.pieces:
            self._note(
                "recv: the server has closed the connection" if self.then_ends else "recv: nothing comes"
            )
            assert self.then_ends, self.once_more
            self.ends += 1
            assert self.ends < ENDS, (
                f"recv gave b'' {ENDS} times in a row: the server has closed, and nothing more will come"
            )
            return b""
        piece, rest = self.pieces[0][:size], self.pieces[0][size:]
        self.pieces[:1] = [rest] if rest else []
        amount = f"{len(piece)} octet{'' if len(piece) == 1 else 's'}"
        self._note(f"recv gave {amount}: {piece[:60]!r}{'…' if len(piece) > 60 else ''}")
        return piece

    def close(self):
        raise AssertionError(
            "the connection was closed: the next exchange needs it; only fetch closes its own"
        )

    def __getattr__(self, name):
        raise AssertionError(f"the check's socket has no `{name}`: use send and recv alone")

    def _note(self, text):
        if self.steps is not None and len(self.steps) < 40:
            self.steps.note(text)


def one_by_one(data):
    """The worst network: every octet alone."""
    return [data[at : at + 1] for at in range(len(data))]


def cut(data, seed):
    """The data in a handful of pieces, cut at random."""
    places = sorted(random.Random(seed).sample(range(1, len(data)), 6))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


class Listener:
    """A real server for one client: answers each request with the next of its scripted answers."""

    def __init__(self, *answers):
        self.answers = answers
        self.requests = []

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(3)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._thread.join(3.5)
        self._socket.close()

    def _serve(self):
        try:
            stream, _ = self._socket.accept()
            with stream:
                stream.settimeout(3)
                for answer in self.answers:
                    request = b""
                    while not request.endswith(b"\r\n\r\n") and (piece := stream.recv(4096)):
                        request += piece
                    self.requests.append(request)
                    stream.sendall(answer)
                stream.recv(1)  # wait for the client to close
        except OSError:
            pass  # the client never came, or left early: the test sees what is missing
