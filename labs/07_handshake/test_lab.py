"""The checks of lab 07: values that RFC 8448 prints, and records with padding that the test seals."""

from __future__ import annotations

import hashlib
import hmac
import random

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from vectors import FLIGHT, FULL, HELLOS, RETRIED, messages, values

from labs.runner.checks import same_bytes

EXPAND = "RFC 8446 §7.1"
RECORDS = "RFC 8446 §5.2"
# The client's application traffic secret for SHA-384 (16 bytes of it), with b"shared" and the messages of
# RFC 8448 §3: made once with the cryptography package's HKDF.
SHA384_CLIENT_TRAFFIC = bytes.fromhex("c10e99bcb7c70b625c0e3e6bf2b04991")


def expanded(secret, label, context, length):
    """HKDF-Expand-Label with SHA-384 for at most 48 bytes: one HMAC, by this test's own hand."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context
    return hmac.digest(secret, info + b"\x01", "sha384")[:length]


both = pytest.mark.parametrize("section", [FULL, RETRIED], ids=["full", "HelloRetryRequest"])


# --- task 1: write HKDF-Expand-Label --------------------------------------------------------------------


@pytest.mark.task(1, rule=EXPAND)
@both
def test_a_label_without_context_gives_the_bytes_of_rfc_8448(exercise, steps, section):
    found = values(section)
    secret = found["server_handshake"]
    for label, length, name in ((b"key", 16, "server_handshake_key"), (b"iv", 12, "server_handshake_iv")):
        steps.note(f"hkdf_expand_label('sha256', {secret.hex()[:16]}…, {label!r}, b'', {length})")
        got = exercise.hkdf_expand_label("sha256", secret, label, b"", length)
        same_bytes(got, found[name], f"RFC 8448 §{section}: label 'tls13 ' + {label.decode()}, {EXPAND}")


@pytest.mark.task(1, rule=EXPAND)
def test_the_context_follows_its_length(exercise, steps):
    found = values(FULL)
    empty = hashlib.sha256().digest()
    steps.note("the label 'derived' with the hash of nothing as context")
    got = exercise.hkdf_expand_label("sha256", found["early_secret"], b"derived", empty, 32)
    same_bytes(got, found["derived_from_early"], f"RFC 8448 §3: context of 32 bytes, {EXPAND}")


@pytest.mark.task(1, rule="RFC 5869 §2.3")
def test_output_longer_than_one_hash_is_a_chain_of_blocks(exercise):
    # Expected: written out with hashlib and hmac by hand, two blocks of SHA-256 and a half.
    info = b"\x00\x50\x09tls13 abc\x01x"
    blocks = [hmac.digest(b"s" * 32, info + b"\x01", "sha256")]
    blocks.append(hmac.digest(b"s" * 32, blocks[0] + info + b"\x02", "sha256"))
    blocks.append(hmac.digest(b"s" * 32, blocks[1] + info + b"\x03", "sha256"))
    got = exercise.hkdf_expand_label("sha256", b"s" * 32, b"abc", b"x", 80)
    same_bytes(got, b"".join(blocks)[:80], "80 bytes: T(1) + T(2) + half of T(3), RFC 5869 §2.3")


@pytest.mark.task(1, rule=EXPAND)
@pytest.mark.parametrize("hash_name", ["sha256", "sha384"])
def test_the_hash_is_that_of_the_cipher_suite(exercise, hash_name):
    expected = hmac.digest(b"s" * 48, b"\x00\x10\x09tls13 key\x00\x01", hash_name)[:16]
    got = exercise.hkdf_expand_label(hash_name, b"s" * 48, b"key", b"", 16)
    same_bytes(got, expected, f"HMAC with {hash_name}, {EXPAND}")


# --- task 2: write Derive-Secret ------------------------------------------------------------------------


@pytest.mark.task(2, rule=EXPAND)
def test_a_secret_depends_on_the_messages_so_far(exercise, steps):
    found, hellos = values(FULL), messages(FULL, *HELLOS[FULL])
    steps.note("'c hs traffic' over ClientHello and ServerHello")
    got = exercise.derive_secret("sha256", found["handshake_secret"], b"c hs traffic", hellos)
    same_bytes(got, found["client_handshake"], f"RFC 8448 §3, {EXPAND}")
    everything = [*hellos, *messages(FULL, *FLIGHT)]
    got = exercise.derive_secret("sha256", found["master_secret"], b"s ap traffic", everything)
    same_bytes(got, found["server_traffic"], f"RFC 8448 §3: all messages to the server's Finished, {EXPAND}")


@pytest.mark.task(2, rule=EXPAND)
def test_without_messages_the_hash_is_that_of_zero_bytes(exercise):
    found = values(FULL)
    got = exercise.derive_secret("sha256", found["early_secret"], b"derived", [])
    same_bytes(got, found["derived_from_early"], f"RFC 8448 §3: Derive-Secret(., 'derived', ''), {EXPAND}")


@pytest.mark.task(2, rule="RFC 8446 §4.4.1")
def test_a_hello_retry_request_replaces_the_first_client_hello_by_its_hash(exercise, steps):
    found, hellos = values(RETRIED), messages(RETRIED, *HELLOS[RETRIED])
    steps.note("ClientHello, HelloRetryRequest, ClientHello, ServerHello")
    got = exercise.derive_secret("sha256", found["handshake_secret"], b"s hs traffic", hellos)
    same_bytes(got, found["server_handshake"], "RFC 8448 §5: message_hash comes first, RFC 8446 §4.4.1")


@pytest.mark.task(2, rule="RFC 8446 §4.4.1")
def test_the_messages_given_stay_as_they_are(exercise):
    hellos = messages(RETRIED, *HELLOS[RETRIED])
    before = list(hellos)
    exercise.transcript_hash("sha256", hellos)
    assert hellos == before, "transcript_hash changed the caller's list of messages (RFC 8446 §4.4.1)"


@pytest.mark.task(2, rule="RFC 8446 §4.4.1")
@both
def test_the_transcript_hash_is_that_of_the_cipher_suite(exercise, steps, section):
    hellos = messages(section, *HELLOS[section])
    steps.note("the same messages, for a cipher suite with SHA-384")
    kept = list(hellos)
    if section == RETRIED:
        kept[0] = b"\xfe\x00\x00\x30" + hashlib.sha384(kept[0]).digest()
    expected = hashlib.sha384(b"".join(kept)).digest()
    got = exercise.transcript_hash("sha384", hellos)
    same_bytes(got, expected, "SHA-384 in every place, and 48 bytes in message_hash, RFC 8446 §4.4.1")
    secret = exercise.derive_secret("sha384", b"s" * 48, b"c hs traffic", hellos)
    same_bytes(secret, expanded(b"s" * 48, b"c hs traffic", expected, 48), f"48 bytes for SHA-384, {EXPAND}")


# --- task 3: walk down the key schedule -----------------------------------------------------------------


@pytest.mark.task(3, rule=EXPAND)
@both
def test_the_four_traffic_secrets_come_from_the_shared_secret(exercise, steps, section):
    found = values(section)
    hellos, flight = messages(section, *HELLOS[section]), messages(section, *FLIGHT)
    steps.note(f"key_schedule('sha256', {found['shared_secret'].hex()[:16]}…, hellos, flight)")
    secrets = exercise.key_schedule("sha256", found["shared_secret"], hellos, flight)
    for name in ("client_handshake", "server_handshake", "client_traffic", "server_traffic"):
        same_bytes(getattr(secrets, name), found[name], f"RFC 8448 §{section}: {name}, {EXPAND}")


@pytest.mark.task(3, rule=EXPAND)
def test_sha_384_takes_zeros_of_its_own_length(exercise):
    hellos, flight = messages(FULL, *HELLOS[FULL]), messages(FULL, *FLIGHT)
    secrets = exercise.key_schedule("sha384", b"shared", hellos, flight)
    assert [len(secret) for secret in secrets] == [48] * 4, f"a secret of SHA-384 has 48 bytes ({EXPAND})"
    same_bytes(secrets.client_traffic[:16], SHA384_CLIENT_TRAFFIC, f"zeros of 48 bytes for SHA-384, {EXPAND}")


# --- task 4: derive keys and nonces ---------------------------------------------------------------------


@pytest.mark.task(4, rule="RFC 8446 §7.3")
@both
@pytest.mark.parametrize("name", ["client_handshake", "server_handshake", "client_traffic", "server_traffic"])
def test_each_traffic_secret_gives_its_key_and_iv(exercise, section, name):
    found = values(section)
    keys = exercise.traffic_keys("sha256", found[name], 16)
    same_bytes(keys.key, found[f"{name}_key"], f"RFC 8448 §{section}: the key, RFC 8446 §7.3")
    same_bytes(keys.iv, found[f"{name}_iv"], f"RFC 8448 §{section}: the IV, RFC 8446 §7.3")


@pytest.mark.task(4, rule="RFC 8446 §7.3")
def test_aes_256_takes_a_key_of_32_bytes(exercise):
    keys = exercise.traffic_keys("sha384", b"s" * 48, 32)
    assert (len(keys.key), len(keys.iv)) == (32, 12), "key_length is 32, the IV has 12 bytes (RFC 8446 §7.3)"


@pytest.mark.task(4, rule="RFC 8446 §7.3")
def test_the_keys_are_made_with_the_hash_of_the_cipher_suite(exercise):
    keys = exercise.traffic_keys("sha384", b"s" * 48, 32)
    same_bytes(keys.key, expanded(b"s" * 48, b"key", b"", 32), "the key, with SHA-384, RFC 8446 §7.3")
    same_bytes(keys.iv, expanded(b"s" * 48, b"iv", b"", 12), "the IV, with SHA-384, RFC 8446 §7.3")


@pytest.mark.task(4, rule="RFC 8446 §5.3")
@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (0, "a0a1a2a3a4a5a6a7a8a9aaab"),
        (1, "a0a1a2a3a4a5a6a7a8a9aaaa"),
        (0x100, "a0a1a2a3a4a5a6a7a8a9abab"),
        (2**64 - 1, "a0a1a2a35b5a595857565554"),
    ],
)
def test_the_nonce_is_the_iv_xor_the_sequence_number(exercise, sequence, expected):
    iv = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaab")
    got = exercise.nonce(iv, sequence)
    same_bytes(got, bytes.fromhex(expected), f"sequence number {sequence} at the right end, RFC 8446 §5.3")


# --- task 5: open a record ------------------------------------------------------------------------------

RECORDED = [
    ("server_handshake", 0, "server", 1, 22),
    ("client_handshake", 0, "client", 1, 22),
    ("server_traffic", 0, "server", 2, 22),
    ("client_traffic", 0, "client", 2, 23),
    ("server_traffic", 1, "server", 3, 23),
    ("client_traffic", 1, "client", 3, 21),
]
KEY, IV = bytes(range(16)), bytes(range(100, 112))


def keys_of(exercise, name):
    """From the published keys, so that task 5 does not lean on task 4."""
    return exercise.Keys(values(FULL)[f"{name}_key"], values(FULL)[f"{name}_iv"])


def opened_by(exercise, keys, sequence, record):
    """What the learner's code finds in a record that was sealed with these keys."""
    try:
        return exercise.open_record(keys, sequence, record)
    except InvalidTag as error:
        said = (
            "AES-GCM raised InvalidTag, and the keys are right. So one of three is not what the sender took: "
            f"the nonce, the additional data, or the ciphertext with its tag ({RECORDS})"
        )
        raise AssertionError(said).with_traceback(error.__traceback__) from None


