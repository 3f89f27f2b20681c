"""TLS on a client's socket: wrap it, say what was agreed, say in words why not. RFC 8446."""

from __future__ import annotations

import socket
import ssl
from typing import NamedTuple

from netlab.client.errors import CertificateRefused, ClientError, TimedOut, TLSFailed
from netlab.client.hosts import without_zone
from netlab.client.url import Origin


class TLSInfo(NamedTuple):
    """What a handshake agreed on. resumed: from a ticket of an earlier connection."""

    version: str
    cipher: str
    alpn: str | None
    resumed: bool


def wrap(
    sock: socket.socket, origin: Origin, context: ssl.SSLContext, ticket: ssl.SSLSession | None
) -> ssl.SSLSocket:
    """The same socket, wrapped; its handshake has not begun. Raises TLSFailed."""
    try:
        # Without close_notify an end may be an attacker's (RFC 8446 §6.1): it must not look regular.
        return context.wrap_socket(
            sock,
            server_hostname=without_zone(origin.host).removesuffix("."),
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
            session=ticket,
        )
    except (OSError, ValueError) as error:
        sock.close()
        raise TLSFailed(f"no TLS with {origin.authority}: {error}") from None


def agreed(sock: socket.socket) -> TLSInfo:
    """What the handshake on this socket agreed on."""
    assert isinstance(sock, ssl.SSLSocket)
    cipher = sock.cipher()
    return TLSInfo(
        sock.version() or "?",
        cipher[0] if cipher else "?",
        sock.selected_alpn_protocol(),
        bool(sock.session_reused),
    )


# What OpenSSL says to plain text, whose first bytes it reads as a record's version and length.
_PLAIN_TEXT = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "PACKET_LENGTH_TOO_LONG"}
)


def failure(origin: Origin, error: Exception | None) -> ClientError:
    """Why the handshake failed, in one line."""
    where = f"no TLS with {origin.authority}"
    if isinstance(error, TimedOut):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        line = f"{where}: the certificate is refused: {error.verify_message}"
        return CertificateRefused(line, error.verify_code, error.verify_message, origin.host, origin.port)
    if error is None or isinstance(error, (ssl.SSLEOFError, ConnectionError)):
        return TLSFailed(f"{where}: the server closed the connection during the handshake")
    reason = getattr(error, "reason", None)
    if reason in _PLAIN_TEXT:
        return TLSFailed(f"{where}: the server does not speak TLS on this port: is it http?")
    return TLSFailed(f"{where}: {str(reason).lower().replace('_', ' ') if reason else error}")
