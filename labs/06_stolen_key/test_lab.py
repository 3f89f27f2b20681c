"""The checks of lab 06: from the stolen key to the HTTP, step by step.

What must come out is never computed by the reference. It is published (the PRF), made by the client that
encrypts, or written down by OpenSSL in its key log.
"""

from __future__ import annotations

import functools
import random

import conversations
import pytest
from conversations import ECDHE, STATIC_RSA, STATIC_RSA_CLASSIC, TLS13
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labs.runner.checks import same_bytes

TLS12 = 0x0303
RSA_RULE = "RFC 5246 §7.4.7.1"
NONCES = "RFC 5288 §3"

# P_SHA384, published on the IETF's TLS working group list in 2009: secret, seed, and 148 bytes for "test
# label".
PRF_SECRET = bytes.fromhex("b80b733d6ceefcdc71566ea48e5567df")
PRF_SEED = bytes.fromhex("cd665cf6a8447dd6ff8b27555edb7465")
PRF_OUTPUT = bytes.fromhex(
    "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0e534cb400f"
    "ed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d9184259b5bf8cd4d90fa0d31e2"
    "dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e0990703d73e56f"
)


@functools.cache
def recorded(kind):
    """One recorded conversation of each kind: to mint keys takes time."""
    return conversations.in_memory(kind)


def encrypted(pre_master, number=0):
    """What a client sends: the secret, encrypted with the server's public key."""
    return conversations.new_key(number).public_key().encrypt(pre_master, padding.PKCS1v15())


def refused(exercise, call, *arguments):
    """The name of the lab's error that a call raises, or what it returned instead."""
    try:
        returned = call(*arguments)
    except (exercise.WrongKey, exercise.OutOfReach) as error:
        return type(error).__name__
    return f"it returned {returned!r}"[:120]


def told(got):
    """An outcome as a sentence about the learner's code."""
    return got if got.startswith("it returned") else f"it raised {got}"


# --- task 1: recover the pre-master secret ------------------------------------------------------------


@pytest.mark.task(1, rule=RSA_RULE)
def test_the_pre_master_secret_is_what_the_client_encrypted(exercise, steps, seed):
    secret = b"\x03\x03" + random.Random(seed).randbytes(46)
    steps.note("a client of TLS 1.2 encrypts 48 bytes with the public key")
    found = exercise.recover_pre_master(conversations.new_key(), encrypted(secret), TLS12)
    same_bytes(found, secret, f"the pre-master secret is the 48 bytes that were encrypted, {RSA_RULE}")


@pytest.mark.task(1, rule=RSA_RULE)
def test_a_wrong_key_is_noticed_although_it_may_raise_nothing(exercise, seed):
    chance = random.Random(seed)
    for _ in range(4):
        ciphertext = encrypted(b"\x03\x03" + chance.randbytes(46), number=1)
        got = refused(exercise, exercise.recover_pre_master, conversations.new_key(), ciphertext, TLS12)
        assert got == "WrongKey", f"another server's key must raise WrongKey; {told(got)} ({RSA_RULE})"


@pytest.mark.task(1, rule=RSA_RULE)
@pytest.mark.parametrize("length", [0, 47, 49, 64])
def test_a_secret_of_another_length_is_refused(exercise, length):
    ciphertext = encrypted((b"\x03\x03" + bytes(range(62)))[:length])
    got = refused(exercise, exercise.recover_pre_master, conversations.new_key(), ciphertext, TLS12)
    assert got == "WrongKey", (
        f"{length} bytes are no pre-master secret: raise WrongKey; {told(got)} ({RSA_RULE})"
    )


@pytest.mark.task(1, rule=RSA_RULE)
@pytest.mark.parametrize("version", [b"\x03\x01", b"\x03\x02", b"\x03\x04", b"\x00\x00"])
def test_the_first_two_bytes_are_the_version_that_the_client_offered(exercise, version):
    ciphertext = encrypted(version + bytes(46))
    got = refused(exercise, exercise.recover_pre_master, conversations.new_key(), ciphertext, TLS12)
    assert got == "WrongKey", (
        f"version {version.hex()} was not offered (0303 was): raise WrongKey; {told(got)} ({RSA_RULE})"
    )


@pytest.mark.task(1, rule=RSA_RULE)
def test_a_client_that_offered_tls_1_1_wrote_that_version(exercise, steps):
    secret = b"\x03\x02" + bytes(range(46))
    steps.note("offered=0x0302: the client's newest version is TLS 1.1")
    got = refused(exercise, exercise.recover_pre_master, conversations.new_key(), encrypted(secret), 0x0302)
    assert got.startswith("it returned"), (
        f"the client offered 0302, and the secret starts with 0302: return it; {told(got)} ({RSA_RULE})"
    )


@pytest.mark.task(1, rule="RFC 8017 §7.2.2")
def test_a_ciphertext_of_a_wrong_length_is_a_wrong_key_and_no_traceback(exercise):
    got = refused(exercise, exercise.recover_pre_master, conversations.new_key(), bytes(33), TLS12)
    assert got == "WrongKey", (
        f"33 bytes are no ciphertext of RSA-2048: raise WrongKey; {told(got)} (RFC 8017 §7.2.2)"
    )


