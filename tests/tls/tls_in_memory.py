"""A handshake between two contexts in memory: the same bytes every time, and no race for the alert."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

REQUEST, ANSWER = b"request", b"answer"


@dataclass(frozen=True)
class End:
    """How one side ended: the verify code of the peer's certificate, its words, OpenSSL's reason.

    All empty: it shook hands, and the request and the answer came through.
    """

    code: int = 0
    message: str = ""
    reason: str = ""

    @property
    def alert(self) -> str:
        """The alert that the peer sent, by its name in RFC 8446 §6.2; empty if it sent none."""
        return self.reason.partition("ALERT_")[2].lower()


@dataclass
class _Side:
    tls: ssl.SSLObject
    steps: list[Callable[[], object]]
    end: End | None = None

    def go_on(self) -> None:
        """Do what can be done with the bytes that are here."""
        try:
            while self.steps:
                self.steps[0]()
                del self.steps[0]
            self.end = End()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError as error:
            self.end = End(error.verify_code, error.verify_message, error.reason or "")
        except ssl.SSLError as error:
            self.end = End(reason=error.reason or str(error))


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str = "localhost") -> tuple[End, End]:
    """A handshake, a request and an answer; how the client ended, and how the server did."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname=host)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    left = _Side(asking, [asking.do_handshake, lambda: asking.write(REQUEST), lambda: asking.read(100)])
    right = _Side(
        answering, [answering.do_handshake, lambda: answering.read(100), lambda: answering.write(ANSWER)]
    )
    while left.end is None or right.end is None:
        before = (to_client.pending, to_server.pending, len(left.steps), len(right.steps))
        for side in (left, right):
            if side.end is None:
                side.go_on()
        if before == (to_client.pending, to_server.pending, len(left.steps), len(right.steps)):
            break
    return left.end or End(reason="waits"), right.end or End(reason="waits")
