"""Handshake messages, decoded: each byte in exactly one named field (RFC 8446 §4, RFC 5246 §7.4).

A message is given whole: its four-byte header and its body. How the records carried it is known to the
tracer. Some messages differ from version to version, and two of TLS 1.2's differ from suite to suite:
`Situation` says which one it is. Nothing here raises: what is not understood is a span with a problem (see
`wire.spans`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from netlab.tls.wire import der, keyexchange, registry
from netlab.tls.wire.extensions import read_extensions, status
from netlab.tls.wire.spans import Cursor, Span, read_all

HEADER_LENGTH = 4
TLS13 = 0x0304

# A ServerHello with this random is a HelloRetryRequest (RFC 8446 §4.1.3).
RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()

# The last bytes of a random of a server that could have done better (RFC 8446 §4.1.3).
_DOWNGRADES = {
    b"DOWNGRD\x01": "the server could speak TLS 1.3",
    b"DOWNGRD\x00": "the server could speak TLS 1.2",
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides how a message reads. version: the negotiated one; key_exchange: from the suite's name."""

    version: int = TLS13
    key_exchange: str = ""


UNDECIDED = Situation()


def name_of(message: bytes) -> str:
    """The name of a message: as IANA has it, and hello_retry_request for such a ServerHello."""
    if message[0] == 2 and message[6:38] == RETRY_RANDOM:
        return "hello_retry_request"
    return registry.handshake_type(message[0])


def decode(message: bytes, situation: Situation = UNDECIDED) -> Span:
    """The fields of one handshake message, header included. Raises nothing."""

    def whole(cursor: Cursor) -> None:
        cursor.number(1, "msg_type", registry.handshake_type)
        length = cursor.number(3, "length")
        reader = _READERS.get(name)
        body = Cursor(message, cursor.at, cursor.at + length)
        try:
            if reader is not None:
                reader(body, situation)
            else:
                body.rest("body")
        finally:
            cursor.spans += body.spans
            cursor.at = body.at

    name = name_of(message) if message else "handshake"
    return read_all(message, name, whole)


# -- the messages, in the order of a handshake ---------------------------------------------------------------


def _client_hello(cursor: Cursor, _: Situation) -> None:
    """RFC 8446 §4.1.2."""
    cursor.number(2, "legacy_version", registry.version)
    cursor.opaque(32, "random")
    cursor.vector(1, "legacy_session_id")
    cursor.vector(2, "cipher_suites", each=lambda item: item.number(2, "cipher_suite", registry.cipher_suite))
    compression = partial(registry.small, "compression")
    cursor.vector(
        1, "legacy_compression_methods", each=lambda item: item.number(1, "compression_method", compression)
    )
    if cursor.left:
        read_extensions(cursor, "client_hello")


def _server_hello(cursor: Cursor, _: Situation, message: str = "server_hello") -> None:
    """RFC 8446 §4.1.3."""
    version = cursor.number(2, "legacy_version", registry.version)
    random = cursor.opaque(32, "random")
    if (note := _DOWNGRADES.get(random[-8:])) is not None:
        cursor.spans[-1].text += f", ends with the downgrade signal: {note}"
    if version >> 8 != 0x7F:  # the drafts of TLS 1.3 before 22 left the session id out
        cursor.vector(1, "legacy_session_id_echo")
    cursor.number(2, "cipher_suite", registry.cipher_suite)
    if version >> 8 != 0x7F:
        cursor.number(1, "legacy_compression_method", partial(registry.small, "compression"))
    if cursor.left:
        read_extensions(cursor, message)


def _hello_retry_request(cursor: Cursor, situation: Situation) -> None:
    """RFC 8446 §4.1.4: a ServerHello in form."""
    _server_hello(cursor, situation, "hello_retry_request")


def _extensions_only(message: str) -> Callable[[Cursor, Situation], None]:
    return lambda cursor, _: read_extensions(cursor, message)


def _certificate(cursor: Cursor, situation: Situation) -> None:
    """RFC 8446 §4.4.2; RFC 5246 §7.4.2."""
    if situation.version < TLS13:
        cursor.vector(3, "certificate_list", each=lambda item: _x509(item))
        return

    def entry(item: Cursor) -> None:
        _x509(item)
        read_extensions(item, "certificate")

    cursor.vector(1, "certificate_request_context")
    cursor.vector(3, "certificate_list", each=lambda item: item.group("certificate_entry", entry))