def sealed(plain, sequence):
    """A record as a sender makes it, of a plaintext with its content type and padding."""
    head = b"\x17\x03\x03" + (len(plain) + 16).to_bytes(2, "big")
    value = (int.from_bytes(IV, "big") ^ sequence).to_bytes(12, "big")
    return head + AESGCM(KEY).encrypt(value, plain, head)


@pytest.mark.task(5, rule=RECORDS)
@pytest.mark.parametrize("case", RECORDED, ids=lambda case: f"{case[2]} {case[3]}")
def test_every_record_of_rfc_8448_opens(exercise, steps, case):
    secret, sequence, side, number, kind = case
    steps.note(f"the {side}'s encrypted record {number}: {secret}, sequence number {sequence}")
    record = values(FULL)[f"{side}_record_{number}"]
    opened = opened_by(exercise, keys_of(exercise, secret), sequence, record)
    same_bytes(opened.content, values(FULL)[f"{side}_content_{number}"], f"RFC 8448 §3, {RECORDS}")
    got = opened.content_type
    assert got == kind, f"the real content type is {kind}, not {got} ({RECORDS})"


@pytest.mark.task(5, rule="RFC 8446 §5.4")
@pytest.mark.parametrize("padding", [0, 1, 15, 200])
def test_padding_is_dropped_and_zeros_of_the_content_stay(exercise, seed, padding):
    content = random.Random(seed).randbytes(40) + b"\0\0\0"
    record = sealed(content + b"\x17" + bytes(padding), 5)
    opened = opened_by(exercise, exercise.Keys(KEY, IV), 5, record)
    same_bytes(opened.content, content, f"{padding} zeros of padding behind the content type, RFC 8446 §5.4")


