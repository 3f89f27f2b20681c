"""Extensions of handshake messages, each read field by field (RFC 8446 §4.2, RFC 6066 and the RFC of each).

One extension has different content in different messages: a client's key_share is a list, a server's one
entry, a HelloRetryRequest's a group. `_READERS` is keyed by extension and message; an extension that is not
in it, and one whose content does not follow its grammar, is shown by its name with its bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from netlab.tls.wire import registry
from netlab.tls.wire.spans import Cursor, Inside, counted, printable

Read = Callable[[Cursor], object]


def read_extensions(cursor: Cursor, message: str) -> None:
    """Read the vector of extensions of a message (its name as in `registry.HANDSHAKE_TYPES`)."""
    cursor.vector(2, "extensions", each=partial(_extension, message=message))


def _extension(cursor: Cursor, message: str) -> None:
    number = cursor.peek(2)
    name = registry.extension(number)

    def whole(part: Cursor) -> None:
        part.number(2, "extension_type", registry.extension)
        reader = _READERS.get((number, message)) or _READERS.get((number, ""))
        part.vector(2, "extension_data", inside=reader)

    span = cursor.group(name, whole, text=f"0x{number:04x}")
    data = span.get("extension_data")
    if data is not None and len(data.children) == 1:
        data.text = "empty"


# -- the readers, one for each shape -------------------------------------------------------------------------


def _list(prefix: int, name: str, size: int, element: str, names: Callable[[int], str]) -> Read:
    """A reader of a vector of numbers, each with a name."""

    def read(cursor: Cursor) -> None:
        cursor.vector(prefix, name, each=lambda item: item.number(size, element, names))

    return read


def _one(size: int, name: str, names: Callable[[int], str] | None = None) -> Read:
    return lambda cursor: cursor.number(size, name, names)


def _opaque(name: str) -> Read:
    return lambda cursor: cursor.rest(name)


def _vector(prefix: int, name: str, each: Inside | None = None) -> Read:
    return lambda cursor: cursor.vector(prefix, name, each=each)


def _server_name(cursor: Cursor) -> None:
    def entry(item: Cursor) -> None:
        kind = item.number(1, "name_type", partial(registry.small, "name type"))
        _text_vector(item, 2, "host_name" if kind == 0 else "name")

    if cursor.left:  # a server that used the name answers with an empty extension (RFC 6066 §3)
        cursor.vector(2, "server_name_list", each=entry)


def _text_vector(cursor: Cursor, prefix: int, name: str) -> None:
    """A vector whose bytes are text: the span shows it."""
    span = cursor.vector(prefix, name)
    if isinstance(span.value, bytes):
        span.text = printable(span.value)
        for leaf in span.children[1:]:
            leaf.text = span.text


def _alpn(cursor: Cursor) -> None:
    cursor.vector(2, "protocol_name_list", each=lambda item: _text_vector(item, 1, "protocol_name"))


def _status_request(cursor: Cursor) -> None:
    if not cursor.left:
        return
    if cursor.number(1, "status_type", partial(registry.small, "status type")) == 1:
        cursor.vector(2, "responder_id_list", each=lambda item: item.vector(2, "responder_id"))
        cursor.vector(2, "request_extensions")


def status(cursor: Cursor) -> None:
    """A CertificateStatus: the type and the OCSP response (RFC 6066 §8)."""
    kind = cursor.number(1, "status_type", partial(registry.small, "status type"))
    cursor.vector(3, "ocsp_response" if kind == 1 else "response")


def _key_share_entry(cursor: Cursor) -> None:
    number = cursor.peek(2)
    name = registry.group(number)

    def whole(part: Cursor) -> None:
        part.number(2, "group", registry.group)
        part.vector(2, "key_exchange")

    span = cursor.group("key_share_entry", whole)
    share = span.octets("key_exchange")
    span.text = f"{name}, {counted(len(share))}"


def _key_share_client(cursor: Cursor) -> None:
    cursor.vector(2, "client_shares", each=_key_share_entry)


def _pre_shared_key_client(cursor: Cursor) -> None:
    def identity(item: Cursor) -> None:
        item.vector(2, "identity")
        item.number(4, "obfuscated_ticket_age")

    cursor.vector(2, "identities", each=lambda item: item.group("psk_identity", identity))
    cursor.vector(2, "binders", each=lambda item: item.vector(1, "binder"))


def _versions_client(cursor: Cursor) -> None:
    cursor.vector(1, "versions", each=lambda item: item.number(2, "version", registry.version))


def _padding(cursor: Cursor) -> None:
    zeros = cursor.data[cursor.at : cursor.stop]
    cursor.rest("padding", counted(len(zeros)) + ("" if not any(zeros) else ", not all zero"))


def _renegotiation(cursor: Cursor) -> None:
    cursor.vector(1, "renegotiated_connection")


def _hello_suite(cursor: Cursor) -> None:
    cursor.number(2, "kdf_id", partial(registry.small, "kdf"))
    cursor.number(2, "aead_id", partial(registry.small, "aead"))


def _ech_client(cursor: Cursor) -> None:
    """RFC 9849 §5: what is encrypted looks random to all but the server."""
    if cursor.number(1, "type", partial(registry.small, "ech type")) == 0:
        cursor.group("cipher_suite", _hello_suite)
        cursor.number(1, "config_id")
        cursor.vector(2, "enc")
        cursor.vector(2, "payload")


def _ech_configs(cursor: Cursor) -> None:
    def config(item: Cursor) -> None:
        item.number(2, "version")
        item.vector(2, "contents", inside=_ech_config)

    cursor.vector(2, "retry_configs", each=lambda item: item.group("ech_config", config))


def _ech_config(cursor: Cursor) -> None:
    cursor.number(1, "config_id")
    cursor.number(2, "kem_id", partial(registry.small, "kem"))
    cursor.vector(2, "public_key")
    cursor.vector(2, "cipher_suites", each=lambda item: item.group("cipher_suite", _hello_suite))
    cursor.number(1, "maximum_name_length")
    _text_vector(cursor, 1, "public_name")
    cursor.vector(2, "extensions")


def _timestamps(cursor: Cursor) -> None:
    if cursor.left:
        cursor.vector(2, "sct_list", each=lambda item: item.vector(2, "serialized_sct"))


def _names(cursor: Cursor) -> None:
    cursor.vector(2, "authorities", each=lambda item: item.vector(2, "distinguished_name"))


def _srtp(cursor: Cursor) -> None:
    cursor.vector(2, "profiles", each=lambda item: item.number(2, "profile"))
    cursor.vector(1, "srtp_mki")


def _protocol_list(cursor: Cursor) -> None:
    while cursor.left:  # NPN: the names stand one behind the other, without a length of the list
        _text_vector(cursor, 1, "protocol_name")


def _quic(cursor: Cursor) -> None:
    def parameter(item: Cursor) -> None:
        _varint(item, "parameter_id")
        item.opaque(_varint(item, "length"), "value")

    while cursor.left:
        cursor.group("transport_parameter", parameter)


def _varint(cursor: Cursor, name: str) -> int:
    """A number whose two top bits give its size (RFC 9000 §16)."""
    size = 1 << (cursor.peek(1) >> 6)
    raw = cursor.opaque(size, name)
    value = int.from_bytes(raw, "big") & ((1 << (8 * size - 2)) - 1)
    cursor.spans[-1].value, cursor.spans[-1].text = value, str(value)
    return value


_small = registry.small
_SCHEMES = _list(2, "supported_signature_algorithms", 2, "signature_scheme", registry.signature_scheme)
_GROUPS = _list(2, "named_group_list", 2, "named_group", registry.group)
_POINTS = _list(1, "ec_point_format_list", 1, "ec_point_format", partial(_small, "point format"))
_CERTIFICATE_TYPES = _list(1, "certificate_types", 1, "certificate_type", partial(_small, "certificate type"))
_COMPRESSIONS = _list(1, "algorithms", 2, "algorithm", partial(_small, "certificate compression"))
_HELLO, _SERVER, _RETRY, _ENCRYPTED = (
    "client_hello", "server_hello", "hello_retry_request", "encrypted_extensions",
)  # fmt: skip

# (extension, message): the reader; message "" stands for every other message.
_READERS: dict[tuple[int, str], Read] = {
    (0, ""): _server_name,
    (1, ""): _one(1, "max_fragment_length", partial(_small, "fragment length")),
    (5, _HELLO): _status_request,
    (5, "certificate_request"): _status_request,
    (5, "certificate"): status,
    (10, ""): _GROUPS,
    (11, ""): _POINTS,
    (13, ""): _SCHEMES,
    (14, ""): _srtp,
    (15, ""): _one(1, "mode", partial(_small, "heartbeat mode")),
    (16, ""): _alpn,
    (18, ""): _timestamps,
    (19, _HELLO): _CERTIFICATE_TYPES,
    (19, ""): _one(1, "certificate_type", partial(_small, "certificate type")),
    (20, _HELLO): _CERTIFICATE_TYPES,
    (20, ""): _one(1, "certificate_type", partial(_small, "certificate type")),
    (21, ""): _padding,
    (27, ""): _COMPRESSIONS,
    (28, ""): _one(2, "record_size_limit"),
    (34, _HELLO): _SCHEMES,
    (35, ""): _opaque("ticket"),
    (41, _HELLO): _pre_shared_key_client,
    (41, _SERVER): _one(2, "selected_identity"),
    (42, "new_session_ticket"): _one(4, "max_early_data_size"),
    (43, _HELLO): _versions_client,
    (43, ""): _one(2, "selected_version", registry.version),
    (44, ""): _vector(2, "cookie"),
    (45, ""): _list(1, "ke_modes", 1, "psk_key_exchange_mode", partial(_small, "psk mode")),
    (47, ""): _names,
    (50, ""): _SCHEMES,
    (51, _HELLO): _key_share_client,
    (51, _RETRY): _one(2, "selected_group", registry.group),
    (51, _SERVER): _key_share_entry,
    (54, ""): _vector(1, "connection_id"),
    (57, ""): _quic,
    (13172, _SERVER): _protocol_list,
    (17513, _HELLO): _alpn,
    (17613, _HELLO): _alpn,
    (0xFE0D, _HELLO): _ech_client,
    (0xFE0D, _ENCRYPTED): _ech_configs,
    (0xFE0D, _RETRY): _opaque("confirmation"),
    (0xFF01, ""): _renegotiation,
}