def _x509(cursor: Cursor) -> None:
    span = cursor.vector(3, "certificate", inside=der.read)
    span.value = cursor.data[span.start + 3 : span.stop]


def _server_key_exchange(cursor: Cursor, situation: Situation) -> None:
    keyexchange.server(cursor, situation.version, situation.key_exchange)


def _client_key_exchange(cursor: Cursor, situation: Situation) -> None:
    keyexchange.client(cursor, situation.version, situation.key_exchange)


def _certificate_request(cursor: Cursor, situation: Situation) -> None:
    """RFC 8446 §4.3.2; RFC 5246 §7.4.4."""
    if situation.version >= TLS13:
        cursor.vector(1, "certificate_request_context")
        read_extensions(cursor, "certificate_request")
        return
    kind = partial(registry.small, "client certificate")
    cursor.vector(1, "certificate_types", each=lambda item: item.number(1, "certificate_type", kind))
    if situation.version == TLS13 - 1:
        cursor.vector(
            2,
            "supported_signature_algorithms",
            each=lambda item: item.number(2, "signature_scheme", registry.signature_scheme),
        )
    cursor.vector(2, "certificate_authorities", each=lambda item: item.vector(2, "distinguished_name"))


def _certificate_verify(cursor: Cursor, situation: Situation) -> None:
    """RFC 8446 §4.4.3; RFC 5246 §7.4.8."""
    keyexchange.signature(cursor, situation.version)


def _finished(cursor: Cursor, _: Situation) -> None:
    """RFC 8446 §4.4.4; RFC 5246 §7.4.9."""
    cursor.rest("verify_data")


def _new_session_ticket(cursor: Cursor, situation: Situation) -> None:
    """RFC 8446 §4.6.1; RFC 5077 §3.3."""
    if situation.version < TLS13:
        cursor.number(4, "ticket_lifetime_hint")
        cursor.vector(2, "ticket")
        return
    cursor.number(4, "ticket_lifetime")
    cursor.number(4, "ticket_age_add")
    cursor.vector(1, "ticket_nonce")
    cursor.vector(2, "ticket")
    read_extensions(cursor, "new_session_ticket")


def _certificate_status(cursor: Cursor, _: Situation) -> None:
    status(cursor)


def _key_update(cursor: Cursor, _: Situation) -> None:
    """RFC 8446 §4.6.3."""
    cursor.number(1, "request_update", partial(registry.small, "key update"))


def _compressed_certificate(cursor: Cursor, _: Situation) -> None:
    """RFC 8879 §4."""
    cursor.number(2, "algorithm", partial(registry.small, "certificate compression"))
    cursor.number(3, "uncompressed_length")
    cursor.vector(3, "compressed_certificate_message")


def _next_protocol(cursor: Cursor, _: Situation) -> None:
    cursor.vector(1, "selected_protocol")
    cursor.vector(1, "padding")


def _hello_verify_request(cursor: Cursor, _: Situation) -> None:
    cursor.number(2, "server_version", registry.version)
    cursor.vector(1, "cookie")


def _empty(cursor: Cursor, _: Situation) -> None:
    """The message is its header: bytes that follow are left over."""


_READERS: dict[str, Callable[[Cursor, Situation], None]] = {
    "hello_request": _empty,
    "client_hello": _client_hello,
    "server_hello": _server_hello,
    "hello_retry_request": _hello_retry_request,
    "hello_verify_request": _hello_verify_request,
    "new_session_ticket": _new_session_ticket,
    "end_of_early_data": _empty,
    "encrypted_extensions": _extensions_only("encrypted_extensions"),
    "certificate": _certificate,
    "server_key_exchange": _server_key_exchange,
    "certificate_request": _certificate_request,
    "server_hello_done": _empty,
    "certificate_verify": _certificate_verify,
    "client_key_exchange": _client_key_exchange,
    "finished": _finished,
    "certificate_status": _certificate_status,
    "key_update": _key_update,
    "compressed_certificate": _compressed_certificate,
    "next_protocol": _next_protocol,
}