# --- task 2: write the PRF ----------------------------------------------------------------------------


@pytest.mark.task(2, rule="RFC 5246 §5")
def test_the_prf_gives_the_published_bytes(exercise, steps):
    steps.note(f"prf({PRF_SECRET.hex()}, b'test label', {PRF_SEED.hex()}, 148)")
    found = exercise.prf(PRF_SECRET, b"test label", PRF_SEED, 148)
    same_bytes(found, PRF_OUTPUT, "P_SHA384 of label + seed, RFC 5246 §5")


@pytest.mark.task(2, rule="RFC 5246 §5")
@pytest.mark.parametrize("length", [0, 1, 47, 48, 49, 72, 96, 100])
def test_the_prf_gives_as_many_bytes_as_are_asked_for(exercise, length):
    found = exercise.prf(PRF_SECRET, b"test label", PRF_SEED, length)
    same_bytes(found, PRF_OUTPUT[:length], f"the first {length} bytes of the stream, RFC 5246 §5")


# --- task 3: derive the master secret -----------------------------------------------------------------


def pre_master_of(recording):
    """Decrypted by this test itself, so that task 3 does not lean on task 1."""
    return conversations.new_key().decrypt(recording.exchange[2:], padding.PKCS1v15())


@pytest.mark.task(3, rule="RFC 5246 §8.1")
def test_the_classic_master_secret_is_the_one_that_openssl_logged(exercise, steps):
    talk = recorded(STATIC_RSA_CLASSIC)
    recording = exercise.read_recording(talk.chunks)
    steps.note("a conversation without the extended_master_secret extension")
    found = exercise.master_secret(pre_master_of(recording), recording)
    same_bytes(
        found, talk.master, "PRF(pre-master, 'master secret', client random + server random), RFC 5246 §8.1"
    )


@pytest.mark.task(3, rule="RFC 7627 §4")
def test_the_extended_master_secret_is_the_one_that_openssl_logged(exercise, steps):
    talk = recorded(STATIC_RSA)
    recording = exercise.read_recording(talk.chunks)
    steps.note("a conversation in which both sides sent extended_master_secret")
    found = exercise.master_secret(pre_master_of(recording), recording)
    same_bytes(found, talk.master, "PRF(pre-master, 'extended master secret', Hash(messages)), RFC 7627 §4")


# --- task 4: cut the keys -----------------------------------------------------------------------------


def opens(keys, record):
    """Whether the first record of a side, its Finished, opens with these keys; by this test's own hand."""
    additional = bytes(8) + record[:3] + (len(record) - 5 - 8 - 16).to_bytes(2, "big")
    try:
        content = AESGCM(keys.key).decrypt(keys.iv + record[5:13], record[13:], additional)
    except (InvalidTag, ValueError):
        return False
    return content[0] == 20


@pytest.mark.task(4, rule="RFC 5246 §6.3")
@pytest.mark.parametrize("side", ["client", "server"])
def test_the_keys_of_each_side_open_its_finished_message(exercise, steps, side):
    talk = recorded(STATIC_RSA_CLASSIC)
    recording = exercise.read_recording(talk.chunks)
    client, server = exercise.cut_keys(talk.master, recording)
    keys = client if side == "client" else server
    steps.note(f"the {side}'s key {keys.key.hex()}, IV {keys.iv.hex()}")
    sizes = len(keys.key), len(keys.iv)
    assert sizes == (32, 4), f"AES-256-GCM takes a key of 32 bytes and an IV of 4, not {sizes} ({NONCES})"
    opened = opens(keys, recording.protected[side][0])
    assert opened, (
        f"the {side}'s keys do not open the {side}'s Finished (RFC 5246 §6.3: order of the key block)"
    )


# --- task 5: open a record ----------------------------------------------------------------------------

KEY, IV = bytes(range(32)), b"salt"


def content_of(exercise, sequence, record):
    """What the learner's code takes out of a record that its sender sealed with KEY and IV."""
    try:
        return exercise.open_record(exercise.Keys(KEY, IV), sequence, record)
    except InvalidTag as error:
        said = (
            "AES-GCM raised InvalidTag, and the keys are right. So one of three is not what the sender took: "
            f"the nonce, the additional data, or the ciphertext with its tag ({NONCES})"
        )
        raise AssertionError(said).with_traceback(error.__traceback__) from None


def stays_closed(exercise, sequence, record, why):
    """The record is not the one that its sender sealed: the learner's code lets InvalidTag out."""
    try:
        got = exercise.open_record(exercise.Keys(KEY, IV), sequence, record)
    except InvalidTag:
        return
    pytest.fail(f"{why}: InvalidTag must come out; your code returned {got!r} (RFC 5246 §6.2.3.3)")


