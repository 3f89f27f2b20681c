"""What can go wrong for a client: one small tree, each error one clear line.

ClientError
  InvalidURL, InvalidRequest     nothing was sent: the caller asked for what cannot be asked
  RedirectRefused                a redirect that must not be followed
    TooManyRedirects
  StatusError                    raise_for_status: the status is 400 or above
  ConnectFailed                  no connection: refused, unreachable
    UnknownHost                  no address for the name
    ProxyRefused                 the proxy made no tunnel
    TLSFailed                    no handshake
      CertificateRefused         the certificate does not prove that it is the right server
  Disconnected                   the connection ended before the response had come
    Truncated                    … in the middle of the response
  BadResponse                    the server broke a rule of HTTP
    ContentTooLarge
    DecodingFailed               the content is not what Content-Encoding says
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


class RedirectRefused(ClientError):
    """The server redirects to where this request must not follow."""


class TooManyRedirects(RedirectRefused):
    """One redirect after the other."""


class StatusError(ClientError):
    """The status is 400 or above, and raise_for_status was asked for. status: its code; url: asked for."""

    def __init__(self, status: int, reason: str, url: str) -> None:
        super().__init__(f"{url} answered {status} {reason}".rstrip())
        self.status = status
        self.url = url


class ConnectFailed(ClientError):
    """No connection came about."""


class UnknownHost(ConnectFailed):
    """The name has no address."""


class ProxyRefused(ConnectFailed):
    """The proxy made no tunnel. status: its answer, 0 without one."""

    def __init__(self, line: str, status: int = 0) -> None:
        super().__init__(line)
        self.status = status


class TLSFailed(ConnectFailed):
    """The TLS handshake failed."""


class CertificateRefused(TLSFailed):
    """The certificate does not prove that this is the right server.

    verify_code: OpenSSL's number (X509_V_ERR_…). verify_message: its words. host, port: of the server.
    """

    def __init__(
        self, line: str, verify_code: int, verify_message: str, host: str = "", port: int = 0
    ) -> None:
        super().__init__(line)
        self.verify_code = verify_code
        self.verify_message = verify_message
        self.host = host
        self.port = port


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


class DecodingFailed(BadResponse):
    """The content is not what its Content-Encoding says."""


class TimedOut(ClientError, TimeoutError):
    """A deadline passed. phase: the name of the timeout in `Timeouts`, such as "head"."""

    def __init__(self, line: str, phase: str) -> None:
        super().__init__(line)
        self.phase = phase


class SessionClosed(ClientError):
    """The session is closed, or was closed while the request was under way."""
