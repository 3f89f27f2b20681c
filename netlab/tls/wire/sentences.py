"""The sentences of `meanings`: for each field its section, then what it means to a beginner.

A line that is not indented holds the name of a span and the section, the lines below it the sentence.
"""

from __future__ import annotations

from netlab.tls.wire.sentences12 import TLS12

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
plaintext.content | RFC 8446 §5.2
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
  The host name, in clear text: every device on the way can read it.
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
value_length | X.690 §8.1.3
  How many bytes the value has.
value | X.690 §8.1.4
  The value itself, written as its tag says.
transport_parameter.value | RFC 9000 §18
  The value of this parameter.
tbsCertificate.version | RFC 5280 §4.1.2.1
  The version of the form: 2 stands for version 3.
tbsCertificate.signature | RFC 5280 §4.1.2.3
  How the authority signs; it stands here, too, so that it is signed itself.
tbsCertificate.extensions | RFC 5280 §4.1.2.9
  Names, purposes and limits, each an extension.
subjectPublicKeyInfo.algorithm | RFC 5280 §4.1.2.7
  Which kind of key it is.
subjectPublicKey | RFC 5280 §4.1.2.7
  The public key itself.
ec_point_format | RFC 8422 §5.1.2
  0: both coordinates are written in full.
heartbeat.payload | RFC 6520 §4
  Bytes that the peer must send back.
heartbeat.padding | RFC 6520 §4
  Random bytes that the peer ignores.
heartbeat_type | RFC 6520 §4
  A request, or the answer to one.
mode | RFC 6520 §2
  Whether the peer may send heartbeats.
status_type | RFC 6066 §8
  1: the proof has the form of OCSP.
responder_id | RFC 6066 §8
  An authority whose proof the client trusts.
request_extensions | RFC 6066 §8
  Additions to the client's question.
serialized_sct | RFC 6962 §3.3
  The promise of one log to show the certificate.
certificate_type | RFC 7250 §3
  X.509, or a bare public key.
kdf_id | RFC 9180 §7.2
  How the key of the encryption is derived.
aead_id | RFC 9180 §7.3
  The cipher of the encryption.
kem_id | RFC 9180 §7.1
  How client and server agree on that key.
public_key | RFC 9849 §4
  The server's public key for the encryption of a ClientHello.
public_name | RFC 9849 §4
  The host name that observers see instead.
maximum_name_length | RFC 9849 §4
  The longest name that must stay hidden: shorter ones are padded.
retry_configs | RFC 9849 §5
  Keys with which the client shall try again.
confirmation | RFC 9849 §7.2.1
  A sign that the server could decrypt the hidden ClientHello.
connection_id | RFC 9146 §3
  A name for the connection that outlives a change of address.
quic_transport_parameters | RFC 9000 §18
  Settings of QUIC, which carries TLS inside.
parameter_id | RFC 9000 §18
  Which setting it is.
use_srtp | RFC 5764 §4.1
  Keys for a telephone call shall come out of this handshake.
profile | RFC 5764 §4.1.2
  A cipher for the call.
srtp_mki | RFC 5764 §4.1.3
  The name of a key of the call.
dnssec_chain | RFC 9102 §2
  The client asks for the proofs of DNSSEC, too.
truncated_hmac | RFC 6066 §7
  The client takes shorter checksums; no longer thought safe.
client_certificate_type | RFC 7250 §3
  The kinds of certificate that the client can show.
server_certificate_type | RFC 7250 §3
  The kinds of certificate that the client can check.
ticket_request | RFC 9149 §2
  How many tickets the client would like.
uncompressed_length | RFC 8879 §4
  How long the chain is when it is unpacked.
compressed_certificate.algorithm | RFC 8879 §4
  How the chain was compressed.
compressed_certificate_message | RFC 8879 §4
  The compressed chain.
body | RFC 8446 §4
  The content of a message that netlab does not unfold.
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


def _read(text: str) -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    for line in text.strip().splitlines():
        if not line.startswith(" "):
            name, _, section = line.partition(" | ")
            found[name] = ("", section)
        else:
            found[name] = (f"{found[name][0]} {line.strip()}".strip(), section)
    return found


MEANINGS = _read(_TLS13) | _read(TLS12)
