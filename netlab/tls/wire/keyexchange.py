"""ServerKeyExchange and ClientKeyExchange of TLS 1.2 and older: what they hold depends on the cipher suite.

RFC 5246 §7.4.3 and §7.4.7 (RSA, DHE), RFC 8422 §5.4 and §5.7 (ECDHE), RFC 4279 §2 and RFC 5489 §2 (PSK).
"""

from __future__ import annotations

from functools import partial

from netlab.tls.wire import registry
from netlab.tls.wire.spans import Cursor

_TLS12 = 0x0303
_SSL3 = 0x0300


def server(cursor: Cursor, version: int, key_exchange: str) -> None:
    """Read a ServerKeyExchange; key_exchange as the suite's name has it ("ECDHE_RSA")."""
    if "PSK" in key_exchange:
        cursor.vector(2, "psk_identity_hint")
    if key_exchange.startswith("ECDH"):
        cursor.group("server_ecdh_params", _ecdh_params)
    elif key_exchange.startswith("DH"):
        cursor.group("server_dh_params", _dh_params)
    elif key_exchange == "RSA_EXPORT":
        cursor.group("server_rsa_params", _rsa_params)
    else:
        cursor.rest("server_key_exchange")
        return
    anonymous = "anon" in key_exchange or key_exchange.endswith("PSK")
    if not anonymous:
        signature(cursor, version)


def signature(cursor: Cursor, version: int) -> None:
    """A signature; from TLS 1.2 on the scheme stands before it (RFC 5246 §4.7)."""

    def whole(part: Cursor) -> None:
        if version >= _TLS12:
            part.number(2, "algorithm", registry.signature_scheme)
        part.vector(2, "signature")

    cursor.group("digitally_signed", whole)


def _ecdh_params(cursor: Cursor) -> None:
    kind = cursor.number(1, "curve_type", partial(registry.small, "curve type"))
    if kind == 3:
        cursor.number(2, "named_curve", registry.group)
        cursor.vector(1, "public")
    else:
        cursor.rest("explicit_curve")


def _dh_params(cursor: Cursor) -> None:
    for name in ("dh_p", "dh_g", "dh_Ys"):
        cursor.vector(2, name)


def _rsa_params(cursor: Cursor) -> None:
    for name in ("rsa_modulus", "rsa_exponent"):
        cursor.vector(2, name)


def client(cursor: Cursor, version: int, key_exchange: str) -> None:
    """Read a ClientKeyExchange."""
    if "PSK" in key_exchange:
        cursor.vector(2, "psk_identity")
        if key_exchange == "PSK":
            return
    if key_exchange.startswith("RSA"):
        if version == _SSL3:  # SSL 3.0 gives no length (RFC 6101 §5.6.7.1)
            cursor.rest("encrypted_pre_master_secret")
        else:
            cursor.vector(2, "encrypted_pre_master_secret")
    elif key_exchange.startswith("ECDH"):
        if cursor.left:  # a client whose certificate holds the point sends none
            cursor.vector(1, "ecdh_Yc")
    elif key_exchange.startswith("DH"):
        if cursor.left:
            cursor.vector(2, "dh_Yc")
    else:
        cursor.rest("client_key_exchange")