@pytest.mark.task(5, rule="RFC 8446 §5.4")
def test_a_record_of_zeros_alone_is_an_error(exercise):
    for plain in (b"", b"\0", bytes(30)):
        try:
            got = opened_by(exercise, exercise.Keys(KEY, IV), 0, sealed(plain, 0))
        except ValueError:
            continue
        pytest.fail(
            f"{len(plain)} zeros have no content type: ValueError; it returned {got!r} (RFC 8446 §5.4)"
        )


@pytest.mark.task(5, rule=RECORDS)
def test_a_changed_header_or_another_number_does_not_open(exercise):
    record = sealed(b"content\x17", 7)
    for sequence, changed in ((8, record), (7, b"\x16" + record[1:])):
        try:
            got = exercise.open_record(exercise.Keys(KEY, IV), sequence, changed)
        except InvalidTag:
            continue
        pytest.fail(f"the header and the number are authenticated; it returned {got!r} ({RECORDS})")


# --- task 6: check Finished -----------------------------------------------------------------------------


@pytest.mark.task(6, rule="RFC 8446 §4.4.4")
@both
def test_the_servers_finished_is_the_one_of_rfc_8448(exercise, steps, section):
    found = values(section)
    before = [*messages(section, *HELLOS[section]), *messages(section, *FLIGHT[:-1])]
    steps.note("over all messages before it, keyed by the server's handshake traffic secret")
    got = exercise.verify_data("sha256", found["server_handshake"], before)
    same_bytes(got, found["server_finished"][4:], f"RFC 8448 §{section}, RFC 8446 §4.4.4")


@pytest.mark.task(6, rule="RFC 8446 §4.4.4")
@both
def test_the_clients_finished_covers_the_servers(exercise, section):
    found = values(section)
    before = [*messages(section, *HELLOS[section]), *messages(section, *FLIGHT)]
    got = exercise.verify_data("sha256", found["client_handshake"], before)
    same_bytes(got, found["client_finished"][4:], f"RFC 8448 §{section}, RFC 8446 §4.4.4")


@pytest.mark.task(6, rule="RFC 8446 §4.4.4")
def test_finished_is_made_with_the_hash_of_the_cipher_suite(exercise):
    before = messages(FULL, *HELLOS[FULL])
    key = expanded(b"s" * 48, b"finished", b"", 48)
    expected = hmac.digest(key, hashlib.sha384(b"".join(before)).digest(), "sha384")
    got = exercise.verify_data("sha384", b"s" * 48, before)
    same_bytes(got, expected, "SHA-384 and a finished key of 48 bytes, RFC 8446 §4.4.4")
