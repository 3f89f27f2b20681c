"""The names that IANA has registered for the numbers of TLS (RFC 8447), as functions from number to name.

An unknown number has a name, too: "GREASE" (RFC 8701), "private use" or "unassigned". Cipher suites are in
`suites`.
"""

from __future__ import annotations

from collections.abc import Mapping

from netlab.tls.wire import suites

CONTENT_TYPES = {
    20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data", 24: "heartbeat",
    25: "tls12_cid", 26: "ack",
}  # fmt: skip

VERSIONS = {
    0x0002: "SSL 2.0", 0x0200: "SSL 2.0", 0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1",
    0x0303: "TLS 1.2", 0x0304: "TLS 1.3", 0xFEFF: "DTLS 1.0", 0xFEFD: "DTLS 1.2", 0xFEFC: "DTLS 1.3",
}  # fmt: skip

HANDSHAKE_TYPES = {
    0: "hello_request", 1: "client_hello", 2: "server_hello", 3: "hello_verify_request",
    4: "new_session_ticket", 5: "end_of_early_data", 6: "hello_retry_request", 8: "encrypted_extensions",
    11: "certificate", 12: "server_key_exchange", 13: "certificate_request", 14: "server_hello_done",
    15: "certificate_verify", 16: "client_key_exchange", 17: "client_certificate_request", 20: "finished",
    21: "certificate_url", 22: "certificate_status", 23: "supplemental_data", 24: "key_update",
    25: "compressed_certificate", 26: "ekt_key", 67: "next_protocol", 203: "channel_id", 254: "message_hash",
}  # fmt: skip

ALERT_LEVELS = {1: "warning", 2: "fatal"}

ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
    22: "record_overflow", 30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate",
    42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked",
    45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca",
    49: "access_denied", 50: "decode_error", 51: "decrypt_error", 52: "too_many_cids_requested",
    60: "export_restriction", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 114: "bad_certificate_hash_value", 115: "unknown_psk_identity",
    116: "certificate_required", 117: "general_error", 120: "no_application_protocol", 121: "ech_required",
}  # fmt: skip

EXTENSIONS = {
    0: "server_name", 1: "max_fragment_length", 2: "client_certificate_url", 3: "trusted_ca_keys",
    4: "truncated_hmac", 5: "status_request", 6: "user_mapping", 7: "client_authz", 8: "server_authz",
    9: "cert_type", 10: "supported_groups", 11: "ec_point_formats", 12: "srp", 13: "signature_algorithms",
    14: "use_srtp", 15: "heartbeat", 16: "application_layer_protocol_negotiation", 17: "status_request_v2",
    18: "signed_certificate_timestamp", 19: "client_certificate_type", 20: "server_certificate_type",
    21: "padding", 22: "encrypt_then_mac", 23: "extended_master_secret", 24: "token_binding",
    25: "cached_info", 26: "tls_lts", 27: "compress_certificate", 28: "record_size_limit",
    29: "pwd_protect", 30: "pwd_clear", 31: "password_salt", 32: "ticket_pinning",
    33: "tls_cert_with_extern_psk", 34: "delegated_credential", 35: "session_ticket", 36: "TLMSP",
    37: "TLMSP_proxying", 38: "TLMSP_delegate", 39: "supported_ekt_ciphers", 41: "pre_shared_key",
    42: "early_data", 43: "supported_versions", 44: "cookie", 45: "psk_key_exchange_modes",
    47: "certificate_authorities", 48: "oid_filters", 49: "post_handshake_auth",
    50: "signature_algorithms_cert", 51: "key_share", 52: "transparency_info",
    53: "connection_id (deprecated)", 54: "connection_id", 55: "external_id_hash",
    56: "external_session_id", 57: "quic_transport_parameters", 58: "ticket_request", 59: "dnssec_chain",
    60: "sequence_number_encryption_algorithms", 61: "rrc", 62: "tls_flags",
    13172: "next_protocol_negotiation", 17513: "application_settings (old)", 17613: "application_settings",
    30031: "channel_id (old)", 30032: "channel_id", 0xFE0D: "encrypted_client_hello",
    0xFD00: "ech_outer_extensions", 0xFFCE: "encrypted_server_name (draft)", 0xFF01: "renegotiation_info",
    0xFFA5: "quic_transport_parameters (draft)", 0x8A3B: "trust_anchors (draft)",
    0xCA34: "trust_anchors (draft)",
}  # fmt: skip

