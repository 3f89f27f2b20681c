"""What can go wrong for a client: one small tree, each error one clear line.

ClientError
  InvalidURL, InvalidRequest     nothing was sent: the caller asked for what cannot be asked
  ConnectFailed                  no connection: refused, unreachable
    UnknownHost                  no address for the name
    TLSFailed                    no handshake
      CertificateRefused         the server is not who it should be
  Disconnected                   the connection ended before the response had come
    Truncated                    … in the middle of the response
  BadResponse                    the server broke a rule of HTTP
    ContentTooLarge
  TimedOut                       one of the deadlines passed
  SessionClosed
"""

from __future__ import annotations

from netlab.http1.errors import ProtocolError


class ClientError(Exception):
    """A request failed. The text is one line that says what, and where."""


class InvalidURL(ClientError, ValueError):
    """Not a URL that this client can fetch."""


class InvalidRequest(ClientError, ValueError):
    """A request that contradicts itself, such as a Content-Length that is not the content's."""


class ConnectFailed(ClientError):
    """No connection came about."""


class UnknownHost(ConnectFailed):
    """The name has no address."""


class TLSFailed(ConnectFailed):
    """The TLS handshake failed."""


class CertificateRefused(TLSFailed):
    """The server's certificate does not prove that it is who it should be.

    verify_code: OpenSSL's number (X509_V_ERR_…). verify_message: its words.
    """

    def __init__(self, line: str, verify_code: int, verify_message: str) -> None:
        super().__init__(line)
        self.verify_code = verify_code
        self.verify_message = verify_message


class Disconnected(ClientError):
    """The connection ended before the response had come. Whether the request was carried out is unknown."""


class Truncated(Disconnected):
    """The connection ended in the middle of the response."""


class BadResponse(ClientError):
    """The server broke a rule of HTTP. rule: which; section: where it stands."""

    def __init__(self, where: str, error: ProtocolError) -> None:
        super().__init__(f"{where} sent a bad response: {error}")
        self.rule = error.rule
        self.section = error.section


class ContentTooLarge(BadResponse):
    """The content is larger than the limit."""


class TimedOut(ClientError, TimeoutError):
    """A deadline passed. phase: the name of the timeout in `Timeouts`, such as "head"."""

    def __init__(self, line: str, phase: str) -> None:
        super().__init__(line)
        self.phase = phase


class SessionClosed(ClientError):
    """The session is closed, or was closed while the request was under way."""