def sealed(content, sequence, kind=23, explicit=b"\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7"):
    """A record as a sender makes it; the explicit nonce is the sender's choice."""
    additional = sequence.to_bytes(8, "big") + bytes([kind, 3, 3]) + len(content).to_bytes(2, "big")
    body = explicit + AESGCM(KEY).encrypt(IV + explicit, content, additional)
    return bytes([kind, 3, 3]) + len(body).to_bytes(2, "big") + body


@pytest.mark.task(5, rule=NONCES)
def test_a_record_gives_its_content(exercise, steps, seed):
    content = random.Random(seed).randbytes(100)
    record = sealed(content, 0)
    steps.note(f"open_record(keys, 0, {record[:20].hex()}…)")
    same_bytes(content_of(exercise, 0, record), content, f"AES-GCM, {NONCES}")


@pytest.mark.task(5, rule="RFC 5246 §6.2.3.3")
@pytest.mark.parametrize("sequence", [1, 255, 256, 2**32 + 5])
def test_the_sequence_number_is_part_of_what_is_authenticated(exercise, sequence):
    record = sealed(b"content", sequence)
    found = content_of(exercise, sequence, record)
    same_bytes(found, b"content", f"record {sequence} of its direction, RFC 5246 §6.2.3.3")
    stays_closed(exercise, sequence - 1, record, f"record {sequence} was opened as record {sequence - 1}")


@pytest.mark.task(5, rule="RFC 5246 §6.2.3.3")
def test_an_alert_turned_into_application_data_does_not_open(exercise):
    record = sealed(b"\x01\x00", 3, kind=21)
    same_bytes(content_of(exercise, 3, record), b"\x01\x00", "an alert, RFC 5246 §7.2")
    stays_closed(exercise, 3, b"\x17" + record[1:], "the type was changed from 21 to 23")


# --- task 6: steal the conversation -------------------------------------------------------------------


@pytest.mark.task(6, rule="RFC 5246 §7.4.7.1")
@pytest.mark.parametrize("kind", [STATIC_RSA_CLASSIC, STATIC_RSA], ids=["classic", "extended"])
def test_the_private_key_opens_a_conversation_with_static_rsa(exercise, steps, kind):
    steps.note(f"{kind.name}: recorded, then the key is stolen")
    loot = exercise.steal(conversations.new_key(), exercise.read_recording(recorded(kind).chunks))
    same_bytes(loot.request, conversations.REQUEST, "what the client sent, RFC 5246 §6.2.3.3")
    same_bytes(
        loot.response, conversations.SECRET, "what the server sent, without its close_notify, RFC 5246 §7.2.1"
    )


@pytest.mark.task(6, rule="RFC 5246 §6.2.3.3")
def test_every_record_of_a_long_response_is_read_in_order(exercise, seed):
    long = random.Random(seed).randbytes(100_000)
    talk = conversations.in_memory(STATIC_RSA, response=long)
    loot = exercise.steal(conversations.new_key(), exercise.read_recording(talk.chunks))
    same_bytes(
        loot.response, long, "100,000 bytes in several records, each with its number, RFC 5246 §6.2.3.3"
    )


@pytest.mark.task(6, rule="RFC 8422 §2")
def test_ecdhe_is_out_of_reach_because_the_key_only_signs(exercise, steps):
    steps.note("the same server, the same key; the suite is ECDHE_RSA")
    recording = exercise.read_recording(recorded(ECDHE).chunks)
    got = refused(exercise, exercise.steal, conversations.new_key(), recording)
    assert got == "OutOfReach", f"an ECDHE connection must raise OutOfReach; {told(got)} (RFC 8422 §2)"


@pytest.mark.task(6, rule="RFC 8446 §1.2")
def test_tls_1_3_is_out_of_reach_because_it_has_no_rsa_key_exchange(exercise):
    recording = exercise.read_recording(recorded(TLS13).chunks)
    got = refused(exercise, exercise.steal, conversations.new_key(), recording)
    assert got == "OutOfReach", f"a TLS 1.3 connection must raise OutOfReach; {told(got)} (RFC 8446 §1.2)"


@pytest.mark.task(6, rule=RSA_RULE)
def test_the_key_of_another_server_opens_nothing(exercise):
    recording = exercise.read_recording(recorded(STATIC_RSA).chunks)
    got = refused(exercise, exercise.steal, conversations.new_key(1), recording)
    assert got == "WrongKey", f"another server's key must raise WrongKey; {told(got)} ({RSA_RULE})"


@pytest.mark.task(6, rule="RFC 5246 §6.2.3.3")
def test_a_damaged_record_is_a_wrong_key_and_no_traceback(exercise):
    recording = exercise.read_recording(recorded(STATIC_RSA).chunks)
    damaged = recording.protected["server"][1]
    recording.protected["server"][1] = damaged[:-1] + bytes([damaged[-1] ^ 1])
    got = refused(exercise, exercise.steal, conversations.new_key(), recording)
    assert got == "WrongKey", (
        f"a record whose tag is wrong must raise WrongKey; {told(got)} (RFC 5246 §6.2.3.3)"
    )