GROUPS = {
    1: "sect163k1", 2: "sect163r1", 3: "sect163r2", 4: "sect193r1", 5: "sect193r2", 6: "sect233k1",
    7: "sect233r1", 8: "sect239k1", 9: "sect283k1", 10: "sect283r1", 11: "sect409k1", 12: "sect409r1",
    13: "sect571k1", 14: "sect571r1", 15: "secp160k1", 16: "secp160r1", 17: "secp160r2", 18: "secp192k1",
    19: "secp192r1", 20: "secp224k1", 21: "secp224r1", 22: "secp256k1", 23: "secp256r1", 24: "secp384r1",
    25: "secp521r1", 26: "brainpoolP256r1", 27: "brainpoolP384r1", 28: "brainpoolP512r1", 29: "x25519",
    30: "x448", 31: "brainpoolP256r1tls13", 32: "brainpoolP384r1tls13", 33: "brainpoolP512r1tls13",
    34: "GC256A", 35: "GC256B", 36: "GC256C", 37: "GC256D", 38: "GC512A", 39: "GC512B", 40: "GC512C",
    41: "curveSM2", 256: "ffdhe2048", 257: "ffdhe3072", 258: "ffdhe4096", 259: "ffdhe6144", 260: "ffdhe8192",
    512: "MLKEM512", 513: "MLKEM768", 514: "MLKEM1024", 4587: "SecP256r1MLKEM768", 4588: "X25519MLKEM768",
    4589: "SecP384r1MLKEM1024", 4590: "curveSM2MLKEM768", 25497: "X25519Kyber768Draft00",
    25498: "SecP256r1Kyber768Draft00", 0x2F39: "p256_kyber512 (draft)", 16696: "CECPQ2 (experiment)",
    0xFF01: "arbitrary_explicit_prime_curves", 0xFF02: "arbitrary_explicit_char2_curves",
}  # fmt: skip

SIGNATURE_SCHEMES = {
    0x0201: "rsa_pkcs1_sha1", 0x0203: "ecdsa_sha1", 0x0401: "rsa_pkcs1_sha256",
    0x0403: "ecdsa_secp256r1_sha256", 0x0420: "rsa_pkcs1_sha256_legacy", 0x0501: "rsa_pkcs1_sha384",
    0x0503: "ecdsa_secp384r1_sha384", 0x0520: "rsa_pkcs1_sha384_legacy", 0x0601: "rsa_pkcs1_sha512",
    0x0603: "ecdsa_secp521r1_sha512", 0x0620: "rsa_pkcs1_sha512_legacy", 0x0708: "sm2sig_sm3",
    0x0804: "rsa_pss_rsae_sha256", 0x0805: "rsa_pss_rsae_sha384", 0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519", 0x0808: "ed448", 0x0809: "rsa_pss_pss_sha256", 0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512", 0x081A: "ecdsa_brainpoolP256r1tls13_sha256",
    0x081B: "ecdsa_brainpoolP384r1tls13_sha384", 0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
    0x0904: "mldsa44", 0x0905: "mldsa65", 0x0906: "mldsa87",
}  # fmt: skip

# TLS 1.2 made a signature algorithm of two bytes, a hash and a signature (RFC 5246 §7.4.1.4.1).
HASHES = {0: "none", 1: "md5", 2: "sha1", 3: "sha224", 4: "sha256", 5: "sha384", 6: "sha512", 8: "intrinsic"}
SIGNATURES = {0: "anonymous", 1: "rsa", 2: "dsa", 3: "ecdsa", 7: "ed25519", 8: "ed448"}

