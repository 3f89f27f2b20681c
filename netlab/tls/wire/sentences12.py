"""The sentences for what only TLS 1.2 and older have, in the form that `sentences` explains."""

from __future__ import annotations

TLS12 = """
renegotiated_connection | RFC 5746 §3.2
  Empty in a first handshake; later the Finished of the one before.
certificate_types.certificate_type | RFC 5246 §7.4.4
  A kind of certificate that the server takes.
psk_identity_hint | RFC 4279 §2
  Helps the client to choose among its keys.
psk_identity | RFC 4279 §2
  The name of the key that both sides were given beforehand.
rsa_modulus | RFC 2246 §7.4.3
  A weak RSA key, from the days when strong ones could not be exported.
rsa_exponent | RFC 2246 §7.4.3
  The exponent of that key.
selected_protocol | draft-agl-tls-nextprotoneg
  The protocol that the client chose, encrypted.
cipher_spec_length | RFC 5246 appendix E.2
  How many bytes of ciphers follow.
session_id_length | RFC 5246 appendix E.2
  How many bytes of a session's name follow.
challenge_length | RFC 5246 appendix E.2
  How many random bytes follow.
explicit_nonce | RFC 5288 §3
  The half of the nonce that TLS 1.2 sends: no nonce may be used twice.
iv | RFC 5246 §6.2.3.2
  Random bytes with which the encryption of this record starts.
mac | RFC 5246 §6.2.3.1
  A checksum made with a key: one changed bit, and the record is refused.
plaintext.padding | RFC 5246 §6.2.3.2
  Bytes that fill the last block of the cipher.
padding_length | RFC 5246 §6.2.3.2
  How many bytes of padding stand before this one.
hello_request | RFC 5246 §7.4.1.1
  The server asks the client to start a handshake anew.
server_key_exchange | RFC 5246 §7.4.3
  The server's public half of a fresh key, signed.
server_hello_done | RFC 5246 §7.4.5
  The server has said all; now the client answers.
client_key_exchange | RFC 5246 §7.4.7
  The client's half: a public key, or with static RSA the encrypted secret itself.
encrypted_pre_master_secret | RFC 5246 §7.4.7.1
  The secret of this connection, encrypted with the server's public key: its private key opens it for
  ever.
ecdh_Yc | RFC 8422 §5.7
  The client's public key of this connection.
dh_Yc | RFC 5246 §7.4.7.2
  The client's public value of this connection.
server_ecdh_params | RFC 8422 §5.4
  The curve and the server's public key of this connection.
curve_type | RFC 8422 §5.4
  3: the curve has a registered name.
named_curve | RFC 8422 §5.4
  The elliptic curve that is used.
public | RFC 8422 §5.4
  The server's public key of this connection; it is thrown away afterwards.
server_dh_params | RFC 5246 §7.4.3
  The field and the server's public value of this connection.
dh_p | RFC 5246 §7.4.3
  The prime number of the field.
dh_g | RFC 5246 §7.4.3
  The generator of the field.
dh_Ys | RFC 5246 §7.4.3
  The server's public value; it is thrown away afterwards.
digitally_signed | RFC 5246 §4.7
  A signature: the sender holds the key of its certificate.
certificate_types | RFC 5246 §7.4.4
  The kinds of certificate that the server takes.
distinguished_name | RFC 5246 §7.4.4
  The name of an authority.
session_ticket | RFC 5077 §3.2
  The client can keep the session's secrets for the server, encrypted.
ticket_lifetime_hint | RFC 5077 §3.3
  For how many seconds the ticket is worth keeping.
encrypt_then_mac | RFC 7366 §2
  Encrypt first, then make the checksum: the order that proved right.
extended_master_secret | RFC 7627 §5.1
  The secret is bound to the whole handshake, so that two cannot be glued together.
renegotiation_info | RFC 5746 §3.2
  Ties a second handshake to the first one.
heartbeat | RFC 6520 §2
  Small messages that keep a connection alive; the extension of Heartbleed.
next_protocol_negotiation | draft-agl-tls-nextprotoneg
  The predecessor of ALPN.
certificate_status | RFC 6066 §8
  The proof that the certificate is not revoked, as the server fetched it.
ocsp_response | RFC 6960 §4.2
  The answer of the authority: good, revoked or unknown.
cipher_specs | RFC 5246 appendix E.2
  The ciphers that the client offers, three bytes each.
challenge | RFC 5246 appendix E.2
  Random bytes, the client's random of later versions.
"""
