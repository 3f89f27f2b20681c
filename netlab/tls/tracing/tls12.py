"""The keys of a connection of TLS 1.2 or older: where its master secret comes from, and what it opens.

The master secret is in the key log; or it follows from the pre-master secret, which the key log has or the
server's RSA key decrypts (static RSA only: that theft is lab 06); or the session was seen before. Each way
that fails leaves one line that says why.
"""

from __future__ import annotations

import hmac

from cryptography import x509

from netlab.tls import decrypt, prf
from netlab.tls.decrypt import Protection
from netlab.tls.keylog import MASTER
from netlab.tls.keyschedule import Derivation, Value
from netlab.tls.tracing.hellos import ClientFacts, ServerFacts
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.transcript import Transcript
from netlab.tls.tracing.values import Side
from netlab.tls.wire import registry
from netlab.tls.wire.suites import Mode, Suite, suite


class Secrets12:
    """The secrets of one handshake. Tell it what comes, then ask for `protections` at a ChangeCipherSpec."""

    def __init__(
        self, ring: Keyring, client: ClientFacts, server: ServerFacts, steps: list[Derivation]
    ) -> None:
        self.client, self.server = client, server
        self.suite: Suite | None = suite(server.suite)
        self.steps = steps
        self._ring = ring
        self._full = False  # a Certificate or a key exchange came: no resumption
        self._exchanged = False
        self._public: object = None
        self._encrypted = b""
        self._session_hash: bytes | None = None
        self._master: bytes | None = None
        self._reason = ""
        self._made: dict[Side, Protection] = {}

    @property
    def resumed(self) -> bool:
        """Did neither certificate nor key exchange come, although the handshake is over?"""
        return bool(self._made or self._reason) and not self._full

    def certificate(self, der: bytes) -> None:
        """The server's certificate: its key tells which stolen key fits."""
        self._full = True
        try:
            self._public = x509.load_der_x509_certificate(der).public_key()
        except Exception:  # any error of any parser: then no key fits
            self._public = None

    def client_key_exchange(self, encrypted: bytes, transcript: Transcript) -> None:
        """The ClientKeyExchange, which is in the transcript; encrypted: with RSA, or empty."""
        if self._exchanged:
            return  # one handshake has one: hashing the transcript again and again would cost its square
        self._full = self._exchanged = True
        self._encrypted = encrypted
        if self.server.extended_master_secret and self.suite and not transcript.closed:
            data = bytes(transcript.data)
            self._session_hash = prf.transcript_hash(self.server.version, self.suite, data)

    def new_session_ticket(self, ticket: bytes) -> None:
        """A ticket for this session: the next connection may resume with it."""
        master = self.master()
        if master and ticket:
            self._ring.remember(ticket, master)

    def protection(self, side: Side) -> tuple[Protection | None, str]:
        """What opens a side's records after its ChangeCipherSpec, or None and why."""
        if not self._made:
            self._reason = self._make()
        return self._made.get(side), self._reason

    def master(self) -> bytes | None:
        """The master secret, or None."""
        if self._master is None:
            self._master = self._find_master()
            if self._master is not None:
                # So that a capture written with its secrets opens without the server's key.
                self._ring.log.add(MASTER, self.client.random, self._master)
        return self._master

    def check_finished(self, side: Side, verify_data: bytes, transcript: Transcript) -> bool | None:
        """Does a Finished hold what it must (before it enters the transcript)? None: it can't be said."""
        if self._master is None or self.suite is None or transcript.closed:
            return None
        expected = prf.verify_data(
            self.server.version, self.suite, self._master, bytes(transcript.data), side is Side.CLIENT,
            self.steps.append,
        )  # fmt: skip
        if self.server.session_id:
            self._ring.remember(self.server.session_id, self._master)
        return hmac.compare_digest(expected, verify_data)

    # -- the master secret

    def _find_master(self) -> bytes | None:
        client = self.client.random
        logged = self._ring.logged_master(client, self.server.session_id)
        if logged is not None:
            inputs: tuple[tuple[str, Value], ...] = (("client random", client),)
            self.steps.append(Derivation("master secret", "key log", inputs, logged, "RFC 9850"))
            return logged
        if not self._full:
            resumed = self._ring.session(self.client.ticket, self.server.session_id)
            if resumed is None:
                self._reason = (
                    "no secret: the session was resumed, and its first connection was not decrypted"
                )
            return resumed
        pre_master = self._pre_master()
        if pre_master is None or self.suite is None:
            return None
        version = self.server.version
        if self.server.extended_master_secret:
            if self._session_hash is None:
                self._reason = "no session hash: messages before ClientKeyExchange are missing (RFC 7627 §3)"
                return None
            note = self.steps.append
            return prf.extended_master_secret(version, self.suite, pre_master, self._session_hash, note)
        randoms = client, self.server.random
        return prf.master_secret(version, self.suite, pre_master, *randoms, self.steps.append)

    def _pre_master(self) -> bytes | None:
        found = self._ring.pre_master(self.client.random, self._encrypted)
        if found is not None:
            inputs: tuple[tuple[str, Value], ...] = (("client random", self.client.random),)
            self.steps.append(Derivation("pre-master secret", "key log", inputs, found, "RFC 9850"))
            return found
        self._reason = f"no secret: the key log has no CLIENT_RANDOM {self.client.random.hex()[:16]}…"
        if not self._ring.keys:
            return None
        exchange = self.suite.key_exchange if self.suite else ""
        if exchange != "RSA":
            what = exchange or "this suite"
            self._reason = f"the server's key does not help: {what} uses it to sign, never to encrypt"
            return None
        return self._decrypt()

    def _decrypt(self) -> bytes | None:
        """RFC 5246 §7.4.7.1: version and 46 random bytes, encrypted with the server's public key."""
        key = self._ring.rsa_key(self._public)
        if key is None and self._public is not None:
            self._reason = "the private key is not the one of the server's certificate"
            return None
        key = key or self._ring.keys[0]
        try:
            found = self._ring.decrypt(key, self._encrypted)
        except ValueError:
            found = b""
        # A wrong key may raise nothing (implicit rejection): length and version tell.
        if len(found) != 48 or found[0] != 3:
            self._reason = "the private key does not decrypt the pre-master secret: it is another key"
            return None
        inputs: tuple[tuple[str, Value], ...] = (("encrypted pre-master secret", self._encrypted),)
        self.steps.append(
            Derivation("pre-master secret", "RSA decryption", inputs, found, "RFC 5246 §7.4.7.1")
        )
        return found

    # -- what it opens

    def _make(self) -> str:
        """Build both directions; the reason why that is impossible, or empty."""
        if self.suite is None:
            name = registry.cipher_suite(self.server.suite)
            return f"netlab has no cipher for 0x{self.server.suite:04x} {name}"
        if self.server.compression:
            return "the records are compressed (RFC 3749), which netlab does not undo"
        master = self.master()
        if master is None:
            return self._reason
        version, used = self.server.version, self.suite
        block = prf.key_block(
            version, used, master, self.client.random, self.server.random, self.steps.append
        )
        parts = {
            Side.CLIENT: (block.client_key, block.client_mac, block.client_iv),
            Side.SERVER: (block.server_key, block.server_mac, block.server_iv),
        }
        try:
            for side, (key, mac, iv) in parts.items():
                self._made[side] = self._protect(used, key, mac, iv)
        except LookupError as error:
            return str(error)
        return ""

    def _protect(self, used: Suite, key: bytes, mac: bytes, iv: bytes) -> Protection:
        if used.mode is Mode.AEAD:
            return decrypt.Aead12(used, key, iv)
        if used.mode is Mode.BLOCK:
            return decrypt.Block(self.server.version, used, key, mac, iv, self.server.encrypt_then_mac)
        return decrypt.Stream(self.server.version, used, key, mac)