_SMALL: Mapping[str, Mapping[int, str]] = {
    "compression": {0: "null", 1: "DEFLATE", 64: "LZS"},
    "point format": {0: "uncompressed", 1: "ansiX962_compressed_prime", 2: "ansiX962_compressed_char2"},
    "curve type": {1: "explicit_prime", 2: "explicit_char2", 3: "named_curve"},
    "name type": {0: "host_name"},
    "status type": {1: "ocsp", 2: "ocsp_multi"},
    "fragment length": {1: "512 bytes", 2: "1024 bytes", 3: "2048 bytes", 4: "4096 bytes"},
    "psk mode": {0: "psk_ke", 1: "psk_dhe_ke"},
    "certificate compression": {1: "zlib", 2: "brotli", 3: "zstd"},
    "certificate type": {0: "X.509", 1: "OpenPGP", 2: "Raw Public Key", 3: "1609Dot2"},
    "client certificate": {
        1: "rsa_sign", 2: "dss_sign", 3: "rsa_fixed_dh", 4: "dss_fixed_dh", 5: "rsa_ephemeral_dh",
        6: "dss_ephemeral_dh", 20: "fortezza_dms", 64: "ecdsa_sign", 65: "rsa_fixed_ecdh",
        66: "ecdsa_fixed_ecdh", 67: "gost_sign256", 68: "gost_sign512",
    },
    "key update": {0: "update_not_requested", 1: "update_requested"},
    "heartbeat mode": {1: "peer_allowed_to_send", 2: "peer_not_allowed_to_send"},
    "heartbeat type": {1: "heartbeat_request", 2: "heartbeat_response"},
    "ech type": {0: "outer", 1: "inner"},
    "kem": {0x10: "DHKEM(P-256, HKDF-SHA256)", 0x20: "DHKEM(X25519, HKDF-SHA256)"},
    "kdf": {1: "HKDF-SHA256", 2: "HKDF-SHA384", 3: "HKDF-SHA512"},
    "aead": {1: "AES-128-GCM", 2: "AES-256-GCM", 3: "ChaCha20Poly1305"},
    "ccs": {1: "change_cipher_spec"},
}  # fmt: skip


def grease(value: int) -> bool:
    """Is it one of the sixteen values that a client sends so that servers stay tolerant (RFC 8701 §2)?"""
    return value >> 8 == value & 0xFF and value & 0x0F == 0x0A


def _two_bytes(table: Mapping[int, str], value: int) -> str:
    if (found := table.get(value)) is not None:
        return found
    if grease(value):
        return "GREASE (RFC 8701)"
    return "private use" if value >= 0xFE00 else "unassigned"


def content_type(value: int) -> str:
    """TLS ContentType (RFC 8446 §5.1)."""
    return CONTENT_TYPES.get(value, "unknown")


def version(value: int) -> str:
    """ProtocolVersion (RFC 8446 §4.1.2); a draft of TLS 1.3 as such (drafts used 0x7F and their number)."""
    if value in VERSIONS:
        return VERSIONS[value]
    if grease(value):
        return "GREASE (RFC 8701)"
    return f"TLS 1.3 (draft {value & 0xFF})" if value >> 8 == 0x7F else "unknown"


def cipher_suite(value: int) -> str:
    """A cipher suite's name."""
    return _two_bytes(suites.NAMES, value)


def extension(value: int) -> str:
    """An extension's name."""
    return _two_bytes(EXTENSIONS, value)


def group(value: int) -> str:
    """A named group: an elliptic curve, a finite field, a KEM or a hybrid of two."""
    return _two_bytes(GROUPS, value)


def signature_scheme(value: int) -> str:
    """A signature scheme; one that only TLS 1.2 knows as signature_hash."""
    if value in SIGNATURE_SCHEMES:
        return SIGNATURE_SCHEMES[value]
    hash_name, signature = HASHES.get(value >> 8), SIGNATURES.get(value & 0xFF)
    return f"{signature}_{hash_name}" if hash_name and signature else _two_bytes({}, value)


def handshake_type(value: int) -> str:
    """HandshakeType (RFC 8446 §4)."""
    return HANDSHAKE_TYPES.get(value, "unknown")


def alert(value: int) -> str:
    """AlertDescription (RFC 8446 §6)."""
    return ALERTS.get(value, "unknown")


def alert_level(value: int) -> str:
    """AlertLevel (RFC 8446 §6)."""
    return ALERT_LEVELS.get(value, "unknown")


def small(kind: str, value: int) -> str:
    """A name from one of the small tables."""
    # The one-byte GREASE values are 0x0B and every 0x1F after it (RFC 8701 §2).
    unknown = "GREASE (RFC 8701)" if kind == "psk mode" and value % 0x1F == 0x0B else "unknown"
    return _SMALL[kind].get(value, unknown)
