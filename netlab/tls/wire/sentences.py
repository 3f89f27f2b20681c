"""The sentences of `meanings`: for each field its section, then what it means to a beginner.

A line that is not indented holds the name of a span and the section, the lines below it the sentence.
"""

from __future__ import annotations

Meaning = tuple[str, str]

_TLS13 = """
record | RFC 8446 §5.1
  One record: TLS cuts everything that it sends into records.
type | RFC 8446 §5.1
  What kind of content this record carries.
plaintext.type | RFC 8446 §5.2
  The real content type: TLS 1.3 encrypts it together with the content.
opaque_type | RFC 8446 §5.2
  Always application_data: TLS 1.3 hides the real type inside the ciphertext.
legacy_record_version | RFC 8446 §5.1
  An old version number, kept so that old network devices let the record pass.
record.length | RFC 8446 §5.1
  How many bytes of this record follow.
length | RFC 8446 §3.4
  How many bytes of this structure follow.
fragment | RFC 8446 §5.1
  Handshake bytes: whole messages, or a part of one.
ciphertext | RFC 8446 §5.2
  The content, encrypted: only the holder of the key can read it.
authentication_tag | RFC 8446 §5.2
  A checksum made with the key: one changed bit, and the record is refused.
encrypted_record | RFC 8446 §5.2
  Encrypted bytes. Without the key they look random.
zeros | RFC 8446 §5.4
  Padding that hides how long the content is.
content | RFC 8446 §5.2
  The content of the record, decrypted.
application_data | RFC 8446 §5
  What the application sent: here, HTTP.
level | RFC 8446 §6
  How serious the alert is; TLS 1.3 no longer looks at it.
description | RFC 8446 §6
  Why the alert is sent; close_notify ends the connection in good order.
change_cipher_spec | RFC 8446 §5
  In TLS 1.2: the next records use the new keys. In TLS 1.3 it is a dummy for old network devices.
msg_type | RFC 8446 §4
  Which handshake message this is.
client_hello | RFC 8446 §4.1.2
  The client says which versions, ciphers and keys it offers.
server_hello | RFC 8446 §4.1.3
  The server chooses from what the client offered.
hello_retry_request | RFC 8446 §4.1.4
  The server asks for another ClientHello, with a key of a group that it knows.
encrypted_extensions | RFC 8446 §4.3.1
  The server's answers that no eavesdropper needs to see.
certificate | RFC 8446 §4.4.2
  The chain of certificates that ties the server's key to its name.
certificate_verify | RFC 8446 §4.4.3
  A signature over the handshake so far: the sender holds the certificate's key.
certificate_request | RFC 8446 §4.3.2
  The server asks the client for a certificate of its own.
finished | RFC 8446 §4.4.4
  A checksum over the whole handshake, made with the new keys: nothing was changed.
new_session_ticket | RFC 8446 §4.6.1
  A ticket with which the client can resume this session later.
key_update | RFC 8446 §4.6.3
  The sender uses new keys from the next record on.
end_of_early_data | RFC 8446 §4.5
  The client has sent the last of its 0-RTT data.
legacy_version | RFC 8446 §4.1.2
  Frozen at TLS 1.2; supported_versions says the real version.
random | RFC 8446 §4.1.2
  32 random bytes: every connection gets other keys, even with the same secret.
legacy_session_id | RFC 8446 §4.1.2
  In TLS 1.2 the name of a session to resume; in TLS 1.3 random bytes for old devices.
legacy_session_id_echo | RFC 8446 §4.1.3
  The session id that the client sent, or in TLS 1.2 the one of this session.
cipher_suites | RFC 8446 §4.1.2
  The ciphers that the client offers, its favourite first.
cipher_suite | RFC 8446 appendix B.4
  A cipher with its hash; in TLS 1.2 the way to agree on keys, too.
legacy_compression_methods | RFC 8446 §4.1.2
  Must offer null alone: compression leaked secrets (CRIME).
compression_method | RFC 8446 §4.1.2
  0 is no compression.
legacy_compression_method | RFC 8446 §4.1.3
  0: nothing is compressed.
extensions | RFC 8446 §4.2
  Everything that was added to TLS later stands in extensions.
extension_type | RFC 8446 §4.2
  The number of the extension.
extension_data | RFC 8446 §4.2
  The content of the extension.
server_name | RFC 6066 §3
  The host name that the client wants: one address may serve many hosts.
host_name | RFC 6066 §3
  The host name, in clear text: everyone on the way can read it.
name_type | RFC 6066 §3
  0 is a host name; no other type exists.
supported_groups | RFC 8446 §4.2.7
  The groups in which the client can agree on a key.
named_group | RFC 8446 §4.2.7
  An elliptic curve, a finite field, or a group that resists quantum computers.
ec_point_formats | RFC 8422 §5.1.2
  How points of curves may be written; only uncompressed is left.
signature_algorithms | RFC 8446 §4.2.3
  The signatures that the sender can check.
signature_algorithms_cert | RFC 8446 §4.2.3
  The signatures that the sender can check inside certificates.
signature_scheme | RFC 8446 §4.2.3
  A kind of key, of signature and of hash.
application_layer_protocol_negotiation | RFC 7301 §3.1
  Which protocol shall be spoken inside: HTTP/1.1 or HTTP/2.
protocol_name | RFC 7301 §3.1
  The name of a protocol; h2 is HTTP/2.
supported_versions | RFC 8446 §4.2.1
  The versions of TLS, really: the client lists them, the server picks one.
version | RFC 8446 §4.2.1
  A version of TLS that the client speaks.
selected_version | RFC 8446 §4.2.1
  The version that is spoken from here on.
key_share | RFC 8446 §4.2.8
  Public halves of keys: from both halves, each side computes the same secret.
key_share_entry | RFC 8446 §4.2.8
  A public key for one group.
group | RFC 8446 §4.2.8
  The group of this public key.
selected_group | RFC 8446 §4.2.8
  The group for which the server wants a key.
key_exchange | RFC 8446 §4.2.8
  The public key itself; its private half never leaves its owner.
psk_key_exchange_modes | RFC 8446 §4.2.9
  Whether a resumed session still does a key agreement.
psk_key_exchange_mode | RFC 8446 §4.2.9
  psk_dhe_ke: with a key agreement, so that a stolen ticket opens nothing old.
pre_shared_key | RFC 8446 §4.2.11
  The tickets that the client wants to resume with.
identity | RFC 8446 §4.2.11
  A ticket: only the server that made it can read it.
obfuscated_ticket_age | RFC 8446 §4.2.11.1
  How old the ticket is, masked so that an observer cannot follow the client by it.
binder | RFC 8446 §4.2.11.2
  A checksum that proves that the client knows the ticket's secret.
selected_identity | RFC 8446 §4.2.11
  Which of the client's tickets the server takes, counted from 0.
early_data | RFC 8446 §4.2.10
  The client sends data before the server has answered (0-RTT).
max_early_data_size | RFC 8446 §4.2.10
  How many bytes of 0-RTT data the server takes.
cookie | RFC 8446 §4.2.2
  Bytes that the client must send back, so that the server need not remember it.
status_request | RFC 6066 §8
  The client asks for proof that the certificate is not revoked (OCSP).
signed_certificate_timestamp | RFC 6962 §3.3
  Proof that the certificate stands in a public log.
padding | RFC 7685 §3
  Zeros that make the ClientHello longer, for servers that fail at certain lengths.
compress_certificate | RFC 8879 §3
  Ways in which the certificate may be compressed.
compressed_certificate | RFC 8879 §4
  The chain of certificates, compressed.
record_size_limit | RFC 8449 §4
  The largest record that the sender wants to get.
max_fragment_length | RFC 6066 §4
  The largest record that the client wants to get; an older way to say it.
post_handshake_auth | RFC 8446 §4.2.6
  The client can show a certificate later, when it is asked.
certificate_authorities | RFC 8446 §4.2.4
  The authorities that the sender trusts.
encrypted_client_hello | RFC 9849 §5
  The real ClientHello, encrypted, so that its host name stays secret.
payload | RFC 9849 §5
  The encrypted inner ClientHello, or random bytes that look like one.
enc | RFC 9849 §5
  The client's public key for that encryption.
config_id | RFC 9849 §5
  Which of the server's keys was used.
application_settings | draft-vvv-tls-alps
  Settings of the inner protocol, sent in the handshake; Chromium's own extension.
delegated_credential | RFC 9345 §4
  The client takes short-lived keys that the certificate's owner has signed.
certificate_request_context | RFC 8446 §4.4.2
  Ties an answer to the request it belongs to; empty in a handshake.
certificate_list | RFC 8446 §4.4.2
  The certificates: the server's own first, then those that signed it.
certificate_entry | RFC 8446 §4.4.2
  One certificate with its own extensions.
Certificate | RFC 5280 §4.1
  An X.509 certificate: a name, a public key, and a signature over both.
tbsCertificate | RFC 5280 §4.1.2
  The part that is signed.
serialNumber | RFC 5280 §4.1.2.2
  The number that the authority gave to the certificate.
issuer | RFC 5280 §4.1.2.4
  The name of the authority that signed.
validity | RFC 5280 §4.1.2.5
  From when until when the certificate is good.
notBefore | RFC 5280 §4.1.2.5
  Not good before this time.
notAfter | RFC 5280 §4.1.2.5
  Not good after this time.
subject | RFC 5280 §4.1.2.6
  The owner of the certificate; browsers look at subjectAltName instead.
subjectPublicKeyInfo | RFC 5280 §4.1.2.7
  The public key that the certificate vouches for.
signatureValue | RFC 5280 §4.1.1.3
  The authority's signature.
signatureAlgorithm | RFC 5280 §4.1.1.2
  How the authority signed.
tag | X.690 §8.1.2
  The type of a DER value.
algorithm | RFC 8446 §4.4.3
  How the signature was made.
signature | RFC 8446 §4.4.3
  The signature itself.
verify_data | RFC 8446 §4.4.4
  The checksum: an HMAC over the hash of all messages so far.
ticket_lifetime | RFC 8446 §4.6.1
  For how many seconds the ticket is good.
ticket_age_add | RFC 8446 §4.6.1
  The mask for the ticket's age.
ticket_nonce | RFC 8446 §4.6.1
  Makes the secret of this ticket differ from that of the next.
ticket | RFC 8446 §4.6.1
  The ticket: for the client, bytes without meaning.
request_update | RFC 8446 §4.6.3
  Whether the peer must change its keys, too.
not understood | RFC 8446 §3
  Bytes that do not follow the grammar at this place.
"""

# What only TLS 1.2 and older have.
_TLS12 = """
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


def _read(text: str) -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    for line in text.strip().splitlines():
        if not line.startswith(" "):
            name, _, section = line.partition(" | ")
            found[name] = ("", section)
        else:
            found[name] = (f"{found[name][0]} {line.strip()}".strip(), section)
    return found


MEANINGS = _read(_TLS13) | _read(_TLS12)
